"""Cox models of lifelines whose baseline is a spline or piecewise constant: full likelihoods."""

from functools import partial
from typing import Any

import numpy as np

from vifstats.adapters.lifelines_parametric import (
    Hazards,
    minus_log_likelihood,
    regression,
    require_same_likelihood,
    rows_of_fit,
    rows_of_frame,
)
from vifstats.adapters.matching import refuse, require_frame, require_same_rows
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import MEstimator

__all__ = ["parametric_baseline"]


def parametric_baseline(
    fit: Any, df: Any = None, *, groups: Any = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from a CoxPHFitter with a spline or piecewise baseline, without strata.

    Knots and breakpoints are held without a row. Raises UnsupportedModelError for strata, and for a
    penalty of a piecewise baseline.
    """
    refuse("A lifelines fit names its own columns", **options)
    if fit.strata is not None:
        raise UnsupportedModelError(
            f"Strata of a {fit.baseline_estimation_method} baseline have parameters each, which "
            "are not taken; fit the strata apart, or with the default baseline."
        )
    if fit.baseline_estimation_method == "spline":
        return regression(fit._model, df, groups=groups, tol=tol)
    return _piecewise(fit._model, df, groups, tol)


def _piecewise(fit: Any, df: Any, groups: Any, tol: float) -> Estimate:
    """Its hazard functions read the first entry of each baseline parameter: no linear predictor."""
    if np.any(fit.penalizer):
        raise UnsupportedModelError(
            "A penalty of a piecewise baseline is not taken; fit it with penalizer=0."
        )
    frame = require_frame(df, "A lifelines regression keeps no covariates and needs its DataFrame")
    rows = rows_of_frame(fit, frame)
    require_same_rows(rows_of_fit(fit).columns(), rows.columns(), frame.index)
    X = fit.regressors.transform_df(frame)["beta_"].to_numpy(dtype=float)
    keys = fit.params_.index.get_level_values(0)
    places = {key: np.flatnonzero(keys == key) for key in dict.fromkeys(keys)}
    loss = MEstimator(
        partial(_losses, fit, places),
        (X, *rows.times(), rows.weights),
        names=[f"{parameter}:{covariate}" for parameter, covariate in fit.params_.index],
        labels=frame.index,
    )
    theta = fit.params_.to_numpy()
    require_same_likelihood(fit, loss, theta)
    inference = Inference(reported=fit.standard_errors_.to_numpy())
    return Estimate(loss, theta, groups=groups, inference=inference, tol=tol)


def _losses(fit: Any, places: dict[str, np.ndarray], theta: Any, data: tuple) -> Any:
    X, *times, weights = data
    params = {key: theta[place] for key, place in places.items()}
    hazards = Hazards(fit, ({"beta_": X},))
    return weights * minus_log_likelihood(hazards, params, *times)
