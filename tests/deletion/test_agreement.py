"""compare: the figures by their definitions, alignment by label, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from scipy import stats

import vifstats as vs
from vifstats.errors import InvalidInputError

CASE = BY_NAME["least squares"]


@pytest.fixture
def sides() -> tuple[vs.Influence, vs.Influence]:
    est = CASE.estimate()
    return vs.vif(est), vs.leave_one_out(est)


def test_figures_by_their_definitions(sides):
    vif, refit = sides
    agreement = vs.compare(vif, refit)
    for k, name in enumerate(vif.estimate.names):
        a, r = vif.values[:, k], refit.values[:, k]
        row = agreement.table.loc[name]
        assert row["slope"] == pytest.approx(a @ r / (a @ a))
        assert row["pearson"] == pytest.approx(stats.pearsonr(a, r).statistic)
        assert row["spearman"] == pytest.approx(stats.spearmanr(a, r).statistic)
        largest = np.abs(a - r).max() / np.abs(r).max()
        assert row["largest_relative_error"] == pytest.approx(largest)
        assert row["frobenius"] == pytest.approx(np.linalg.norm(a - r) / np.linalg.norm(r))
        assert (row["n"], row["left_out"]) == (CASE.n, 0)
    whole = np.linalg.norm(vif.values - refit.values) / np.linalg.norm(refit.values)
    assert agreement.frobenius == pytest.approx(whole)
    assert agreement.seconds == vif.seconds and agreement.reference_seconds == refit.seconds


def test_slope_sees_a_wrong_scale_and_correlation_does_not(sides):
    vif, refit = sides
    wrong = vs.compare(replace(vif, values=vif.values / 40), refit)
    right = vs.compare(vif, refit)
    assert wrong.pearson.to_numpy() == pytest.approx(right.pearson.to_numpy())
    assert (wrong.slope / right.slope).to_numpy() == pytest.approx(40.0)


def test_perfect_agreement(sides):
    _, refit = sides
    same = vs.compare(refit, refit)
    assert same.slope.to_numpy() == pytest.approx(1.0)
    assert (same.largest_relative_error == 0).all() and same.frobenius == 0


def test_rows_are_aligned_by_label(sides):
    vif, refit = sides
    est = CASE.estimate()
    order = np.random.default_rng(0).permutation(CASE.n)
    shuffled = vs.leave_one_out(vs.Estimate(CASE.loss(order), est.theta))
    pd.testing.assert_frame_equal(
        vs.compare(vif, shuffled).table, vs.compare(vif, refit).table, check_exact=False, rtol=1e-6
    )


def test_rows_left_out_are_counted(sides):
    vif, _ = sides
    some = vs.leave_one_out(CASE.estimate(), objects=[100, 105, 110, 120])
    table = vs.compare(vif, some).table
    assert (table["n"] == 4).all() and (table["left_out"] == CASE.n - 4).all()
    values = some.values.copy()
    values[1] = np.nan
    table = vs.compare(vif, replace(some, values=values)).table
    assert (table["n"] == 3).all() and (table["left_out"] == CASE.n - 3).all()


def test_targets_are_compared_too(sides):
    vif, refit = sides
    both = [side.on(lambda theta, b, loss: theta[:2] ** 2) for side in (vif, refit)]
    agreement = vs.compare(*both)
    assert list(agreement.table.index) == ["value[0]", "value[1]"]
    assert agreement.slope.between(0.9, 1.3).all()
    assert agreement.seconds == vif.seconds


def test_the_text_shows_the_figures(sides):
    text = repr(vs.compare(*sides))
    assert "slope" in text and "left_out" in text and "relative Frobenius error" in text


def test_repeated_labels_compare_by_position_only():
    est = CASE.estimate()
    repeated = vs.Estimate(CASE.loss(labels=np.arange(CASE.n) % 5), est.theta)
    vif = vs.vif(repeated)
    assert (vs.compare(vif, vs.leave_one_out(repeated)).table["n"] == CASE.n).all()
    mask = np.arange(CASE.n) < 5
    with pytest.raises(InvalidInputError, match="more than once"):
        vs.compare(vif, vs.leave_one_out(repeated, objects=mask))


def test_rows_without_influence_but_for_rounding_share_a_rank():
    """The mean of one group: of the other one, no row moves it, and the order is that of e/n."""
    y = np.random.default_rng(3).normal(size=50)
    second = np.resize([0.0, 1.0], 50)
    est = vs.from_model(sm.OLS(y, np.column_stack([np.ones(50), second])).fit())
    vif, refit = vs.vif(est), vs.leave_one_out(est)
    assert 0 < np.abs(refit.values[second == 1, 0]).max() < 1e-12
    assert vs.compare(vif, refit).spearman.iloc[0] == pytest.approx(1.0)


def test_what_cannot_be_compared(sides):
    vif, refit = sides
    with pytest.raises(InvalidInputError, match="same columns"):
        vs.compare(vif, vs.vif(BY_NAME["mean"].estimate()))
    with pytest.raises(InvalidInputError, match="share no label"):
        other = vs.Estimate(CASE.loss(labels=np.arange(CASE.n) + 9000), vif.estimate.theta)
        vs.compare(vif, vs.vif(other))
    with pytest.raises(InvalidInputError, match="No row is finite"):
        vs.compare(vif, replace(refit, values=np.full_like(refit.values, np.nan)))
    with pytest.raises(InvalidInputError, match="got ndarray"):
        vs.compare(vif, refit.values)


def test_a_column_without_influence_has_no_slope(sides):
    vif, refit = sides
    nothing = vs.compare(replace(vif, values=0 * vif.values), refit)
    assert nothing.slope.isna().all() and nothing.pearson.isna().all()
