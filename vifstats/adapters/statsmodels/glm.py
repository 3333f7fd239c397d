"""Generalised linear models of statsmodels, all families and links, by the observed information."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.reading import Parts, adapter, parameter_names
from vifstats.errors import UnsupportedModelError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import (
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    Logistic,
    NegativeBinomial,
    Poisson,
    PoissonGLM,
    RowLoss,
    SquaredError,
    Tweedie,
    links,
)

__all__ = ["glm", "link"]

LINKS: dict[str, Callable[[Any], links.Link]] = {
    "Cauchy": lambda g: links.Cauchy(),
    "CLogLog": lambda g: links.CLogLog(),
    "Identity": lambda g: links.Identity(),
    "Log": lambda g: links.Log(),
    "LogC": lambda g: links.LogC(),
    "Logit": lambda g: links.Logit(),
    "LogLog": lambda g: links.LogLog(),
    "NegativeBinomial": lambda g: links.NegativeBinomialLink(g.alpha),
    "Power": lambda g: links.Power(g.power),
    "Probit": lambda g: links.Probit(),
}

FAMILIES: dict[str, Callable[[Any, links.Link], RowLoss]] = {
    "Binomial": lambda family, g: Binomial(g),
    "Gamma": lambda family, g: Gamma(g),
    "Gaussian": lambda family, g: Gaussian(g),
    "InverseGaussian": lambda family, g: InverseGaussian(g),
    "NegativeBinomial": lambda family, g: NegativeBinomial(g, family.alpha),
    "Poisson": lambda family, g: PoissonGLM(g),
    "Tweedie": lambda family, g: Tweedie(g, family.var_power),
}

# The same losses with their derivatives written out.
FAST: dict[RowLoss, RowLoss] = {
    Gaussian(links.Identity()): SquaredError(),
    Binomial(links.Logit()): Logistic(),
    PoissonGLM(links.Log()): Poisson(),
}


@adapter
def glm(fit: Any) -> Parts:
    """An estimate from GLM, with offset, exposure, freq_weights and var_weights.

    Removing a row removes all the observations that its freq_weight stands for. The Hessian is
    the observed one, which gives the actual change; ``GLMInfluence`` uses the expected one, which
    differs unless the link is canonical.
    """
    model = fit.model
    row_loss = _family(model.family)
    loss = LinearPredictor(
        FAST.get(row_loss, row_loss),
        model.exog,
        model.endog,
        offset=np.broadcast_to(getattr(model, "_offset_exposure", 0.0), model.endog.shape),
        weights=np.broadcast_to(model.iweights * model.n_trials, model.endog.shape),
    )
    return Parts(loss, np.asarray(fit.params), parameter_names(fit), fit.scale)


def link(g: Any) -> links.Link:
    """The link of this package that does what a link of statsmodels does."""
    for cls in type(g).__mro__:
        # CDFLink takes any distribution and, in its class hierarchy, is a Logit.
        if cls.__name__ == "CDFLink":
            break
        if cls.__name__ in LINKS:
            return LINKS[cls.__name__](g)
    raise UnsupportedModelError(
        f"The link must be one of {sorted(LINKS)} or a special case of Power, but is "
        f"{type(g).__name__}; write the loss with vifstats.MEstimator."
    )


def _family(family: Any) -> RowLoss:
    name = type(family).__name__
    if name not in FAMILIES:
        raise UnsupportedModelError(
            f"The family must be one of {sorted(FAMILIES)}, but is {name}; write the loss with "
            "vifstats.MEstimator."
        )
    return FAMILIES[name](family, link(family.link))
