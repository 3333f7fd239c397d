"""Instruments, GEE, treatment effects, delicatessen: refits are those of the libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from delicatessen import MEstimator
from delicatessen.estimating_equations import ee_regression
from linearmodels.datasets import mroz
from linearmodels.iv import IV2SLS
from statsmodels.sandbox.regression.gmm import IV2SLS as StatsmodelsIV
from statsmodels.treatment.treatment_effects import TreatmentEffect
from tolerances import CONVERGED_FIT, R_REFIT, REFITTED_SUMMARY, SUMMARY, relative_error

import vifstats as vs
from vifstats.errors import NotPositiveDefiniteError, UnsupportedModelError, VifError

OVER = "lwage ~ 1 + exper + expersq + [educ ~ fatheduc + motheduc + huseduc]"
JUST = "lwage ~ 1 + exper + [educ ~ fatheduc]"


@pytest.fixture(scope="module")
def wages() -> pd.DataFrame:
    return mroz.load().dropna(subset=["lwage"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def births() -> pd.DataFrame:
    folder = Path(statsmodels.__file__).parent / "treatment" / "tests" / "results"
    return pd.read_csv(folder / "cataneo2.csv")


@pytest.mark.parametrize("formula", [OVER, JUST])
def test_two_stages_of_linearmodels(wages, formula):
    fit = IV2SLS.from_formula(formula, wages).fit(cov_type="robust")
    est = vs.from_model(fit)
    p = len(fit.params)
    assert est.names[-p:] == tuple(fit.params.index)
    assert relative_error(est.standard_errors[-p:], fit.std_errors) <= SUMMARY
    some = [0, 7, 200, 427]
    found = vs.leave_one_out(est, objects=some).params_without.iloc[:, -p:].to_numpy()
    theirs = np.stack(
        [IV2SLS.from_formula(formula, wages.drop(index=i)).fit().params for i in some]
    )
    assert relative_error(found, theirs) <= CONVERGED_FIT
    vif, newton = (verb(est, objects=some).values[:, -1] for verb in (vs.vif, vs.newton_step))
    exact = est.theta[-1] - theirs[:, -1]
    assert np.linalg.norm(newton - exact) < np.linalg.norm(vif - exact) + 0.05 * np.abs(exact).max()


def test_groups_that_leave_together_do_not_change_the_errors_of_the_fit(wages):
    """White's errors are of rows: those of a fit whose rows leave by tens are the same."""
    fit = IV2SLS.from_formula(OVER, wages).fit(cov_type="robust")
    est = vs.from_model(fit, groups=np.arange(len(wages)) // 10)
    assert relative_error(est.standard_errors[-len(fit.params) :], fit.std_errors) <= SUMMARY
    assert len(vs.vif(est).index) == -(-len(wages) // 10)


def test_two_stages_of_statsmodels(wages):
    one = np.ones(len(wages))
    X = np.column_stack([one, wages.exper, wages.educ])
    Z = np.column_stack([one, wages.exper, wages.fatheduc, wages.motheduc])
    y = wages.lwage.to_numpy()
    est = vs.from_model(StatsmodelsIV(y, X, Z).fit())
    keep = np.arange(len(y)) != 11
    theirs = StatsmodelsIV(y[keep], X[keep], Z[keep]).fit().params
    found = vs.leave_one_out(est, objects=[11]).params_without.to_numpy()[0, -3:]
    assert relative_error(found[None], theirs[None]) <= CONVERGED_FIT


def test_two_stages_arrive_from_anywhere_or_refuse(wages):
    est = vs.from_model(IV2SLS.from_formula(JUST, wages).fit())
    rng = np.random.default_rng(0)
    for _ in range(20):
        start = rng.normal(size=len(est.theta)) * 10.0 ** rng.integers(-3, 4)
        try:
            found = vs.root(est.loss, start)
        except VifError:
            continue
        assert (np.abs(found.theta - est.theta) <= 1e-6 * est.standard_errors).all()


def clustered(rows: pd.DataFrame, family, correlation):
    X = sm.add_constant(rows[["x"]])
    return sm.GEE(rows.y, X, groups=rows.id, family=family, cov_struct=correlation).fit(
        ctol=1e-12, maxiter=500
    )


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    """Clusters of one to five rows, correlated."""
    rng = np.random.default_rng(3)
    ids = np.repeat(np.arange(40), rng.integers(1, 6, 40))
    x, shared = rng.normal(size=len(ids)), rng.normal(size=40)[ids]
    return pd.DataFrame({"id": ids, "x": x, "y": rng.poisson(np.exp(0.3 + 0.2 * x + 0.5 * shared))})


@pytest.mark.parametrize("exchangeable", [True, False])
def test_gee_without_a_cluster(visits, exchangeable):
    def structure():
        kinds = sm.cov_struct
        return kinds.Exchangeable() if exchangeable else kinds.Independence()

    fit = clustered(visits, sm.families.Poisson(), structure())
    est = vs.from_model(fit)
    assert len(est.labels) == 40
    some = [2, 17, 39]
    found = vs.leave_one_out(est, objects=some).params_without[["const", "x"]].to_numpy()
    theirs = np.stack(
        [clustered(visits[visits.id != i], sm.families.Poisson(), structure()).params for i in some]
    )
    assert relative_error(found, theirs) <= CONVERGED_FIT
    if not exchangeable:
        assert relative_error(est.standard_errors, fit.bse) <= REFITTED_SUMMARY
    few = list(range(0, 40, 4))
    newton = vs.newton_step(est, objects=few).values[:, :2]
    exact = vs.leave_one_out(est, objects=few).values[:, :2]
    assert np.corrcoef(newton.ravel(), exact.ravel())[0, 1] >= 0.995


def test_gee_that_is_not_followed_says_why(visits):
    fit = clustered(visits, sm.families.Poisson(), sm.cov_struct.Autoregressive(grid=True))
    with pytest.raises(UnsupportedModelError, match="working correlation"):
        vs.from_model(fit)


@pytest.mark.parametrize("method", ["ipw", "ra", "aipw", "aipw_wls", "ipw_ra"])
def test_treatment_effects_without_a_row(births, method):
    def fitted(rows):
        select = sm.Logit.from_formula(
            "mbsmoke_ ~ mmarried_ + mage + mage2 + fbaby_ + medu", rows
        ).fit(disp=0, tol=1e-12)
        outcome = sm.OLS.from_formula("bweight ~ prenatal1_ + mmarried_ + mage", rows)
        return TreatmentEffect(outcome, rows.mbsmoke_.to_numpy(), results_select=select)

    rows = births.iloc[900:1800].reset_index(drop=True)
    est = vs.from_model(getattr(fitted(rows), method)())
    value = getattr(fitted(rows), method)(return_results=False)
    assert est.params["ATE"] == pytest.approx(value[0], rel=CONVERGED_FIT)
    for i in (0, 33):
        without = rows.drop(index=i).reset_index(drop=True)
        theirs = getattr(fitted(without), method)(return_results=False)
        found = vs.leave_one_out(est, objects=[i]).params_without[["ATE", "POM0"]].to_numpy()[0]
        assert found == pytest.approx(theirs[:2], rel=CONVERGED_FIT)


def test_g_computation_is_the_published_one(births):
    """statsmodels' example, which is Stata's: teffects ra, -239.639."""
    select = sm.Probit.from_formula("mbsmoke_ ~ mmarried_ + mage + mage2 + fbaby_ + medu", births)
    outcome = sm.OLS.from_formula("bweight ~ prenatal1_ + mmarried_ + mage + fbaby_", births)
    effects = TreatmentEffect(
        outcome, births.mbsmoke_.to_numpy(), results_select=select.fit(disp=0)
    )
    est = vs.from_model(effects.ra())
    assert round(est.params["ATE"], 3) == -239.639
    # Stata's standard error, to the digits that it prints
    assert est.standard_errors[-2] == pytest.approx(23.82402, abs=1e-5)


def test_delicatessen():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(60), rng.normal(size=60)])
    y = rng.poisson(np.exp(0.2 + 0.4 * X[:, 1]))

    def fitted(rows):
        fit = MEstimator(
            lambda theta: ee_regression(theta, X=X[rows], y=y[rows], model="poisson"),
            init=[0.0, 0.0],
        )
        fit.estimate(tolerance=1e-13, deriv_method="exact")
        return fit

    every = np.arange(60)
    fit = fitted(every)
    est = vs.from_model(fit)
    assert relative_error(est.covariance, fit.variance) <= REFITTED_SUMMARY
    found = vs.leave_one_out(est, objects=[4]).params_without.to_numpy()[0]
    assert found == pytest.approx(fitted(np.delete(every, 4)).theta, rel=R_REFIT)


def test_a_singular_jacobian_names_its_columns():
    x = np.arange(5.0)

    def psi(t, data):
        return (data[:, None] - t[0] - t[1]) * np.ones(2)

    equations = vs.RowEquations(psi, x, names=["a", "b"])
    with pytest.raises(NotPositiveDefiniteError, match=r"\['a', 'b'\]"):
        vs.Estimate(equations, [1.0, 1.0])
