"""The published formulas against the fast paths and against the definitions in 50 digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import BY_NAME
from hypothesis import given, settings
from oracles import load_case
from references import CoxProblem, dfbeta_if, dfbeta_vif, gradient_scale, m_estimator_influence
from strategies import cox_fits
from tolerances import ORACLE, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import Cox

drawn = settings(max_examples=40)
COX = {"if": vs.closed_form.reid_crepeau_if, "vif": vs.closed_form.vif_cox}
FAST = {"if": vs.classical_if, "vif": vs.vif}
DEFINITION = {"if": dfbeta_if, "vif": dfbeta_vif}
each_method = pytest.mark.parametrize("method", COX)


def data_of(problem: CoxProblem) -> tuple:
    return problem.X, problem.time, problem.event


def options_of(problem: CoxProblem) -> dict:
    options = ("entry", "weights", "strata", "offset", "ties", "penalty")
    return {name: getattr(problem, name) for name in options}


def unit_of(problem: CoxProblem, est: vs.Estimate) -> np.ndarray:
    """Size of a relevant error of dfbeta: what one row can move a gradient by, over H."""
    return np.abs(est.factor.inverse()) @ gradient_scale(problem) + np.finfo(float).tiny


@each_method
@drawn
@given(fit=cox_fits(max_rows=20, offset=("none", "mild")))
def test_cox_formulas_equal_definition_and_fast_path(method, fit):
    problem, theta = fit
    est = vs.Estimate(Cox(*data_of(problem), **options_of(problem)), theta)
    unit = unit_of(problem, est)
    values = COX[method](theta, *data_of(problem), **options_of(problem))
    assert relative_error(values, DEFINITION[method](problem, theta), unit) < ROUNDING
    assert relative_error(values, FAST[method](est).values, unit) < ROUNDING


@each_method
@drawn
@given(fit=cox_fits(times=("distinct",), entry=("none",), strata=("none",), offset=("none",)))
def test_as_printed_is_right_without_ties(method, fit):
    problem, theta = replace(fit[0], weights=None), fit[1]
    options = {"penalty": np.ptp(problem.X, axis=0) ** 2 + 0.1}
    printed = COX[method](theta, *data_of(problem), as_printed=True, **options)
    general = COX[method](theta, *data_of(problem), **options)
    H = Cox(*data_of(problem), **options).hessian(theta)
    unit = np.abs(np.linalg.inv(H)) @ gradient_scale(problem)
    assert relative_error(printed, general, unit) < ROUNDING


@drawn
@given(cox_fits(entry=("none",), strata=("none",), offset=("none",), ties=("breslow",)))
def test_the_influence_function_as_printed_is_breslows(fit):
    problem, theta = replace(fit[0], weights=None), fit[1]
    options = {"penalty": np.ptp(problem.X, axis=0) ** 2 + 0.1}
    printed = vs.closed_form.reid_crepeau_if(theta, *data_of(problem), as_printed=True, **options)
    loss = Cox(*data_of(problem), ties="breslow", **options)
    fast = vs.classical_if(vs.Estimate(loss, theta, tol=np.inf)).values
    unit = np.abs(np.linalg.inv(loss.hessian(theta))) @ gradient_scale(problem)
    assert relative_error(printed, fast, unit) < ROUNDING


def test_the_vif_as_printed_drops_an_event_tied_with_a_censored_row():
    """Rows 2 and 3 are censored when row 1 dies: they were at risk for it."""
    x = np.array([[1.0], [0.0], [1.0], [0.0], [0.0]])
    T, E = [1.0, 2.0, 2.0, 2.0, 4.0], [1, 1, 0, 0, 0]
    theta = vs.minimize(Cox(x, T, E), [0.0]).theta
    printed = vs.closed_form.vif_cox(theta, x, T, E, as_printed=True)
    general = vs.closed_form.vif_cox(theta, x, T, E)
    wrong = ~np.isclose(printed, general, rtol=REFERENCE)[:, 0]
    assert wrong.tolist() == [False, False, True, True, False]
    # had they left a little later, nothing was to be dropped
    later = vs.closed_form.vif_cox(theta, x, [1.0, 2.0, 2.1, 2.1, 4.0], E, as_printed=True)
    assert later == pytest.approx(general, rel=REFERENCE)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["lung_strata_weights", "veteran_entry", "heart", "lung_ridge"])
def test_reid_crepeau_is_dfbeta_of_r(name, ties):
    case = load_case(name, ties)
    values = vs.closed_form.reid_crepeau_if(
        case.coef, case.X, case.time, case.event, entry=case.entry, weights=case.weights,
        strata=case.strata, ties=ties, penalty=case.penalty,
    )  # fmt: skip
    assert relative_error(values, case.dfbeta) < ORACLE


@pytest.mark.parametrize("name", ["mean", "least squares", "logistic ridge", "poisson", "huber"])
def test_koh_liang_is_the_influence_of_an_m_estimator(name):
    est = BY_NAME[name].estimate()
    scores = est.loss.weight_gradients(est.theta)
    values = vs.closed_form.koh_liang_if(est.hessian, scores)
    assert relative_error(values, m_estimator_influence(est.hessian, scores)) < ROUNDING
    assert relative_error(values, vs.classical_if(est).values) < ROUNDING


def test_koh_liang_on_least_squares():
    """dfbeta_i = (X'X)^-1 x_i (y_i - x_i'theta)."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 2)), rng.normal(size=9)
    theta = np.linalg.lstsq(X, y)[0]
    residuals = y - X @ theta
    values = vs.closed_form.koh_liang_if(X.T @ X, -residuals[:, None] * X)
    assert values == pytest.approx(np.linalg.solve(X.T @ X, (residuals[:, None] * X).T).T)


@each_method
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ties": "exact"}, "`ties` must be one of"),
        ({"as_printed": True, "weights": [1, 2, 1]}, "as printed has no weights"),
        ({"as_printed": True, "entry": [0, 0, 0], "strata": [1, 1, 1]}, "no entry or strata"),
        ({"entry": [0.0, 2.0, 0.0]}, "`entry` must be before"),
    ],
)
def test_bad_options_are_named(method, options, message):
    with pytest.raises(InvalidInputError, match=message):
        COX[method]([0.0], [[0.0], [1.0], [0.0]], [3.0, 2.0, 1.0], [1, 1, 1], **options)


def test_a_hessian_of_another_model_is_named():
    with pytest.raises(InvalidInputError, match=r"`hessian` must have one row .* 2, but has shape"):
        vs.closed_form.koh_liang_if(np.eye(3), np.ones((4, 2)))
