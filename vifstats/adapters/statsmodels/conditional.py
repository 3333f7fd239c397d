"""Matched sets of statsmodels: the results of ConditionalLogit."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.adapters.statsmodels.reading import user_rows
from vifstats.adapters.statsmodels.refused import refused
from vifstats.estimate import Estimate
from vifstats.losses import ConditionalLogistic
from vifstats.typing import Groups

__all__ = ["conditional_logit"]


def conditional_logit(
    fit: Any, *data: Any, groups: Groups | None = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from ConditionalLogit results, one case a set or several.

    Rows of sets without a case, or with cases only, are rows of the result, "not in fit": they say
    nothing, and statsmodels leaves them out.

    Parameters
    ----------
    fit : statsmodels results of ConditionalLogit
    *data, **options
        The model keeps what it needs.
    groups : array_like, shape (n_rows,), optional
        One label per row, such as the sets themselves.
    tol : float
        As in `Estimate`.

    Raises
    ------
    UnsupportedModelError
        For ``fit_regularized``.
    """
    if "Regularized" in type(fit).__name__:
        return refused(fit)
    refuse("statsmodels keeps the data of the fit", data=data or None, **options)
    model = fit.model
    labels, kept = user_rows(model)
    sets, y = pd.Series(np.asarray(model.groups)), np.asarray(model.endog, dtype=float).ravel()
    share = pd.Series(y).groupby(sets, sort=False).transform("mean").to_numpy()
    some = np.flatnonzero((share > 0) & (share < 1))
    offset = getattr(model, "offset", None)
    loss = ConditionalLogistic(
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
