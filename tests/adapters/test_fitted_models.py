"""What holds for every fitted M-estimator: one influence by every route, and refits agree."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fitted_models import LIFELINES, MODELS, STATSMODELS, FittedModel
from statsmodels.tools.numdiff import approx_hess
from tolerances import (
    CONVERGED_FIT,
    FINITE_DIFFERENCE,
    LIBRARY_FIT,
    NUMERICAL_GAMMA,
    NUMERICAL_SCORE,
    ROUNDING,
    relative_error,
)

import vifstats as vs
from vifstats.losses import Loss

SMOKE = {"OLS, stackloss", "GLM Binomial logit, fair", "Ridge, diabetes", "MNLogit, anes96"}
every_model = pytest.mark.parametrize(
    "model",
    [
        pytest.param(m, id=m.name, marks=[pytest.mark.smoke] if m.name in SMOKE else [])
        for m in MODELS
    ],
)


def rounding(model: FittedModel) -> float:
    return NUMERICAL_GAMMA if "GeneralizedGamma" in model.name else ROUNDING


@every_model
def test_removal_and_derivative_in_the_weight_agree(model):
    est, rows = model.polished(), model.some()[-8:]
    removals = est.removals(objects=rows)
    dfbeta = vs.vif(est, objects=rows).values
    for definition in (Loss.gradient_differences, Loss.weight_gradients):
        D = definition(est.loss, est.theta, removals)
        assert relative_error(-est.solve(D), dfbeta) <= ROUNDING
    assert np.array_equal(dfbeta, vs.classical_if(est, objects=rows).values)


@every_model
def test_fast_paths_equal_the_definition(model):
    est = model.polished()
    loss, theta, removals = est.loss, est.theta, est.removals(objects=model.some())
    rows = loss.gradient_differences(theta, removals)
    assert relative_error(loss.hessian(theta), Loss.hessian(loss, theta)) <= rounding(model)
    fast = loss.reduced_solves(theta, removals, rows)
    slow = Loss.reduced_solves(loss, theta, removals, rows)
    indefinite = np.isnan(slow)
    assert np.array_equal(np.isnan(fast), indefinite)
    both = [np.where(indefinite, 0.0, values) for values in (fast, slow)]
    assert relative_error(*both) <= rounding(model)


@every_model
def test_the_library_is_at_our_minimum(model):
    shift = (model.estimate().theta - model.polished().theta) / model.polished().standard_errors
    assert np.abs(shift).max() <= LIBRARY_FIT


@every_model
def test_what_is_pickled_is_the_same_afterwards(model):
    est = model.estimate()
    copy = pickle.loads(pickle.dumps(est))
    assert np.array_equal(copy.theta, est.theta)
    assert np.array_equal(copy.loss.gradient(est.theta), est.loss.gradient(est.theta))


@every_model
def test_rows_sum_to_the_penalty_alone(model):
    est = model.polished()
    penalty = est.loss.gradient(est.theta, np.zeros(est.loss.n_objects))
    total = est.loss.gradient_differences(est.theta).sum(axis=0) + penalty
    steps = np.abs(est.solve(total)) / est.standard_errors * np.sqrt(est.dispersion)
    assert steps.max() <= max(CONVERGED_FIT, 10 * model.refit_tol)


@every_model
def test_influence_is_the_derivative_of_refits_in_the_weight(model):
    est = model.polished()
    row = int(vs.vif(est).cooks_distance.to_numpy().argmax())
    h = 1e-3
    heavier, lighter = (_refit(est, row, weight) for weight in (1 + h, 1 - h))
    slope = (heavier - lighter) / (2 * h)
    dfbeta = vs.vif(est).values[row]
    error = np.abs(slope - dfbeta) / est.standard_errors
    # the central difference leaves a term in h^2, which grows with the influence itself
    curvature = 10 * h**2 * max(1.0, np.abs(dfbeta / est.standard_errors).max()) ** 3
    assert error.max() <= max(curvature, rounding(model))


@pytest.mark.parametrize("model", [m for m in MODELS if m.own_refit], ids=str)
def test_refits_are_those_of_the_library(model):
    est = model.polished()
    row = int(vs.vif(model.estimate()).cooks_distance.to_numpy().argmax())
    ours = model.refits().params_without.loc[est.labels[row]]
    shift = (model.without(row) - ours.to_numpy()) / est.standard_errors
    assert np.abs(shift).max() <= LIBRARY_FIT


@every_model
def test_agreement_with_refits_is_as_published(model, published):
    est, refits = model.polished(), model.refits()
    found = vs.compare(vs.vif(est, objects=model.some()), refits).table
    assert model.name in published.index, (
        f"`python -m validation` writes {model.name} to validation/results/m_estimators.json"
    )
    line = published.loc[model.name]
    assert found.left_out.max() == 0
    assert found.slope.min() == pytest.approx(line.vif_slope_min, abs=0.02)
    assert found.slope.max() == pytest.approx(line.vif_slope_max, abs=0.02)
    assert found.pearson.min() == pytest.approx(line.vif_pearson_min, abs=0.02)
    assert found.largest_relative_error.max() == pytest.approx(line.vif_error_max, abs=0.02)


HAS_SCORES = [m for m in STATSMODELS if not m.name.startswith(("OLS", "WLS", "GLS", "RLM"))]
# statsmodels differentiates these by finite differences itself
NUMERICAL = ("OrderedModel", "ZeroInflated", "GeneralizedPoisson", "NegativeBinomialP")


@pytest.mark.parametrize("model", HAS_SCORES, ids=str)
def test_equation_8_from_the_scores_and_hessian_of_statsmodels(model):
    est, fit = model.estimate(), model.fitted()
    params = np.asarray(fit.params)
    # GLM divides both by the dispersion, which cancels
    H, scores = -_hessian(fit.model, params), -fit.model.score_obs(params)
    expected = -np.linalg.solve(H, np.asarray(scores).reshape(len(scores), -1).T).T
    tolerance = NUMERICAL_SCORE if model.name.startswith(NUMERICAL) else ROUNDING
    assert relative_error(vs.vif(est).values, expected) <= tolerance


@pytest.mark.parametrize("model", LIFELINES, ids=str)
def test_naive_covariance_is_that_of_lifelines(model):
    theirs = np.asarray(model.fitted().variance_matrix_)
    scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    ours = model.estimate().covariance
    tolerance = NUMERICAL_GAMMA if "Gamma" in model.name else FINITE_DIFFERENCE
    assert np.abs((ours - theirs) / scale).max() <= tolerance


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    path = Path(__file__).parents[2] / "validation" / "results" / "m_estimators.json"
    numbers = json.loads(path.read_text(encoding="utf-8"))["numbers"]
    return pd.DataFrame(numbers["models"]).set_index("model")


def _hessian(model: Any, params: np.ndarray) -> np.ndarray:
    """statsmodels' own, except where it lacks the block between inflation and counts."""
    if type(model).__name__ == "ZeroInflatedPoisson":
        return approx_hess(params, model.loglike)
    return np.asarray(model.hessian(params))


def _refit(est: vs.Estimate, row: int, weight: float) -> np.ndarray:
    """The minimum with one row at another weight, by Newton's method from the full fit."""
    presence = est.loss.everyone()
    presence[row] = weight
    theta = est.theta.copy()
    for _ in range(4):
        gradient = est.loss.gradient(theta, presence)
        theta = theta - np.linalg.solve(est.loss.hessian(theta, presence), gradient)
    return theta
