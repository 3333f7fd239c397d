"""Cox models of scikit-survival, taken for what they look like: the library is never imported."""

from typing import Any

import numpy as np

from vifstats.adapters.matching import (
    columns_by_name,
    own_ties,
    refuse,
    require_fitted,
    rows_beside,
)
from vifstats.errors import DataMismatchError
from vifstats.estimate import Estimate
from vifstats.losses import Cox

__all__ = ["cox"]


def cox(
    fit: Any,
    X: Any = None,
    T: Any = None,
    E: Any = None,
    *,
    entry: Any = None,
    weights: Any = None,
    strata: Any = None,
    offset: Any = None,
    groups: Any = None,
    ties: str | None = None,
    penalty: Any = None,
    tol: float = 1e-2,
) -> Estimate:
    """An estimate from a CoxPHSurvivalAnalysis.

    ``alpha`` is the diagonal of P in 0.5 theta' P theta, in the units of X and not divided by n.

    `X` (n, p): by name where the model was fitted on a DataFrame; `T` (n,): the structured array y
    of the fit, or times; `E` (n,): events, where T holds times only; `entry`, `weights`, `strata`,
    `offset`: the library has none of them; `groups` (n,); `ties`: may be repeated, not changed;
    `penalty`: refused when the fit has its own; `tol`: as in `Estimate`. Raises
    UnsupportedModelError if the model is not fitted. Raises DataMismatchError if the data are not
    those of the fit.
    """
    require_fitted(fit, "coef_")
    refuse(
        "scikit-survival's Cox model does without",
        entry=entry,
        weights=weights,
        strata=strata,
        offset=offset,
    )
    if X is None or T is None:
        raise DataMismatchError(
            "scikit-survival keeps no data, so the X and y of the fit are needed, but they are "
            "not given; pass (fit, X, y)."
        )
    penalised = np.any(fit.alpha)
    if penalised:
        refuse("The penalty is alpha of the fit", penalty=penalty)
    names = getattr(fit, "feature_names_in_", None)
    loss = Cox(
        X if names is None else columns_by_name(X, list(names)),
        *rows_beside(X, T, E),
        ties=own_ties(ties, fit.ties, "the model"),
        penalty=fit.alpha if penalised else penalty,
    )
    _require_same_times(fit, loss.data.time)
    return Estimate(loss, fit.coef_, groups=groups, tol=tol)


def _require_same_times(fit: Any, time: np.ndarray) -> None:
    """The baseline hazard keeps the distinct times, all that is known of the rows of the fit."""
    baseline = getattr(fit, "cum_baseline_hazard_", None)
    if baseline is None:
        return
    given = np.unique(time)
    if len(strangers := np.setxor1d(given, baseline.x)):
        side = "not fitted" if strangers[0] in given else "fitted and not given"
        raise DataMismatchError(
            "The data must be the rows the model was fitted on, but the distinct times `T` differ "
            f"in {len(strangers)} values, such as {strangers[0]:g}, {side}; pass the same data, "
            "or refit."
        )
