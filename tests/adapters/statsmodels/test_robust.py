"""Robust linear models: the scale is held."""

from __future__ import annotations

import statsmodels.api as sm
import statsmodels.formula.api as smf
from fitted_models import stackloss
from tolerances import relative_error

import vifstats as vs
from vifstats.adapters import from_model

FORMULA = "STACKLOSS ~ AIRFLOW + WATERTEMP"


def test_naive_covariance_is_h2_of_statsmodels():
    for norm in (sm.robust.norms.HuberT(), sm.robust.norms.TukeyBiweight(6.0)):
        fit = smf.rlm(FORMULA, stackloss(), M=norm).fit(cov="H2", tol=1e-12)
        assert relative_error(from_model(fit).covariance, fit.cov_params()) <= 1e-8


def test_refits_with_the_scale_held_are_the_oracle():
    frame = stackloss()
    fit = smf.rlm(FORMULA, frame).fit(tol=1e-12)
    refits = vs.leave_one_out(from_model(fit))
    held = {"start_scale": fit.scale, "update_scale": False, "tol": 1e-13}
    for row in (0, 3, 20):
        again = smf.rlm(FORMULA, frame.drop(index=row)).fit(**held)
        assert relative_error(refits.params_without.loc[row], again.params) <= 1e-6
    free = smf.rlm(FORMULA, frame.drop(index=20)).fit(tol=1e-12)
    assert relative_error(refits.params_without.loc[20], free.params) > 1e-3
