"""What R's survival says: its dfbeta, its refits and its standard errors, on 14 data sets."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from oracles import CASES, TIES, WITH_ID, OracleCase, load_case
from tolerances import R_DFBETA, R_REFIT, R_STANDARD_ERROR, relative_error

import vifstats as vs
from vifstats.losses import Cox

every_case = pytest.mark.parametrize(
    ("name", "ties"), [(name, ties) for name in CASES for ties in TIES]
)
every_case_with_id = pytest.mark.parametrize(
    ("name", "ties"), [(name, ties) for name in WITH_ID for ties in TIES]
)
LAST_STEP = 1e-9  # standard errors: what the issue of exact refits asks of every row


def options_of(case: OracleCase) -> dict:
    options = ("entry", "weights", "strata", "ties", "penalty")
    return {name: getattr(case, name) for name in options}


@cache
def estimate(name: str, ties: str) -> vs.Estimate:
    """Our own fit, from zero."""
    case = load_case(name, ties)
    loss = Cox(case.X, case.time, case.event, **options_of(case))
    return vs.minimize(loss, np.zeros(case.X.shape[1]))


def largest_difference(theta, reference, se) -> float:
    """In standard errors."""
    return float(np.max(np.abs(np.asarray(theta) - np.asarray(reference)) / se))


@every_case
def test_coefficients_and_naive_covariance(name, ties):
    case, est = load_case(name, ties), estimate(name, ties)
    se = np.sqrt(np.diag(case.naive_cov))
    assert largest_difference(est.theta, case.coef, se) < R_DFBETA
    assert est.standard_errors == pytest.approx(se, rel=R_DFBETA)


@every_case
def test_classical_if_is_dfbeta(name, ties):
    case, influence = load_case(name, ties), vs.classical_if(estimate(name, ties))
    assert relative_error(influence.dfbeta, case.dfbeta) < R_DFBETA
    assert list(influence.dfbeta) == list(case.dfbeta)


@every_case
def test_classical_if_from_plain_coefficients(name, ties):
    """With R's coefficients and its rows, one call."""
    case = load_case(name, ties)
    influence = vs.vif_cox(
        case.coef, case.X, case.time, case.event, **options_of(case), method="if"
    )
    assert relative_error(influence.dfbeta, case.dfbeta) < R_DFBETA


@every_case_with_id
def test_classical_if_of_ids(name, ties):
    case = load_case(name, ties)
    influence = vs.classical_if(estimate(name, ties), groups=case.id)
    assert relative_error(influence.dfbeta.loc[case.dfbeta_id.index], case.dfbeta_id) < R_DFBETA


@every_case
def test_refits(name, ties):
    case, est = load_case(name, ties), estimate(name, ties)
    rows = case.refits.index.to_numpy()
    refits = vs.leave_one_out(est, objects=rows)
    assert refits.exact.all()
    theta = refits.params_without.loc[rows]
    assert largest_difference(theta, case.refits, est.standard_errors) < R_REFIT
    assert relative_error(refits.dfbeta.loc[rows], case.loo) < R_REFIT


@every_case_with_id
def test_refits_of_ids(name, ties):
    case, est = load_case(name, ties), estimate(name, ties)
    ids = case.refits_id.index.to_numpy()
    refits = vs.leave_one_out(est, groups=case.id, objects=ids)
    assert refits.exact.all()
    theta = refits.params_without.loc[ids]
    assert largest_difference(theta, case.refits_id, est.standard_errors) < R_REFIT
    assert relative_error(refits.dfbeta.loc[ids], case.loo_id) < R_REFIT


@every_case
def test_last_step_of_every_refit(name, ties):
    """One more Newton step from each refit is shorter than the tolerance."""
    case, est = load_case(name, ties), estimate(name, ties)
    some = np.unique(np.linspace(0, len(case.time) - 1, 450).astype(int))
    refits = vs.leave_one_out(est, objects=some)
    assert refits.exact.all()
    loss, removals, theta = est.loss, refits.removals, refits.params_without.to_numpy()
    _, gradients = loss.reduced_slopes(theta, removals)
    H = loss.reduced_curvatures(theta, removals)
    steps = np.linalg.solve(H, gradients[:, :, None])[:, :, 0]
    assert (np.abs(steps) / est.standard_errors).max() < LAST_STEP


@every_case
def test_robust_standard_errors(name, ties):
    """coxph(..., robust = TRUE): every row a cluster."""
    case, influence = load_case(name, ties), vs.vif(estimate(name, ties))
    found, of_r = influence.cov_params("robust"), case.robust_cov
    assert np.sqrt(np.diag(found)) == pytest.approx(np.sqrt(np.diag(of_r)), rel=R_STANDARD_ERROR)
    assert relative_error(found, of_r) < R_STANDARD_ERROR


@every_case_with_id
def test_cluster_standard_errors(name, ties):
    """coxph(..., cluster = id)."""
    case, influence = load_case(name, ties), vs.vif(estimate(name, ties))
    found, of_r = influence.cov_params("robust", groups=case.id), case.cluster_cov
    assert np.sqrt(np.diag(found)) == pytest.approx(np.sqrt(np.diag(of_r)), rel=R_STANDARD_ERROR)
    assert relative_error(found, of_r) < R_STANDARD_ERROR
