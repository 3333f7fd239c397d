"""Hessians after removals, and Newton steps by what those are less than the full one.

`test_definitions` holds both to 50 digits on problems of a few rows; here is enough of them for
the ways that large data take.
"""

from __future__ import annotations

from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import pytest
from tolerances import ROUNDING, relative_error

from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.losses.cox import fast
from vifstats.removals import Removals
from vifstats.solvers.linalg import NEAR

# both sum the same numbers in another order, of a few hundred rows
ANOTHER_ORDER = 1e-12
THETA = np.array([0.5, -1.0, 1.5])
compiled = pytest.mark.skipif(find_spec("numba") is None, reason="numba, of the extra fast")


def some_rows(kind: str, ties: str = "efron", n: int = 900) -> Cox:
    """Three heavy rows among others; strata of which the last is short."""
    rng = np.random.default_rng(len(kind))
    X, T, weights = rng.normal(size=(n, 3)), rng.exponential(size=n), rng.uniform(0.5, 2, n)
    weights[:3] = 100.0
    data = {"E": rng.random(n) < 0.7, "weights": weights, "ties": ties}
    if kind == "days":
        T = np.ceil(100 * T)
    if kind in ("strata", "short"):
        data["strata"] = np.minimum(np.arange(n) // (400 if kind == "strata" else 430), 2)
    if kind == "late":
        data["entry"] = np.where(rng.random(n) < 0.5, 0.5 * T, -np.inf)
    return Cox(X, T, **data)


@compiled
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("kind", ["plain", "days", "strata", "short"])
def test_the_compiled_pass_is_numpys(kind, ties):
    loss = some_rows(kind, ties)
    every, found = loss.each(), []
    for removals in (every, every.take(np.arange(0, 900, 2)[::-1])):
        for large in (np.inf, 0):
            with patch.object(fast, "LARGE", large):
                found.append(loss.with_ties(ties)._hessian_changes(THETA, removals))
        plain, by_loops = found[-2:]
        assert relative_error(by_loops, plain) < ANOTHER_ORDER


@pytest.mark.parametrize("kind", ["plain", "days", "short", "late"])
def test_steps_by_changes_are_those_by_the_hessians(kind):
    """Also with removals of groups, of nobody, and of what the full Hessian is far from."""
    loss = some_rows(kind, n=1300)
    groups = Removals.of_groups(np.append(np.arange(1250), np.arange(50)))
    gaps = loss.each().take(np.arange(1299, 0, -1))
    gaps = Removals(np.where(gaps.codes == 7, -1, gaps.codes), gaps.labels)
    for removals in (loss.each(), groups, gaps):
        D = loss.gradient_differences(THETA, removals)
        H, full = loss.reduced_hessians(THETA, removals), loss.hessian(THETA)
        expected = np.linalg.solve(H, D[:, :, None])[:, :, 0]
        assert np.abs(H - full).max() > 3 * NEAR * np.abs(full).max()
        steps = loss.reduced_solves(THETA, removals, D)
        assert relative_error(steps, expected, np.abs(expected).max(axis=0)) < ROUNDING
        assert (steps[removals.sizes == 0] == 0).all()


def test_a_loss_with_hessians_of_its_own_is_solved_with_those():
    class Steeper(Cox):
        def reduced_hessians(self, theta, removals=None):
            return 2 * super().reduced_hessians(theta, removals)

    rng = np.random.default_rng(3)
    loss = Steeper(rng.normal(size=(1200, 3)), rng.exponential(size=1200))
    rows = rng.normal(size=(1200, 3))
    expected = Loss.reduced_solves(loss, THETA, loss.each(), rows)
    np.testing.assert_array_equal(loss.reduced_solves(THETA, loss.each(), rows), expected)


def test_a_newton_step_of_every_row_leaves_nothing_as_large_as_the_data():
    """Columns of every pair of covariates, which blocks of refits share, would be many times it."""
    loss = some_rows("plain")
    loss.reduced_hessians(THETA)
    assert loss._last_kernel is None
    loss.reduced_hessians(THETA, loss.each().take(np.arange(800)))
    assert loss._last_kernel is not None
