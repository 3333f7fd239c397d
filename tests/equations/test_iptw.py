"""Weights of a propensity model, estimated again without a row: against R's glm and coxph."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from tolerances import (
    CONVERGED_FIT,
    FINITE_DIFFERENCE,
    LIFELINES_FIT,
    ROUNDING,
    relative_error,
)

import vifstats as vs
from vifstats.adapters.weighted import weighted
from vifstats.errors import DataMismatchError, InvalidInputError, InvalidTypeError

ORACLE = Path(__file__).parents[2] / "validation" / "oracles" / "iptw"


@cache
def data() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "gbsg2.csv")


def propensity(rows: pd.DataFrame):
    covariates = sm.add_constant(rows.drop(columns=["treated", "time", "event"]))
    return sm.Logit(rows.treated, covariates).fit(disp=0, tol=1e-12)


def weights(e: np.ndarray, A: np.ndarray, estimand: str = "ATE") -> np.ndarray:
    return {
        "ATE": A / e + (1 - A) / (1 - e),
        "ATT": A + (1 - A) * e / (1 - e),
        "ATO": A * (1 - e) + (1 - A) * e,
    }[estimand]


@cache
def breslow() -> tuple[vs.Estimate, vs.Estimate]:
    """The stacked estimate, and the outcome model alone with its weights held."""
    d, logit = data(), propensity(data())
    w = weights(logit.predict(), d.treated.to_numpy())
    cox = vs.losses.Cox(d[["treated"]], d.time, d.event, weights=w, ties="breslow")
    outcome = vs.minimize(cox, [0.0])
    return weighted(outcome, logit), outcome


@cache
def oracle() -> pd.Series:
    return pd.read_csv(ORACLE / "iptw.csv").treated


def test_estimate_is_that_of_r():
    est, outcome = breslow()
    assert est.names[-1] == "treated"
    assert est.names[1] == "weights: age"
    assert abs(est.theta[-1] - oracle()[0]) <= CONVERGED_FIT * est.standard_errors[-1]


def test_refits_are_those_of_r():
    est, _ = breslow()
    size = np.abs(oracle()[0] - oracle()[1:].to_numpy())
    some = np.unique(np.concatenate([np.argsort(-size)[:20], np.arange(0, len(size), 40)]))
    found = vs.leave_one_out(est, objects=some.tolist()).params_without["treated"]
    theirs = oracle()[1:].to_numpy()[some]
    assert np.abs(found - theirs).max() <= CONVERGED_FIT * est.standard_errors[-1]


def test_influences_follow_refits_where_held_weights_do_not():
    est, outcome = breslow()
    exact = oracle()[0] - oracle()[1:].to_numpy()

    def pearson(values):
        return np.corrcoef(values, exact)[0, 1]

    newton = vs.newton_step(est).values[:, -1]
    assert pearson(vs.vif(est).values[:, -1]) >= 0.9990
    assert pearson(newton) >= 0.9999
    assert np.linalg.norm(newton - exact) <= 0.006 * np.linalg.norm(exact)
    # what everybody does is wrong exactly here
    assert pearson(vs.vif(outcome).values[:, 0]) < 0.90
    jackknife = np.sqrt((exact**2).sum())
    assert est.standard_errors[-1] == pytest.approx(jackknife, rel=0.05)


def test_a_lifelines_fit_brings_its_weights():
    d, logit = data().iloc[:300], propensity(data().iloc[:300])
    table = d[["treated", "time", "event"]].assign(w=weights(logit.predict(), d.treated))
    fit = CoxPHFitter().fit(table, "time", "event", weights_col="w", robust=True)
    est = vs.from_model(fit, table, weights_from=logit)
    assert est.names[-1] == "treated"
    without = d.drop(index=17)
    again = propensity(without)
    table = without[["treated", "time", "event"]].assign(
        w=weights(again.predict(), without.treated)
    )
    refit = CoxPHFitter().fit(table, "time", "event", weights_col="w", robust=True)
    found = vs.leave_one_out(est, objects=[17]).params_without["treated"].iloc[0]
    assert abs(found - refit.params_["treated"]) <= LIFELINES_FIT


@pytest.mark.parametrize(
    ("estimand", "stabilized"), [("ATE", False), ("ATE", True), ("ATT", False), ("ATO", False)]
)
def test_least_squares_by_each_estimand(estimand, stabilized):
    rng = np.random.default_rng(0)
    d = data().iloc[:200].assign(y=rng.normal(size=200))

    def fitted(rows):
        logit = propensity(rows.drop(columns="y"))
        w = weights(logit.predict(), rows.treated.to_numpy(), estimand)
        if stabilized:
            share = rows.treated.mean()
            w = w * np.where(rows.treated == 1, share, 1 - share)
        design = sm.add_constant(rows[["treated"]].astype(float))
        return sm.WLS(rows.y, design, weights=w).fit(), logit

    outcome, logit = fitted(d)
    est = vs.from_model(outcome, weights_from=logit, estimand=estimand, stabilized=stabilized)
    some = [0, 5, 90, 199]
    found = vs.leave_one_out(est, objects=some).params_without[["const", "treated"]].to_numpy()
    theirs = np.stack([fitted(d.drop(index=i))[0].params for i in some])
    assert relative_error(found, theirs) <= CONVERGED_FIT
    newton = vs.newton_step(est, objects=some).values
    exact = vs.leave_one_out(est, objects=some).values
    assert np.linalg.norm(newton - exact) <= 0.1 * np.linalg.norm(exact)


def test_jacobian_and_differences_are_those_by_definition():
    """The chain through the weights, against central differences of psi itself."""
    est, _ = breslow()
    loss, theta = est.loss, est.theta
    steps = 1e-5 * est.standard_errors
    columns = [
        (loss.gradient(theta + h) - loss.gradient(theta - h)) / (2 * step)
        for step, h in zip(steps, np.diag(steps), strict=True)
    ]
    assert relative_error(loss.hessian(theta), np.stack(columns, axis=1)) <= FINITE_DIFFERENCE
    removals = est.removals(objects=[3, 400])
    D = loss.gradient_differences(theta, removals)
    slow = np.stack(
        [loss.gradient(theta) - loss.gradient(theta, removals.presence(k)) for k in range(2)]
    )
    assert relative_error(D, slow, floor=1e-3) <= ROUNDING
    reduced = loss.reduced_hessians(theta, removals)
    again = loss.reduced_curvatures(np.tile(theta, (2, 1)), removals)
    assert relative_error(reduced.reshape(2, -1), again.reshape(2, -1), floor=1e-3) <= ROUNDING


def test_it_is_pickled_and_concluded_from():
    est, _ = breslow()
    twin = pickle.loads(pickle.dumps(est))
    assert np.array_equal(vs.vif(twin).values, vs.vif(est).values)
    found = vs.influence(est, method="vif")
    assert (found.status == "ok").all()
    with pytest.raises(InvalidInputError, match="no value"):
        vs.cross_validated_loglik(est)
    with pytest.raises(InvalidInputError, match="no value"):
        _ = found.likelihood_displacement


def test_weights_of_another_model_are_refused():
    d, logit = data(), propensity(data())
    w = weights(logit.predict(), d.treated.to_numpy(), "ATT")
    outcome = vs.minimize(vs.losses.Cox(d[["treated"]], d.time, d.event, weights=w), [0.0])
    with pytest.raises(DataMismatchError, match="by the propensity"):
        weighted(outcome, logit, "ATE")
    assert weighted(outcome, logit, "ATT").names[-1] == "treated"
    with pytest.raises(InvalidInputError, match="estimand"):
        weighted(outcome, logit, "everybody")
    with pytest.raises(InvalidInputError, match="same rows"):
        weighted(outcome, propensity(d.iloc[:600]), "ATT")
    with pytest.raises(InvalidInputError, match="treatment that is 0 or 1"):
        weighted(outcome, sm.OLS(d.time, d[["age"]]).fit(), "ATT")
    with pytest.raises(InvalidInputError, match="weights_from"):
        vs.from_model(logit, estimand="ATE")
    with pytest.raises((InvalidTypeError, InvalidInputError)):
        weighted(outcome, logit, "ATT", stabilized=True)
