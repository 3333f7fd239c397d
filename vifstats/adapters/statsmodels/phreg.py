"""Cox models of statsmodels: the results of PHReg."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import own_ties, refuse
from vifstats.adapters.statsmodels.formulas import design_rows
from vifstats.adapters.statsmodels.reading import user_rows
from vifstats.adapters.statsmodels.refused import refused
from vifstats.adapters.statsmodels.reported import one_label_per_row
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import Cox

__all__ = ["phreg"]


def phreg(
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
    """An estimate from PHReg results, from the data and settings of the model itself.

    ``fit(groups=...)`` only changes the standard errors, as here: rows stay single rows unless
    ``groups`` is given.

    `X`, `T`, `E`, `entry`, `weights`, `strata`, `offset`: the model keeps them; `groups` (n_rows,):
    one label per row of the result; `ties`: may be repeated, not changed; `penalty`: of
    coefficients that were put into the results by hand: PHReg's own fit has none; `tol`: as in
    `Estimate`. Raises UnsupportedModelError for ``fit_regularized``.

    Notes
    -----
    A row that enters exactly at an event time is at risk at it in statsmodels, and in this
    estimate; in R, in lifelines and in `vifstats.losses.Cox` it is not.

    With ``missing="drop"`` the rows that were dropped are rows of the result, "not in fit",
    where statsmodels knows their labels; for a DataFrame with labels other than 0, 1, ... it
    keeps those of the other rows only, and these are the rows of the result.

    Examples
    --------
    >>> from statsmodels.duration.hazard_regression import PHReg
    >>> fit = PHReg([1.0, 2.0, 3.0, 4.0, 5.0], [[1.0], [0.0], [1.0], [1.0], [0.0]]).fit()
    >>> phreg(fit).loss.ties
    'breslow'
    """
    if getattr(fit, "regularized", False):
        return refused(fit)
    refuse(
        "statsmodels keeps the data of the fit",
        X=X,
        T=T,
        E=E,
        entry=entry,
        strata=strata,
        offset=offset,
    )
    refuse("PHReg has no case weights", weights=weights)
    model = fit.model
    labels, kept = user_rows(model)
    loss = Cox(
        pd.DataFrame(model.exog, columns=model.exog_names, index=labels[kept]),
        model.endog,
        model.status,
        # at risk at t if entry <= t: one rounding earlier makes that entry < t
        entry=None if model.entry is None else np.nextafter(model.entry, -np.inf),
        strata=model.strata,
        offset=model.offset,
        ties=own_ties(ties, model.ties, "this PHReg"),
        penalty=penalty,
    )
    return Estimate(
        loss,
        fit.params,
        labels=labels,
        profile=design_rows(model),
        kept=kept,
        groups=groups,
        inference=_inference(fit, kept, len(labels)),
        tol=tol,
    )


def _inference(fit: Any, kept: np.ndarray, n_labels: int) -> Inference:
    """``fit(groups=...)`` reports a sandwich of Breslow's score residuals, whatever the ties."""
    reported = np.asarray(fit.bse, dtype=float)
    groups = getattr(fit, "groups", fit.model.groups)
    if groups is None:
        return Inference(reported=reported)
    kind = "robust" if fit.model.ties == "breslow" else "statsmodels' robust"
    refusal = ""
    if not np.isfinite(reported).all():
        refusal = (
            "The standard errors of the fit must be numbers, but it reports nan: PHReg has no "
            "score residuals for rows that are never at risk at an event."
        )
    return Inference(
        kind, one_label_per_row(groups, kept, n_labels), reported=reported, refusal=refusal
    )
