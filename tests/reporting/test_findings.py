"""Findings: which rows are refitted, and what is said when refits say nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.deletion.refits import refit_removals
from vifstats.errors import InvalidInputError
from vifstats.reporting import as_text, find
from vifstats.reporting.findings import confirm
from vifstats.reporting.timed_refits import removal_of_each_row

SMALL = [[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]], [6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1]


@pytest.fixture
def large():
    rng = np.random.default_rng(3)
    X, T = rng.normal(size=(120, 2)), rng.exponential(size=120)
    return vs.minimize(vs.losses.Cox(X, T, rng.random(120) < 0.7), [0.0, 0.0])


def test_the_top_and_a_fixed_sample_are_refitted(large):
    found, again = find(large, top=4), find(large, top=4)
    assert np.array_equal(found.refitted, again.refitted)
    assert set(found.top) <= set(found.refitted)
    assert 50 <= len(found.refitted) <= 54
    assert np.array_equal(np.flatnonzero(found.influence.exact), found.refitted)
    distances = found.influence.cooks_distance.to_numpy()[found.top]
    assert np.all(np.diff(distances) <= 0)


@pytest.mark.parametrize("method", ["vif", "if", "newton"])
def test_rows_that_are_not_refitted_are_the_method_s(large, method):
    found = find(large, method, top=4)
    approximate = {"vif": vs.vif, "if": vs.classical_if, "newton": vs.newton_step}[method](large)
    rest = ~found.influence.exact
    assert np.array_equal(found.influence.values[rest], approximate.values[rest])


def test_agreement_counts_only_refitted_rows(large):
    found = find(large, top=4)
    assert (found.agreement.table["n"] == len(found.refitted)).all()


def test_groups_are_removed_whole(large):
    est = vs.Estimate(large.loss, large.theta, groups=np.repeat(list("abcdef"), 20))
    found = find(est, top=2)
    assert found.influence.index.to_list() == list("abcdef")
    assert "one ward a line" in as_text(found, rows="ward")


def test_refits_that_failed_are_counted(large, monkeypatch):
    def nothing_converges(est, removals):
        influence = refit_removals(est, removals)
        nothing = np.full_like(influence.values, np.nan)
        n = len(influence.index)
        return replace(
            influence, values=nothing, exact=np.zeros(n, dtype=bool), failed=np.ones(n, dtype=bool)
        )

    monkeypatch.setattr("vifstats.reporting.timed_refits.refit_removals", nothing_converges)
    found = find(large, top=2)
    assert found.agreement is None
    assert "None of the refits to compare 'vif' with converged" in as_text(found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"method": "x"}, "method"), ({"top": -1}, "top"), ({"seconds": np.nan}, "seconds")],
)
def test_options_are_checked(options, expected):
    est = vs.minimize(vs.losses.Cox(*SMALL), [0.0])
    with pytest.raises(InvalidInputError, match=f"`{expected}` must be"):
        find(est, **options)


def test_many_covariates_are_wrapped(large):
    loss = vs.losses.Cox(np.random.default_rng(0).normal(size=(120, 30)), large.loss.data.time)
    text = as_text(find(vs.minimize(loss, np.zeros(30)), top=2))
    assert max(map(len, text.splitlines())) <= 100


def test_an_influence_is_taken_as_it_is(large):
    influence = vs.newton_step(large, groups=np.arange(120) // 2)
    found = find(influence, top=3)
    assert found.influence.method == "newton"
    exact = vs.leave_one_out(large, groups=np.arange(120) // 2)
    assert np.allclose(found.influence.values[found.refitted], exact.values[found.refitted])


def test_labels_that_occur_twice_are_no_obstacle(large):
    loss = large.loss
    X = pd.DataFrame(loss.data.X, index=[0] * 120)
    twice = vs.losses.Cox(X, loss.data.time, loss.data.event)
    found = find(vs.minimize(twice, [0.0, 0.0]), top=2)
    expected = find(large, top=2)
    assert np.array_equal(found.refitted, expected.refitted)
    assert np.allclose(found.agreement.table, expected.agreement.table)


def test_time_that_is_up_ends_the_refits(large, monkeypatch):
    clock = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr("vifstats.reporting.timed_refits.perf_counter", lambda: next(clock))
    found = find(large, top=4, seconds=5.0)
    assert len(found.refitted) == 4 < found.n_planned
    assert f"4 exact refits of {found.n_planned} planned, as time ran out" in as_text(found)


def test_the_most_influential_are_refitted_first(large, monkeypatch):
    clock = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr("vifstats.reporting.timed_refits.perf_counter", lambda: next(clock))
    found = find(large, top=4, seconds=5.0)
    assert set(found.top) == set(found.refitted)


def test_more_refits_are_no_part_of_the_sample(large):
    found = find(large, top=2)
    more = confirm(found, np.arange(120))
    assert more.influence.exact.all()
    assert more.agreement is found.agreement and more.refitted is found.refitted


def test_no_time_is_no_refit(large):
    found = confirm(find(large, top=2), np.arange(120), seconds=0.0)
    assert found.influence.exact.sum() == len(found.refitted)


def test_a_row_that_the_model_dropped_is_not_refitted():
    import statsmodels.api as sm

    x = np.linspace(0, 1, 70)
    x[3] = np.nan
    y = np.sin(9 * np.linspace(0, 1, 70))
    fit = sm.OLS(y, sm.add_constant(x), missing="drop").fit()
    found = find(vs.from_model(fit), top=70)
    assert 3 not in found.refitted and len(found.refitted) == 69
    assert removal_of_each_row(found.influence)[3] == -1
