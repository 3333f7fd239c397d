"""Matched sets of statsmodels: the results of ConditionalLogit and ConditionalPoisson."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.adapters.statsmodels.reading import user_rows
from vifstats.adapters.statsmodels.refused import refused
from vifstats.estimate import Estimate
from vifstats.losses import ConditionalLogistic, ConditionalPoisson
from vifstats.typing import Groups

__all__ = ["conditional"]

LOSSES = {"Logit": ConditionalLogistic, "Poisson": ConditionalPoisson}


def conditional(
    fit: Any, *data: Any, groups: Groups | None = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from ConditionalLogit or ConditionalPoisson results.

    Rows of sets whose outcomes are all the same are rows of the result, "not in fit", because
    statsmodels leaves them out; of counts they would say something.

    UnsupportedModelError for `fit_regularized`.
    """
    if "Regularized" in type(fit).__name__:
        return refused(fit)
    refuse("statsmodels keeps the data of the fit", data=data or None, **options)
    model = fit.model
    labels, kept = user_rows(model)
    sets, y = pd.Series(np.asarray(model.groups)), np.asarray(model.endog, dtype=float).ravel()
    by_set = pd.Series(y).groupby(sets, sort=False)
    some = np.flatnonzero(by_set.transform("max") > by_set.transform("min"))
    offset = getattr(model, "offset", None)
    loss = LOSSES[type(model).__name__.removeprefix("Conditional")](
        pd.DataFrame(np.asarray(model.exog)[some], columns=model.exog_names),
        y[some],
        sets.to_numpy()[some],
        offset=None if offset is None else np.asarray(offset)[some],
    )
    return Estimate(
        loss,
        np.asarray(fit.params),
        labels=labels,
        kept=np.asarray(kept)[some],
        groups=groups,
        tol=tol,
    )
