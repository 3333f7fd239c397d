"""Robust linear models of statsmodels, with the scale held at its estimate."""

from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.reading import Parts, adapter, parameter_names
from vifstats.errors import InvalidInputError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Robust

__all__ = ["rlm"]


@adapter
def rlm(fit: Any) -> Parts:
    """An estimate from RLM with any norm.

    The loss is scale^2 rho(r / scale) with the scale of the fit: removing a row is compared with
    a refit with ``start_scale=fit.scale, update_scale=False``. A redescending norm has several
    minima; refits start at this one. The naive covariance is statsmodels' ``cov="H2"``.
    """
    model, scale = fit.model, fit.scale
    if scale == 0:
        raise InvalidInputError(
            "A robust fit must leave residuals of a size, but its scale is 0: at least half of the "
            "rows are fitted perfectly, and all others have the weight of outliers. Pass a scale, "
            "or fit by least squares."
        )
    loss = LinearPredictor(Robust(model.M, scale), model.exog, model.endog)
    return Parts(loss, np.asarray(fit.params), parameter_names(fit), _dispersion(fit))


def _dispersion(fit: Any) -> float:
    """k scale^2 sum(psi^2) / df_resid / mean(psi'), Huber (1981), p. 173."""
    if fit.df_resid <= 0:
        return np.inf  # refused, with the words of all models
    z = (fit.model.endog - fit.model.exog @ np.asarray(fit.params)) / fit.scale
    psi, curvature = fit.model.M.psi(z), fit.model.M.psi_deriv(z)
    mean = np.mean(curvature)
    k = 1 + (fit.df_model + 1) / fit.nobs * np.var(curvature) / mean**2
    return float(k * fit.scale**2 * np.sum(psi**2) / fit.df_resid / mean)
