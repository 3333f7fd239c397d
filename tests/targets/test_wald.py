"""Coefficients and how sure they are, without each row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cases import BY_NAME, CASES
from curve_checks import check_linear, check_plugged_in
from sklearn.linear_model import Ridge
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.targets import Coefficient, ConfidenceLimits, PValue, StandardError, ZValue

WALD = (StandardError, ConfidenceLimits, ZValue, PValue)
SOME = ("least squares", "logistic ridge", "ranking", "cox efron ties", "cox everything")


@pytest.mark.parametrize("name", SOME)
def test_values_are_those_of_the_reduced_data(name):
    est = BY_NAME[name].estimate()
    check_plugged_in(est, Coefficient(est.names[0]))
    for target in WALD:
        check_plugged_in(est, target(est.names[0]))


@pytest.mark.parametrize("name", SOME)
def test_linear_coefficient_is_dfbeta_and_p_follows_z(name):
    est = BY_NAME[name].estimate()
    check_linear(est, Coefficient(est.names[1]))
    influence = vs.newton_step(est)
    z, p = (influence.on(target(est.names[1])).value_without for target in (ZValue, PValue))
    limits = influence.on(ConfidenceLimits(est.names[1])).value_without
    excludes_0 = limits[:, 0] * limits[:, 1] > 0
    assert (excludes_0 == (p[:, 0] < 0.05)).all() and (excludes_0 == (abs(z[:, 0]) > 1.96)).all()


def test_linear_standard_error_is_differenced():
    est = BY_NAME["cox efron ties"].estimate()
    influence = vs.newton_step(est)
    small = dataclasses.replace(influence, values=1e-4 * influence.values)
    target = StandardError("age")
    direct = dataclasses.replace(influence, values=0 * influence.values).on(target).influence
    # for a tiny dfbeta plugging in and linearising are one
    plugged = small.on(target).influence - direct
    linear = small.on(target, linear=True).influence - direct
    assert relative_error(linear, plugged) < 1e-3


def test_expanded_standard_errors_take_what_leaves_exactly():
    est = BY_NAME["cox everything"].estimate()
    influence = vs.newton_step(est)
    held = dataclasses.replace(influence, values=0 * influence.values)
    exact, expanded = (
        held.on(StandardError("dose", exact=exact)).influence for exact in (True, False)
    )
    assert relative_error(expanded, exact) < ROUNDING


def test_the_default_takes_influential_rows_exactly(monkeypatch):
    est = BY_NAME["cox efron"].estimate()
    influence = vs.newton_step(est)
    exact, expanded = (
        influence.on(StandardError("age", exact=exact)).influence for exact in (True, False)
    )
    monkeypatch.setattr("vifstats.inference.standard_errors.EXACT_NUMBERS", 5 * 40 * 2)
    mixed = influence.on(StandardError("age")).influence
    size = influence.dfbetas.abs().max(axis=1).to_numpy()
    top = np.argsort(-size)[:5]
    rest = np.setdiff1d(np.arange(40), top)
    assert relative_error(mixed[top], exact[top]) < ROUNDING
    assert relative_error(mixed[rest], expanded[rest]) < ROUNDING


def test_least_squares_estimates_its_variance_again():
    data = sm.datasets.longley.load_pandas()
    X, y = sm.add_constant(data.exog[["GNP", "YEAR"]]), data.endog
    influence = vs.newton_step(vs.from_model(sm.OLS(y, X).fit()))
    for target, quantity in ((StandardError("GNP"), "bse"), (ZValue("GNP"), "tvalues")):
        without = influence.on(target).value_without[:, 0]
        refits = [sm.OLS(y.drop(k), X.drop(k)).fit() for k in y.index]
        expected = [getattr(fit, quantity)["GNP"] for fit in refits]
        assert without == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("weights", "scale"), [("freq_weights", None), ("var_weights", None), ("freq_weights", 2.5)]
)
def test_degrees_of_freedom_count_as_those_of_the_fit(weights, scale):
    """Frequencies count as rows, weights of the variance do not, and a given scale is held."""
    data = sm.datasets.longley.load_pandas()
    X, y = sm.add_constant(data.exog[["GNP"]]), data.endog
    w = pd.Series(np.arange(len(y)) % 3 + 1.0, y.index)

    def refitted(kept):
        return sm.GLM(y[kept], X.loc[kept], **{weights: w[kept]}).fit(scale=scale, tol=1e-12)

    influence = vs.leave_one_out(vs.from_model(refitted(y.index)))
    without = influence.on(StandardError("GNP")).value_without[:, 0]
    expected = [refitted(y.index.drop(k)).bse["GNP"] for k in y.index]
    assert without == pytest.approx(expected, rel=1e-6)


def test_the_residual_variance_of_a_ridge_has_no_part_of_the_penalty():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)

    def refitted(kept):
        return vs.from_model(Ridge(alpha=5.0).fit(X[kept], y[kept]), X[kept], y[kept])

    influence = vs.leave_one_out(refitted(np.arange(30)))
    without = influence.on(StandardError("x1")).value_without[:, 0]
    expected = [refitted(np.delete(np.arange(30), k)).standard_errors[1] for k in range(30)]
    assert without == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("case", [c for c in CASES if c.owns and c.invariants is None], ids=str)
def test_parameters_that_vanish_are_nan(case):
    est = case.estimate()
    influence = vs.newton_step(est)
    own = est.names[est.loss.owned(2)[0]]
    for target in (Coefficient(own), StandardError(own), PValue(own)):
        found = influence.on(target)
        assert np.flatnonzero(np.isnan(found.influence[:, 0])).tolist() == [2]
        assert found.status.iloc[2] == "owned"


def test_bad_input():
    est = BY_NAME["cox efron"].estimate()
    influence = vs.vif(est)
    for target in (Coefficient, StandardError):
        with pytest.raises(InvalidInputError, match=r"one of \['age', 'dose'\], but is 'height'"):
            influence.on(target("height"))
    with pytest.raises(InvalidInputError, match="`level` must be between 0 and 1"):
        ConfidenceLimits("age", level=95)


def test_gauge_has_no_standard_error():
    karate = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
    loss = vs.losses.NodeEmbedding(karate, dim=1)
    est = vs.minimize(loss, loss.start())
    if len(loss.gauge(est.theta)):
        with pytest.raises(InvalidInputError, match="gauge"):
            vs.vif(est).on(StandardError(est.names[0]))


def test_a_target_that_returns_nan_says_so():
    est = BY_NAME["least squares"].estimate()
    change = vs.vif(est).on(lambda theta, b, loss: theta[0] if b[3] else np.nan)
    assert change.status.iloc[3] == "the target is nan" and (change.status == "ok").sum() == 39
    assert "nan: 1 rows" in repr(change)


def test_to_frame_has_names():
    est = BY_NAME["cox efron"].estimate()
    columns = [list(vs.vif(est).on(target("age")).to_frame()) for target in (Coefficient, *WALD)]
    assert columns == [
        ["age"],
        ["se(age)"],
        ["lower(age)", "upper(age)"],
        ["z(age)"],
        ["p(age)"],
    ]
    assert isinstance(vs.vif(est).on(PValue("age")).to_frame(), pd.DataFrame)
