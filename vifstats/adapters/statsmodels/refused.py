"""Models of statsmodels that cannot be taken, each with the reason and what to do instead."""

from typing import Any

from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate

__all__ = ["refused"]

REASONS = {
    "GLSAR": "GLSAR estimates the correlation of neighbouring rows, so no row can be removed "
    "alone; write its likelihood, with the covariance of the rows that are present, as a "
    "vifstats.FunctionLoss.",
    "PHReg": "Results of PHReg.fit_regularized keep no record of their penalty, and L1 has no "
    "Hessian; for a ridge pass the coefficients: vif_cox(fit.params, X, T, E, penalty=n * alpha).",
    "PenalizedMixin": "The penalty of a penalized model is not a quadratic that the result keeps; "
    "write the penalised loss with vifstats.MEstimator.",
    "QuantReg": "The check loss of QuantReg has no curvature, so no influence function with a "
    "Hessian exists; use RLM with a norm MQuantileNorm(q, HuberT()), which is its smooth relative.",
}


def refused(fit: Any, *data: Any, **options: Any) -> Estimate:
    """Refuse a model, with the reason."""
    for cls in type(fit.model).__mro__:
        if cls.__name__ in REASONS:
            raise UnsupportedModelError(REASONS[cls.__name__])
    raise UnsupportedModelError(
        "Results of fit_regularized lie where L1 has a kink, or keep no record of their penalty; "
        "fit without it, or write the penalised loss with vifstats.MEstimator."
    )
