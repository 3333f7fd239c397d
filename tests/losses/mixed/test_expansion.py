"""With many groups truncated refits read an expansion of their sums, and end where refits do."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from mixed_fits import MixedFit
from tolerances import FINITE_DIFFERENCE

import vifstats as vs
from vifstats.deletion.in_time import truncated_in_time
from vifstats.losses.mixed.loss import MANY_GROUPS
from vifstats.removals import Removals


@cache
def many_groups() -> vs.Estimate:
    rng = np.random.default_rng(6)
    n_groups = MANY_GROUPS + 10
    g = rng.permutation(np.repeat(np.arange(n_groups), 3))
    X = np.column_stack([np.ones(len(g)), rng.normal(size=len(g))])
    y = X @ [1.0, 0.5] + (X * rng.normal(size=(n_groups, 2))[g]).sum(axis=1)
    y += rng.normal(size=len(g))
    y[0] += 8.0
    loss = vs.losses.MixedModel(X, y, g, X)
    return vs.minimize(loss, loss.start())


def test_few_groups_are_summed_as_they_are():
    est = MixedFit("sleepstudy", True).estimate()
    assert est.loss.nearby(est.theta) is est.loss


@pytest.mark.parametrize("by", ["rows", "groups"])
def test_truncated_refits_of_many_groups_are_near_refits(by):
    est = many_groups()
    groups = est.loss.group_of_row if by == "groups" else None
    some = vs.vif(est, groups=groups).cooks_distance.nlargest(6).index.tolist()
    two, exact = (
        method(est, groups=groups, objects=some).values
        for method in (vs.truncated_refits, vs.leave_one_out)
    )
    assert np.abs((two - exact) / est.standard_errors).max() < 0.02
    vif = vs.vif(est, groups=groups, objects=some).values
    assert np.abs(two - exact).max() < 0.05 * np.abs(vif - exact).max()


def test_the_expansion_has_the_derivatives_of_its_value():
    est = many_groups()
    near, rng = est.loss.nearby(est.theta), np.random.default_rng(7)
    removals = Removals.each(est.loss.n_objects).take(np.array([0, 5]))
    thetas = est.theta + 0.5 * est.standard_errors * rng.normal(size=(2, len(est.theta)))
    h = 1e-5 * rng.normal(size=len(est.theta)) * est.standard_errors
    (up, g_up), (down, g_down) = (near.reduced_slopes(thetas + s * h, removals) for s in (1, -1))
    slope = 2 * near.reduced_slopes(thetas, removals)[1] @ h
    assert up - down == pytest.approx(slope, rel=FINITE_DIFFERENCE, abs=1e-10)
    bend = 2 * near.reduced_curvatures(thetas, removals) @ h
    size = np.abs(bend).max()
    assert g_up - g_down == pytest.approx(bend, rel=FINITE_DIFFERENCE, abs=1e-5 * size)


def test_auto_takes_two_steps_where_one_is_coarse_and_there_is_time():
    est = MixedFit("sleepstudy", True).estimate()
    removals = est.removals(MixedFit("sleepstudy", True).groups)
    found = truncated_in_time(est, removals, np.inf)
    assert found.method == "truncated" and not found.exact.any()
    assert truncated_in_time(est, removals, 0.0) is None
    assert np.array_equal(
        found.values,
        vs.influence(est, method="truncated", groups=MixedFit("sleepstudy", True).groups).values,
    )


def test_auto_of_other_losses_stays_with_vif():
    est = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, np.arange(9.0)), [0.0])
    assert truncated_in_time(est, est.removals(), np.inf) is None
