"""How small the sets of `adaptive` are: as the smallest by brute force, on small data."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import vifstats as vs
from vifstats.deletion.refits import Refit, refit_near, refit_removals
from vifstats.diagnostics.influential_sets.exchanges import exchanged
from vifstats.diagnostics.influential_sets.goals import goal_of
from vifstats.diagnostics.influential_sets.search import Search

N = 16


def heavy_tails(seed: int) -> vs.Estimate:
    """A line through sixteen points, some of them far off."""
    rng = np.random.default_rng(seed)
    x = rng.standard_t(2, size=N)
    y = 0.5 * x + rng.standard_t(3, size=N)
    X = np.column_stack([np.ones(N), x])
    loss = vs.losses.LinearPredictor(
        vs.losses.row_losses.SquaredError(), X, y, names=["one", "slope"]
    )
    return vs.minimize(loss, [0.0, 0.0])


def turned(est: vs.Estimate, rows: tuple[int, ...]) -> bool:
    """Whether the slope changes its sign without these rows."""
    kept = np.setdiff1d(np.arange(N), rows)
    theta = np.linalg.lstsq(est.loss.designs[0][kept], est.loss.y[kept], rcond=None)[0]
    return bool(theta[1] * est.theta[1] < 0)


def fewest(est: vs.Estimate) -> int:
    """How many rows the smallest of all sets has without which the slope changes its sign."""
    return next(k for k in range(1, N) if any(turned(est, s) for s in combinations(range(N), k)))


# Of 50, 52, 90, 106 and 122 some row of the smallest set moves nothing until others are gone.
@pytest.mark.parametrize("seed", [2, 13, 50, 52, 90, 106, 122])
def test_rows_that_others_hide_are_found(seed):
    est = heavy_tails(seed)
    found = vs.influential_set(est, "slope", flip="sign", max_size=5, method="adaptive")
    assert found.reached and len(found) == fewest(est)


@pytest.mark.parametrize("seed", [50, 106, 122])
def test_an_exchange_makes_a_set_smaller(seed):
    """From a set that is longer than need be, but of which no part is enough."""
    est = heavy_tails(seed)
    least = fewest(est)
    longer = next(
        list(members)
        for members in combinations(range(N), least + 1)
        if turned(est, members)
        and not any(turned(est, part) for part in combinations(members, least))
    )
    search = Search(est, est.removals(), goal_of(est, "slope", None, "sign", 0.05, 0))
    shorter = exchanged(search, longer, np.arange(N))
    assert len(shorter) == least and search.reaches(shorter)


def test_refits_from_near_are_those_from_the_full_fit(fitted_from_near):
    est, full, removal, start = fitted_from_near
    expected = refit_removals(est, removal)
    found = refit_near(est, full, removal, start)
    assert found.exact.all() and found.values == pytest.approx(expected.values, rel=1e-7)


@pytest.fixture(params=["least squares", "cox efron", "logistic ridge", "ranking"])
def fitted_from_near(request):
    """A set of four, the fit without three of them, and the full fit."""
    from cases import BY_NAME

    est = BY_NAME[request.param].estimate()
    removals, full = est.removals(), Refit.of(est)
    start = full.theta - np.nan_to_num(refit_removals(est, removals.together([1, 4, 6])).values[0])
    return est, full, removals.together([1, 4, 6, 7]), start
