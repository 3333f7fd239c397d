"""Cross-validated log likelihood and concordance against refits one by one."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from curve_checks import COX
from oracles import load_case
from references import CoxProblem, cox_concordance, cox_value, without

import vifstats as vs
from vifstats.errors import InvalidInputError


def lung() -> tuple[CoxProblem, vs.Estimate]:
    case = load_case("lung_strata_weights", "efron")
    problem = CoxProblem(
        case.X.to_numpy(), case.time, case.event == 1, weights=case.weights, strata=case.strata
    )
    loss = vs.losses.Cox(case.X, case.time, case.event, weights=case.weights, strata=case.strata)
    return problem, vs.minimize(loss, np.zeros(case.X.shape[1]))


def test_refits_are_verweij_and_van_houwelingen():
    problem, est = lung()
    refits = vs.leave_one_out(est, objects=[0, 5, 100])
    found = vs.cross_validated_loglik(est, method="refit")
    for k, row in enumerate([0, 5, 100]):
        theta = est.theta - refits.values[k]
        left_out = cox_value(problem, theta, without(problem.n_rows, [row]))
        expected = left_out - cox_value(problem, theta)
        assert found.contributions[row] == pytest.approx(expected, rel=1e-8)
    assert found.loglik == pytest.approx(found.contributions.sum())


def test_concordance_is_that_of_scores_left_out():
    problem, est = lung()
    refits = vs.leave_one_out(est)
    score = np.einsum("np,np->n", problem.X, est.theta - refits.values)
    expected = cox_concordance(problem, score, problem.weights)
    found = vs.cross_validated_loglik(est, method="refit").concordance
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", COX, ids=str)
def test_expansion_is_close_to_refits(case):
    est = case.estimate()
    exact, newton, vif = (
        vs.cross_validated_loglik(est, method=method) for method in ("refit", "newton", "vif")
    )
    size = exact.contributions.abs().max()
    assert (newton.contributions - exact.contributions).abs().max() < 0.02 * size
    assert (vif.contributions - exact.contributions).abs().max() < 0.1 * size
    assert abs(newton.loglik - exact.loglik) < 0.01 * abs(exact.loglik)


@pytest.mark.parametrize("groups", [None, np.arange(40) % 12], ids=["rows", "groups"])
def test_sums_over_rows_leave_out_their_own_terms(groups):
    est = BY_NAME["logistic ridge"].estimate()
    found = vs.cross_validated_loglik(est, groups=groups)
    newton = vs.newton_step(est, groups=groups)
    for k, members in enumerate(newton.removals):
        rows = est.loss.rows(est.theta - newton.values[k])
        assert found.contributions.iloc[k] == pytest.approx(-rows[members].sum())
    assert np.isnan(found.concordance)


def test_least_squares_is_the_press_statistic():
    data = sm.datasets.longley.load_pandas()
    fit = sm.OLS(data.endog, sm.add_constant(data.exog[["GNP", "UNEMP"]])).fit()
    found = vs.cross_validated_loglik(vs.from_model(fit))
    press = fit.get_influence().resid_press
    assert found.contributions.to_numpy() == pytest.approx(-0.5 * press**2, rel=1e-6)


def test_a_row_that_cannot_be_left_out_is_counted():
    X = [[1.0], [0.0], [0.0], [0.0], [1.0], [0.0]]
    est = vs.minimize(vs.losses.Cox(X, np.arange(1.0, 7.0), [1, 1, 1, 1, 0, 0]), [0.0])
    found = vs.cross_validated_loglik(est, method="refit")
    assert np.isnan(found.loglik) and found.contributions.isna().sum() == 2
    assert "2 rows have no finite estimate" in " ".join(repr(found).split())


def test_bad_input():
    with pytest.raises(InvalidInputError, match="`method` must be one of 'newton', 'vif', 'refit'"):
        vs.cross_validated_loglik(COX[0].estimate(), method="loo")
    with pytest.raises(InvalidInputError, match="some parameters vanish with it"):
        vs.cross_validated_loglik(BY_NAME["random effects"].estimate())
