"""Median survival: where the curve crosses, searched or summed, and where it never does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from curve_checks import COX, check_plugged_in, stratum_of

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox
from vifstats.targets import MedianSurvival, SurvivalProbability, SurvivalQuantile

PROFILES = np.array([[0.3, -0.2], [1.0, 1.0]])


@pytest.mark.parametrize("case", COX, ids=str)
def test_median_is_where_the_curve_crosses(case):
    est = case.estimate()
    stratum = stratum_of(est)
    check_plugged_in(est, MedianSurvival(PROFILES, stratum=stratum))
    loss = est.loss
    curve = SurvivalProbability(PROFILES[:1], stratum=stratum)
    S = curve.value(est.theta, loss.everyone(), loss)
    times = np.array([float(name[2:-1]) for name in curve.bind(est).names])
    below = times[S <= 0.5]
    median = MedianSurvival(PROFILES[:1], stratum=stratum).value(est.theta, loss.everyone(), loss)
    assert median == pytest.approx([below[0] if len(below) else np.nan], nan_ok=True, rel=1e-5)


def test_median_that_is_never_reached_says_so():
    X = np.resize([0.0, 1.0, 1.0], (20, 1))
    loss = Cox(X, np.arange(1.0, 21.0), np.arange(20) < 4)
    change = vs.vif(vs.minimize(loss, [0.0])).on(MedianSurvival([0.5]))
    assert np.isnan(change.influence).all()
    assert (change.status == "survival stays above 1/2").all()
    assert "nan: 20 rows" in repr(change)


def test_median_has_no_linear_form():
    est = vs.minimize(Cox([[0.0], [1.0], [0.0], [1.0]], [4, 3, 2, 1], [1, 1, 1, 1]), [0.0])
    with pytest.raises(InvalidInputError, match="moves in steps"):
        vs.vif(est).on(MedianSurvival([0.0]), linear=True)


def first_below(S: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The definition, of curves (n, m)."""
    return np.array([t[0] if len(t := times[row <= 0.5]) else np.nan for row in S])


@pytest.mark.parametrize("tried", [1, 15])
@pytest.mark.parametrize("case", COX, ids=str)
def test_the_search_finds_where_the_expanded_curve_crosses(case, tried, monkeypatch):
    monkeypatch.setattr("vifstats.targets.median.TRIED", tried)
    est = case.estimate()
    influence, where = vs.newton_step(est), {"stratum": stratum_of(est), "exact": False}
    without = est.loss, est.theta - influence.values, influence.removals
    # far from the curve's middle too, where many or all medians are past its end
    for x in (*PROFILES, [-1.5, 2.0], [3.0, -3.0]):
        curve = SurvivalProbability(x, **where).bind(est)
        S = curve.values_without(*without)
        found = MedianSurvival(x, **where).bind(est).values_without(*without)[:, 0]
        # in a risk set of two, an expansion may rise again
        falls = (np.diff(S) <= 0).all(axis=1)
        assert falls.mean() > 0.5
        expected = first_below(S[falls], curve.curve.event_times)
        np.testing.assert_array_equal(found[falls], expected)


@pytest.mark.parametrize("coarse", [False, True])
def test_the_search_finds_what_the_sums_give(coarse, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    time = rng.exponential(np.exp(-X @ [0.5, -0.5]))
    time = np.ceil(50 * time) if coarse else time
    est = vs.minimize(Cox(X, time, rng.random(600) < 0.7), np.zeros(2))
    influence = vs.newton_step(est)
    target = MedianSurvival([[0.2, 0.1], [-1.0, 1.0]])
    afresh = influence.on(target).influence
    assert len(np.unique(afresh)) > 1
    monkeypatch.setattr("vifstats.targets.survival_curves.EXACT_PAIRS", 0)
    np.testing.assert_array_equal(influence.on(target).influence, afresh)
    expanded = influence.on(dataclasses.replace(target, exact=False)).influence
    np.testing.assert_array_equal(expanded, afresh)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_other_quantiles_are_where_the_curve_crosses_too(share):
    est = COX[1].estimate()
    check_plugged_in(est, SurvivalQuantile(PROFILES, share))
    curve = SurvivalProbability(PROFILES[:1])
    S = curve.value(est.theta, est.loss.everyone(), est.loss)
    times = np.array([float(name[2:-1]) for name in curve.bind(est).names])
    found = vs.vif(est).on(SurvivalQuantile(PROFILES[:1], share))
    assert found.value == pytest.approx(times[1 - share >= S][:1], rel=1e-5)
    assert list(found.table) == [f"q({share:g})"]


def test_the_median_is_the_quantile_of_a_half():
    influence = vs.vif(COX[0].estimate())
    where = {"stratum": stratum_of(influence.estimate)}
    median = influence.on(MedianSurvival(PROFILES, **where))
    half = influence.on(SurvivalQuantile(PROFILES, 0.5, **where))
    np.testing.assert_array_equal(median.value_without, half.value_without)
