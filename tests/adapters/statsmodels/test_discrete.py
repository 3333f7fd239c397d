"""Discrete models: names, robust covariance, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fitted_models import MODELS, anes96, randhie, spector
from tolerances import relative_error

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.errors import InvalidInputError, NotAtMinimumError, UnsupportedModelError

BY_NAME = {model.name: model for model in MODELS}
GRADE = "GRADE ~ GPA + TUCE + PSI"


@pytest.mark.parametrize(
    "name",
    [
        "Logit, spector",
        "Probit, spector",
        "Poisson, randhie",
        "MNLogit, anes96",
        "NegativeBinomial nb2, randhie",
    ],
)
def test_naive_covariance_is_that_of_the_model(name):
    fit, est = BY_NAME[name].fitted(), BY_NAME[name].estimate()
    # NegativeBinomial differentiates numerically inside its own covariance
    tolerance = 1e-5 if "Negative" in name else 1e-8
    assert relative_error(est.covariance, np.asarray(fit.cov_params())) <= tolerance


@pytest.mark.parametrize("model", [smf.logit, smf.probit])
def test_robust_covariance(model):
    frame = spector()
    groups = np.arange(len(frame)) // 2
    influence = vs.vif(from_model(model(GRADE, frame).fit(disp=0)))
    hc0 = model(GRADE, frame).fit(disp=0, cov_type="HC0").cov_params()
    options = {"groups": groups, "use_correction": False}
    cluster = model(GRADE, frame).fit(disp=0, cov_type="cluster", cov_kwds=options).cov_params()
    assert relative_error(influence.cov_params("robust"), hc0) <= 1e-8
    assert relative_error(influence.cov_params("robust", groups=groups), cluster) <= 1e-8


def test_parameters_of_mnlogit_are_named_by_category_and_column():
    est = BY_NAME["MNLogit, anes96"].estimate()
    assert est.names[:2] == ("1:Intercept", "1:age")
    fit = BY_NAME["MNLogit, anes96"].fitted()
    assert est.params["2:educ"] == pytest.approx(np.asarray(fit.params)[2, 1])


def test_parameters_of_the_others_are_named_as_in_the_summary():
    for name in ("NegativeBinomial nb2, randhie", "ZeroInflatedPoisson, randhie"):
        assert list(BY_NAME[name].estimate().names) == list(BY_NAME[name].fitted().params.index)


def test_perfect_separation_is_named():
    x = np.arange(20.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.Logit((x > 9).astype(float), sm.add_constant(x)).fit(disp=0, maxiter=60)
    with pytest.raises(NotAtMinimumError, match="Logit: .*perfectly separated"):
        from_model(fit)


def test_a_fit_that_did_not_converge_is_named():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.poisson("mdvis ~ lncoins + disea", randhie()).fit(disp=0, maxiter=1)
    with pytest.raises(NotAtMinimumError, match="Poisson: .*larger maxiter"):
        from_model(fit)
    assert np.isfinite(vs.vif(from_model(fit, tol=np.inf)).values).all()


@pytest.mark.parametrize("model", [sm.NegativeBinomial, sm.NegativeBinomialP])
def test_a_dispersion_at_its_boundary_is_named(model):
    """Counts that vary less than Poisson's."""
    y, x = np.tile([2.0, 3.0], 20), np.repeat([0.0, 1.0], 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model(y, sm.add_constant(x)).fit(method="bfgs", disp=0)
    fit.params[-1] = 6e-8  # where the optimiser stops, more or less
    with pytest.raises(NotAtMinimumError, match=r"alpha. must lie above.*6e-08.*Fit Poisson"):
        from_model(fit)


def test_l1_fits_are_refused():
    fit = smf.logit(GRADE, spector()).fit_regularized(alpha=1.0, disp=0)
    with pytest.raises(UnsupportedModelError, match="fit_regularized.*kink"):
        from_model(fit)


def test_groups_are_removed_together():
    frame = anes96()
    fit = smf.logit("vote ~ age + educ", frame).fit(disp=0)
    influence = vs.newton_step(from_model(fit, groups=frame.income))
    assert list(influence.index) == list(dict.fromkeys(frame.income))
    refits = vs.leave_one_out(influence.estimate)
    assert vs.compare(influence, refits).pearson.min() > 0.99


def test_parameters_that_are_not_a_number_are_not_called_a_boundary():
    """A fit that failed is no sign that the counts vary like Poisson's."""
    frame = pd.DataFrame({"x": np.arange(12.0), "y": [0, 2, 9, 1, 0, 4, 3, 12, 0, 1, 7, 2]})
    fit = smf.negativebinomial("y ~ x", frame).fit(disp=0)
    fit._results.params = np.full(3, np.nan)
    with pytest.raises(InvalidInputError, match="must be finite.*did the fit converge") as refusal:
        from_model(fit)
    assert "Poisson." not in str(refusal.value)
