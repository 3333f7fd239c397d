"""Findings: which rows are refitted, and what is said when refits say nothing."""

import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import as_text, find

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
    def nothing_converges(est, *, objects, progress):
        influence = vs.leave_one_out(est, objects=objects)
        influence.values[:] = np.nan
        influence.exact[:], influence.failed[:] = False, True
        return influence

    monkeypatch.setattr("vifstats.reporting.findings.leave_one_out", nothing_converges)
    found = find(large, top=2)
    assert found.agreement is None
    assert "None of the refits converged" in as_text(found)


@pytest.mark.parametrize(
    ("options", "expected"), [({"method": "x"}, "method"), ({"top": -1}, "top")]
)
def test_options_are_checked(options, expected):
    est = vs.minimize(vs.losses.Cox(*SMALL), [0.0])
    with pytest.raises(InvalidInputError, match=f"`{expected}` must be"):
        find(est, **options)


def test_many_covariates_are_wrapped(large):
    loss = vs.losses.Cox(np.random.default_rng(0).normal(size=(120, 30)), large.loss.data.time)
    text = as_text(find(vs.minimize(loss, np.zeros(30)), top=2))
    assert max(map(len, text.splitlines())) <= 100
