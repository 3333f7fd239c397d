"""Binary and count models of statsmodels, with dispersion and zero inflation as parameters."""

from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.reading import Parts, adapter, offset_of, parameter_names
from vifstats.errors import NotAtMinimumError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import (
    Binomial,
    GeneralizedPoisson,
    Logistic,
    NegativeBinomial,
    NegativeBinomialP,
    Poisson,
    PoissonCount,
    RowLoss,
    ZeroInflated,
    links,
)

__all__ = ["generalized_poisson", "logit", "negative_binomial", "negative_binomial_p", "poisson"]
__all__ += ["probit", "zero_inflated"]

# At an alpha below this, digits of 1 / alpha cancel in the loss, and its Hessian is noise.
BOUNDARY = 1e-6


@adapter
def logit(fit: Any) -> Parts:
    """An estimate from Logit."""
    return _one_predictor(fit, Logistic())


@adapter
def probit(fit: Any) -> Parts:
    """An estimate from Probit."""
    return _one_predictor(fit, Binomial(links.Probit()))


@adapter
def poisson(fit: Any) -> Parts:
    """An estimate from the discrete model Poisson."""
    return _one_predictor(fit, Poisson())


@adapter
def negative_binomial(fit: Any) -> Parts:
    """An estimate from NegativeBinomial: nb1, nb2, or geometric, whose alpha is 1."""
    method = fit.model.loglike_method
    if method == "geometric":
        return _one_predictor(fit, NegativeBinomial(links.Log(), 1.0))
    return _with_positive_alpha(fit, NegativeBinomialP(2 if method == "nb2" else 1))


@adapter
def negative_binomial_p(fit: Any) -> Parts:
    """An estimate from NegativeBinomialP."""
    return _with_positive_alpha(fit, NegativeBinomialP(fit.model.parameterization))


@adapter
def generalized_poisson(fit: Any) -> Parts:
    """An estimate from GeneralizedPoisson."""
    return _with_alpha(fit, GeneralizedPoisson(fit.model.parameterization + 1))


@adapter
def zero_inflated(fit: Any) -> Parts:
    """An estimate from ZeroInflatedPoisson, -GeneralizedPoisson or -NegativeBinomialP."""
    model = fit.model
    main = model.model_main
    counts: dict[str, RowLoss] = {
        "Poisson": PoissonCount(),
        "GeneralizedPoisson": GeneralizedPoisson(getattr(main, "parameterization", 0) + 1),
        "NegativeBinomialP": NegativeBinomialP(getattr(main, "parameterization", 2)),
    }
    kind = type(main).__name__
    alpha = () if kind == "Poisson" else (_ones(model),)
    loss = LinearPredictor(
        ZeroInflated(counts[kind], model.inflation),
        (model.exog_infl, model.exog, *alpha),
        model.endog,
        offset=(None, offset_of(main), *[None for _ in alpha]),
    )
    return Parts(loss, np.asarray(fit.params), parameter_names(fit))


def _one_predictor(fit: Any, row_loss: RowLoss) -> Parts:
    model = fit.model
    loss = LinearPredictor(row_loss, model.exog, model.endog, offset=offset_of(model))
    return Parts(loss, np.asarray(fit.params), parameter_names(fit))


def _with_positive_alpha(fit: Any, row_loss: RowLoss) -> Parts:
    alpha = float(np.asarray(fit.params)[-1])
    # nan is not a sign of the boundary: the gate for parameters says that the fit failed
    if not np.isnan(alpha) and not alpha > BOUNDARY:
        raise NotAtMinimumError(
            f"`alpha` must lie above its boundary 0, but is {alpha:.2g}: these counts vary no more "
            "than Poisson's, and there is no minimum with a slope of 0. Fit Poisson."
        )
    return _with_alpha(fit, row_loss)


def _with_alpha(fit: Any, row_loss: RowLoss) -> Parts:
    model = fit.model
    designs, offsets = (model.exog, _ones(model)), (offset_of(model), None)
    loss = LinearPredictor(row_loss, designs, model.endog, offset=offsets)
    return Parts(loss, np.asarray(fit.params), parameter_names(fit))


def _ones(model: Any) -> np.ndarray:
    return np.ones((len(model.endog), 1))
