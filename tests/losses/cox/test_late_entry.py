"""Compiled passes against NumPy, with chunks of their usual size: most over ranges that begin late.

`test_definitions` holds both to 50 digits, on problems of a few cells and so with tiny chunks.
"""

from __future__ import annotations

from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import pytest
from tolerances import relative_error

from vifstats.losses import Cox
from vifstats.losses.cox import fast
from vifstats.removals import Removals

# both sum the same numbers in another order, of a few hundred rows
ANOTHER_ORDER = 1e-12

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="numba, of the extra fast")


def late_rows(seed: int, n: int = 900) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows at risk for long, for short, from the start and never, some of them heavy."""
    rng = np.random.default_rng(seed)
    X, time = rng.normal(size=(n, 3)), rng.exponential(size=n)
    entry = time * rng.choice([0.0, 0.5, 0.99, 1 - 1e-9], n)
    entry[rng.random(n) < 0.2] = -np.inf
    weights = rng.uniform(0.5, 2, n)
    weights[:3] = 100.0
    data = {"T": time, "E": rng.random(n) < 0.6, "entry": entry, "weights": weights}
    return X, data


def by_both(loss: Cox, theta: np.ndarray, removals: Removals) -> list[list[np.ndarray]]:
    out = []
    for large in (np.inf, 0):
        with patch.object(fast, "LARGE", large):
            twin = loss.with_ties(loss.ties)  # without the sums of the other way
            out.append([twin.gradient(theta), twin.gradient_differences(theta, removals)])
    return out


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("kind", ["continuous", "days", "strata", "hardly"])
def test_passes_for_late_rows_are_numpys(kind, ties):
    X, data = late_rows(seed=len(kind))
    if kind == "days":
        data["T"], data["entry"] = np.ceil(data["T"] * 200), np.floor(data["entry"] * 200)
    if kind == "strata":
        data["strata"] = np.arange(len(X)) % 4
    if kind == "hardly":  # from the start, or at no event but one's own
        data["entry"] = np.where(np.arange(len(X)) % 3, -np.inf, data["T"] * (1 - 1e-9))
    loss = Cox(X, **data, ties=ties)
    clusters = Removals.of_groups(np.arange(len(X)) // 3)
    for removals in (loss.each(), clusters):
        plain, compiled = by_both(loss, np.array([0.5, -1.0, 1.5]), removals)
        for expected, found in zip(plain, compiled, strict=True):
            assert relative_error(found, expected) < ANOTHER_ORDER


@pytest.mark.parametrize("n_strata", [1, 4])
@pytest.mark.parametrize(
    "scale",
    [
        np.positive,
        lambda t: np.expm1(100 * t),  # nearly all in one bucket
        lambda t: np.ceil(5 * t),
        lambda t: np.ceil(2 * t) * np.finfo(float).smallest_subnormal,  # no finite unit
    ],
)
def test_rows_enter_where_numpy_says(scale, n_strata):
    X, data = late_rows(seed=5)
    late = np.isfinite(data["entry"])
    data["T"], data["entry"] = scale(data["T"]), np.where(late, scale(data["entry"]), -np.inf)
    data["entry"] = np.where(data["entry"] < data["T"], data["entry"], -np.inf)
    plain, compiled = [], []
    for large, found in ((np.inf, plain), (0, compiled)):
        with patch.object(fast, "LARGE", large):
            ranges = Cox(X, **data, strata=np.arange(len(X)) % n_strata).risk_sets.ranges
            found += [ranges.lo.tolist(), ranges.by_start.tolist()]
    assert compiled == plain


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_short_segments_of_many_rows_are_numpys(ties):
    """Every pair is taken as it is, of so many rows at a time: here of several times as many."""
    X, data = late_rows(seed=9)
    data["strata"], data["E"] = np.arange(len(X)) % 2, np.arange(len(X)) % 9 == 0
    data["T"] = np.ceil(data["T"] * 20)
    del data["entry"]
    loss = Cox(X, **data, ties=ties)
    plain, compiled = by_both(loss, np.array([0.5, -1.0, 1.5]), loss.each())
    for expected, found in zip(plain, compiled, strict=True):
        assert relative_error(found, expected) < ANOTHER_ORDER
