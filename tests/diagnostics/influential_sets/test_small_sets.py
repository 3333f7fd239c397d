"""How small the sets of `adaptive` are: as the smallest by brute force, on small data."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import vifstats as vs
from vifstats.deletion.methods import newton_of
from vifstats.deletion.refits import Refit, from_full, refit_near, refit_removals
from vifstats.diagnostics.influential_sets.exchanges import exchanged
from vifstats.diagnostics.influential_sets.goals import goal_of
from vifstats.diagnostics.influential_sets.held import Held
from vifstats.diagnostics.influential_sets.search import Search
from vifstats.targets import Coefficient, ConfidenceLimits

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
    found = refit_near(est, full, removal, start) or from_full(est, full, removal)
    assert found.exact.all() and found.values == pytest.approx(expected.values, rel=1e-7)


@pytest.fixture(params=["least squares", "cox efron", "logistic ridge", "ranking"])
def fitted_from_near(request):
    """A set of four, the fit without three of them, and the full fit."""
    from cases import BY_NAME

    est = BY_NAME[request.param].estimate()
    removals, full = est.removals(), Refit.of(est)
    start = full.theta - np.nan_to_num(refit_removals(est, removals.together([1, 4, 6])).values[0])
    return est, full, removals.together([1, 4, 6, 7]), start


def _edits(est: vs.Estimate) -> vs.Estimate:
    return vs.edit(est, event="flip")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("least squares", lambda est: est),
        ("least squares", lambda est: est.with_inference("HC1")),
        ("cox efron ties", lambda est: est),
        ("cox efron ties", lambda est: est.with_inference("robust")),
        ("cox efron ties", _edits),
        ("ranking", lambda est: est),
    ],
    ids=["naive, t", "HC1", "Cox", "Cox robust", "edits", "owned"],
)
def test_before_anything_is_gone_what_is_held_is_exact(name, made):
    from cases import BY_NAME

    est = made(BY_NAME[name].estimate())
    removals = est.removals()
    targets = [Coefficient(est.names[0])]
    if name != "ranking":
        targets.append(ConfidenceLimits(est.names[0], exact=False))
    for target in targets:
        found = Held.of(est, removals).influence(est, removals, target)
        expected = newton_of(est, removals).on(target).influence
        assert found == pytest.approx(expected, rel=1e-7, nan_ok=True)


def test_a_set_without_an_estimate_is_not_refitted_for_long():
    """Without both events of a level its coefficient is infinite: few steps tell."""
    rng = np.random.default_rng(3)
    rare = np.arange(60) < 6
    event = np.where(rare, np.arange(60) < 2, rng.random(60) < 0.7)
    X = np.column_stack([rare, rng.normal(size=60)])
    est = vs.minimize(vs.losses.Cox(X, rng.exponential(size=60), event), [0.0, 0.0])
    search = Search(est, est.removals(), goal_of(est, "x0", None, "sign", 0.05, 0))
    assert not search.arrives([0, 1]) and search.separated([0, 1])
    assert np.isnan(search.actual([1, 0])).all() and not search.refits
    assert search.arrives([30]) and not search.separated([30])


@pytest.mark.parametrize("as_equations", ["rows", "plain", "stack"])
def test_sets_of_equations_are_those_of_the_loss_they_are_of(as_equations):
    """A search goes on, row after row, where there is a root and no minimum."""
    est = heavy_tails(52)
    X, y = est.loss.designs[0], est.loss.y

    def rows(theta, data):
        return (data[0] @ theta - data[1])[:, None] * data[0]

    if as_equations == "plain":
        loss = vs.losses.Equations(lambda t, b: X.T @ (b * (X @ t - y)), N, 2, names=est.names)
    else:
        loss = vs.losses.RowEquations(rows, (X, y), names=est.names)
    stacked = as_equations == "stack"
    root = vs.root(vs.stack(line=loss) if stacked else loss, est.theta)
    name = "line: slope" if stacked else "slope"
    found = vs.influential_set(root, name, flip="sign", max_size=5, method="adaptive")
    assert found.reached and len(found) == fewest(est) > 1
