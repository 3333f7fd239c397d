"""Models that cannot be taken are refused in one sentence that says what to do instead."""

from __future__ import annotations

import warnings

import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fitted_models import statecrime

from vifstats.adapters import from_model
from vifstats.errors import UnsupportedModelError

FORMULA = "murder ~ poverty"
FITS = {
    "check loss.*MQuantileNorm": lambda f: smf.quantreg(FORMULA, f).fit(),
    "working correlation": lambda f: smf.gee(
        FORMULA, "block", f, cov_struct=sm.cov_struct.Autoregressive(grid=True)
    ).fit(),
    "neighbouring rows": lambda f: sm.GLSAR(f.murder, sm.add_constant(f.poverty), rho=1).fit(),
    "fit_regularized": lambda f: smf.ols(FORMULA, f).fit_regularized(alpha=0.1),
    "fit_regularized ": lambda f: smf.ols(FORMULA, f).fit_regularized(alpha=0.1, L1_wt=0.0),
}


@pytest.mark.parametrize("words", FITS)
def test_refused_with_the_reason(words):
    frame = statecrime().assign(block=lambda f: f.index // 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = FITS[words](frame)
    with pytest.raises(UnsupportedModelError, match=words):
        from_model(fit)
