"""Linear models of statsmodels: OLS, WLS, and GLS with a diagonal sigma."""

from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.reading import Parts, adapter, parameter_names
from vifstats.errors import UnsupportedModelError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import SquaredError

__all__ = ["gls", "least_squares"]


@adapter
def least_squares(fit: Any) -> Parts:
    """An estimate from OLS or WLS; the dispersion is the residual variance ``fit.scale``."""
    return _least_squares(fit, np.broadcast_to(fit.model.weights, fit.model.endog.shape))


@adapter
def gls(fit: Any) -> Parts:
    """An estimate from GLS whose sigma is a number, a vector or a diagonal matrix."""
    sigma = fit.model.sigma
    if sigma is None:
        return _least_squares(fit, np.ones(len(fit.model.endog)))
    if np.ndim(sigma) == 2:
        if np.any(sigma != np.diag(np.diag(sigma))):
            raise UnsupportedModelError(
                "The errors of a GLS model must be uncorrelated here, but `sigma` has entries off "
                "the diagonal: without a row the weights of the others would change. Write the "
                "likelihood, with the covariance of the rows that are present, as a "
                "vifstats.FunctionLoss."
            )
        sigma = np.diag(sigma)
    return _least_squares(fit, np.broadcast_to(1 / np.asarray(sigma), fit.model.endog.shape))


def _least_squares(fit: Any, weights: np.ndarray) -> Parts:
    loss = LinearPredictor(SquaredError(), fit.model.exog, fit.model.endog, weights=weights)
    return Parts(loss, np.asarray(fit.params), parameter_names(fit), fit.scale)
