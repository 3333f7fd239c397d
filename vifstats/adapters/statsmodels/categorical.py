"""Models of statsmodels for categories: MNLogit, without order, and OrderedModel."""

from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.reading import Parts, adapter, offset_of, parameter_names
from vifstats.errors import UnsupportedModelError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Multinomial, Ordered

__all__ = ["mnlogit", "ordered"]

DISTRIBUTIONS = {"norm": "probit", "logistic": "logit"}


@adapter
def mnlogit(fit: Any) -> Parts:
    """An estimate from MNLogit; parameters are named ``category:column``, as in its covariance."""
    model = fit.model
    theta = np.asarray(fit.params)
    loss = LinearPredictor(Multinomial(), (model.exog,) * theta.shape[1], model.endog)
    columns = [str(name) for name in model.exog_names]
    categories = [str(model._ynames_map[k]) for k in range(1, theta.shape[1] + 1)]
    names = tuple(f"{category}:{column}" for category in categories for column in columns)
    return Parts(loss, theta.ravel(order="F"), names)


@adapter
def ordered(fit: Any) -> Parts:
    """An estimate from OrderedModel, with its own thresholds: the first, then logs of the steps."""
    model = fit.model
    name = model.distr.name
    if name not in DISTRIBUTIONS:
        raise UnsupportedModelError(
            f"The distribution must be one of {sorted(DISTRIBUTIONS)}, but is {name!r}; write the "
            "loss with vifstats.MEstimator."
        )
    thresholds = (np.ones((len(model.endog), 1)),) * (model.k_levels - 1)
    loss = LinearPredictor(
        Ordered(DISTRIBUTIONS[name]),
        (model.exog, *thresholds),
        model.endog,
        offset=(offset_of(model), *[None for _ in thresholds]),
    )
    return Parts(loss, np.asarray(fit.params), parameter_names(fit))
