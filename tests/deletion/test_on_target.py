"""TargetInfluence: plugged in, linearised, and what can be read off it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME, CASES
from tolerances import ROUNDING

import vifstats as vs

CASE = BY_NAME["cox efron ties"]


@pytest.fixture
def vif() -> vs.Influence:
    return vs.vif(CASE.estimate())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_targets_are_plugged_in(case):
    """On refits a target is exact: f(theta^, 1) - f(theta(-i), 1_-i)."""
    est = case.estimate()

    def target(theta, b, loss):
        return loss.value(theta, b)

    exact, rows = vs.leave_one_out(est, objects=[100]), np.arange(1, case.n)
    change, others = exact.on(target), case.loss(rows)
    theta = (est.theta - exact.values[0])[case.parameters(rows)]
    without = others.value(theta, others.everyone())
    assert change.value[0] == est.loss.value(est.theta, est.loss.everyone())
    assert change.value_without[0, 0] == pytest.approx(without, rel=ROUNDING)
    assert change.influence[0, 0] == pytest.approx(change.value[0] - without, rel=1e-6)


def test_linear_and_plugged_in_agree_on_a_linear_target(vif):
    def contrast(theta, b, loss):
        return theta[0] - 2 * theta[1]

    plugged, linear = vif.on(contrast), vif.on(contrast, linear=True)
    assert plugged.influence == pytest.approx(linear.influence, abs=1e-12)
    assert plugged.influence[:, 0] == pytest.approx(vif.values @ [1.0, -2.0], abs=1e-12)


def test_target_results_read_like_the_others(vif):
    change = vif.on(vs.targets.RelativeRisk({"age": [1.0, 0.0], "dose": [0.0, 1.0]}))
    assert change.to_frame().shape == (CASE.n, 2)
    assert list(change.index) == list(vif.index)
    column = change.top(3, column=1).iloc[:, 1].abs()
    assert column.is_monotonic_decreasing
    assert "full data minus without" in repr(change)


def test_many_targets_one_after_another_are_those_at_once(vif):
    weights = np.random.default_rng(0).normal(size=(5, len(vif.params)))
    at_once = vif.on(vs.targets.RelativeRisk(weights))
    blocks = [vs.targets.RelativeRisk(weights[:2]), vs.targets.RelativeRisk(weights[2:])]
    changes = list(vif.on_each(blocks))
    assert np.array_equal(np.hstack([change.influence for change in changes]), at_once.influence)
    for linear in (False, True):
        found = pd.concat(change.largest(3) for change in vif.on_each(blocks, linear))
        expected = vif.on(vs.targets.RelativeRisk(weights), linear).largest(3)
        assert found["row"].to_list() == expected["row"].to_list()


def test_the_largest_rows_of_every_target_value(vif):
    change = vif.on(vs.targets.RelativeRisk(np.eye(len(vif.params))))
    found = change.largest(4)
    for column, (name, rows) in enumerate(found.groupby("target", sort=False)):
        top = change.top(4, column)
        assert name == top.columns[column]
        assert rows["row"].to_list() == list(top.index)
        assert rows["influence"].to_list() == top[name].to_list()
    assert len(change.largest(10**6)) == change.influence.size
