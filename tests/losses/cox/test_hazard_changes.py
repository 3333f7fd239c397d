"""Baseline hazards without rows, and the loss without rows, against their definitions."""

from __future__ import annotations

from dataclasses import replace
from math import fsum, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import baseline_cumulative_hazard, cox_value, without
from rewordings import as_loss
from strategies import cox_cases, groups_for, members_of
from tolerances import ROUNDING, relative_error

from vifstats.losses import Cox
from vifstats.losses.cox import fast, power_series
from vifstats.losses.cox.efron_sums import efron_logs
from vifstats.losses.cox.hazard_changes import hazards_without
from vifstats.removals import Removals


@settings(max_examples=60)
@given(st.data())
def test_hazards_without_rows_equal_the_definition(data):
    problem, theta = data.draw(cox_cases())
    # at x = 0 the hazard of calendar years is beyond doubles
    problem = replace(problem, X=problem.X - problem.X.mean(axis=0))
    ids = data.draw(groups_for(problem))
    loss, removals = as_loss(problem), Removals.of_groups(ids)
    sets = loss.risk_sets
    stratum = 0
    cells = slice(*sets.ranges.bounds[:2])
    times = sets.cell_time[cells][:: max(1, len(sets.cell_time[cells]) // 3)]
    if not len(times):
        return
    name = None if problem.strata is None else problem.strata[sets.order[0]]
    inside = np.zeros((sets.n_cells, len(times)))
    inside[cells] = sets.cell_time[cells, None] <= times
    found = hazards_without(
        loss.sums(theta), inside, removals, np.zeros((len(removals), len(theta)))
    )
    shift = loss.hazards(theta, loss.everyone())[1][stratum]
    unit = np.exp(-shift - loss.centres[stratum] @ theta)
    expected = [
        [
            baseline_cumulative_hazard(problem, theta, without(len(ids), gone), t, name)
            for t in times
        ]
        for gone in members_of(ids)
    ]
    full = [baseline_cumulative_hazard(problem, theta, None, t, name) for t in times]
    assert relative_error(found * unit, np.array(expected), floor=np.array(full)) < ROUNDING


def test_each_row_goes_its_own_step_however_many_are_taken_at_once(monkeypatch):
    monkeypatch.setattr(power_series, "AT_ONCE", 4)
    monkeypatch.setattr(fast, "LARGE", np.inf)
    rng = np.random.default_rng(4)
    loss = Cox(rng.normal(size=(40, 2)), rng.exponential(size=40), rng.random(40) < 0.7)
    sums, steps = loss.sums(np.array([0.3, -0.2])), rng.normal(size=(40, 2))
    inside = np.ones((loss.risk_sets.n_cells, 1))
    every = Removals.each(40)
    found = hazards_without(sums, inside, every, steps)
    alone = [
        hazards_without(sums, inside, every.take(np.array([i])), steps[i : i + 1])[0]
        for i in range(40)
    ]
    assert relative_error(found, np.array(alone)) < ROUNDING


@settings(max_examples=60)
@given(st.data())
def test_loss_without_rows_equals_the_definition(data):
    problem, theta = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    found = as_loss(problem).value_differences(theta, Removals.of_groups(ids))
    full = cox_value(problem, theta)
    parts = [cox_value(problem, theta, without(len(ids), gone)) for gone in members_of(ids)]
    # the definition itself is a difference of two sums of this size
    size = max(1.0, abs(full))
    assert np.abs(found - (full - np.array(parts))).max() < ROUNDING * size


@pytest.mark.parametrize(
    ("g", "N"), [(4.0, 3), (100.5, 90), (1e6, 50), (1e9, 10), (20.1, 3), (17.0, 1), (30.0, 30)]
)
def test_sums_of_logarithms_over_ties(g, N):
    exact = fsum(log(g - tie) for tie in range(N))
    assert efron_logs(np.array([g]), np.array([N]))[0] == pytest.approx(exact, rel=1e-14)
