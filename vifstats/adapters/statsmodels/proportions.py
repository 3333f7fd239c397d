"""Beta regression of statsmodels, with a predictor for the mean and one for the precision."""

from typing import Any

import numpy as np

from vifstats.adapters.statsmodels.glm import link
from vifstats.adapters.statsmodels.reading import Parts, adapter, parameter_names
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Beta

__all__ = ["beta"]


@adapter
def beta(fit: Any) -> Parts:
    """An estimate from BetaModel."""
    model = fit.model
    row_loss = Beta(link(model.link), link(model.link_precision))
    loss = LinearPredictor(row_loss, (model.exog, model.exog_precision), model.endog)
    return Parts(loss, np.asarray(fit.params), parameter_names(fit))
