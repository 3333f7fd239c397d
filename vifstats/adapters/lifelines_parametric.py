"""Parametric survival models of lifelines: their data and settings, and where they stopped."""

import warnings
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.lifelines_hazards import (
    AT_ONCE,
    NEVER,
    Hazards,
    minus_log_likelihood,
    regression_loss,
)
from vifstats.adapters.matching import (
    refuse,
    require_columns,
    require_fitted,
    require_frame,
    require_same_rows,
)
from vifstats.errors import (
    ConvergenceError,
    DataMismatchError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
    UnsupportedModelError,
)
from vifstats.estimate import Estimate, minimize
from vifstats.inference import Inference
from vifstats.losses import Loss, MEstimator

__all__ = ["regression", "univariate"]

# A relative difference of log likelihoods beyond this is not rounding: model or data differ.
SAME_LIKELIHOOD = 1e-6


def regression(
    fit: Any, df: Any = None, *, groups: Any = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from an AFT fitter or another parametric regression of lifelines.

    `fit`: with right, left or interval censoring; `df` (n, ...): what the model was fitted on, with
    the columns of ``ancillary`` where that was a frame; `groups` (n,): one label per row; `tol`: as
    in `Estimate`; **options: the others of `from_model` are in the fit. Parameters are
    named ``parameter:covariate``. lifelines multiplies its penalty by the sum of the weights and by
    squared standard deviations; here it is held. Raises UnsupportedModelError for a penalty with an
    L1 part, or hazard functions that mix rows. Raises DataMismatchError if df holds other rows than
    the fit.

    Notes
    -----
    Some fits stop short of their optimum, those of splines and pieces by up to a standard error.
    Where that is more than ``tol`` the estimate is at the optimum instead, with a RuntimeWarning;
    ``fit_options={"ftol": 1e-12}`` has lifelines go there. It differentiates the incomplete gamma
    function of the generalised gamma by finite differences, which are good to about 1e-7: refit
    with ``leave_one_out(..., tol=1e-6)``. Knots and breakpoints of the fit are held without a row.
    """
    require_fitted(fit, "params_")
    refuse("A lifelines fit names its own columns", **options)
    frame = require_frame(df, "A lifelines regression keeps no covariates and needs its DataFrame")
    _require_smooth_penalty(fit)
    rows = _rows_of_frame(fit, frame)
    require_same_rows(_rows_of_fit(fit).columns(), rows.columns(), frame.index)
    designs = fit.regressors.transform_df(frame)
    loss = regression_loss(
        fit,
        {name: designs[name].to_numpy(dtype=float) for name in tuple(fit.regressors.keys())},
        rows.times(),
        rows.weights,
        _penalties(fit, rows.weights.sum()),
        frame.index,
    )
    kind = "robust" if getattr(fit, "robust", False) else "naive"
    inference = Inference(kind, reported=fit.standard_errors_.to_numpy())
    return _at_minimum(fit, loss, fit.params_.to_numpy(), inference, groups, tol)


def univariate(
    fit: Any, *data: Any, groups: Any = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from a parametric univariate fitter, which keeps its data.

    `fit`: with right, left or interval censoring; *data: None: rows are numbered 0, 1, ... in the
    order of the fit; `groups` (n,): one label per row; `tol`: as in `Estimate`; **options: the
    others of `from_model` are in the fit.
    """
    require_fitted(fit, "_fitted_parameters_")
    refuse("A univariate lifelines fit keeps its data", data=data or None, **options)
    rows, theta = _rows_of_fit(fit), np.asarray(fit._fitted_parameters_, dtype=float)
    data = (*rows.times(), rows.weights)
    loss = MEstimator(partial(_losses, Hazards(fit)), data, names=fit._fitted_parameter_names)
    return _at_minimum(fit, loss, theta, Inference(), groups, tol)


def _at_minimum(
    fit: Any, loss: Loss, theta: np.ndarray, inference: Inference, groups: Any, tol: float
) -> Estimate:
    """The estimate; at the optimum, and said so, where the fit stopped short of its own."""
    _require_same_likelihood(fit, loss, theta)
    try:
        return Estimate(loss, theta, groups=groups, inference=inference, tol=tol)
    except (NotAtMinimumError, NotPositiveDefiniteError) as short:
        try:
            # errors that the fit reports are those of where it stopped
            own = Inference(inference.covariance)
            found = minimize(loss, theta, groups=groups, inference=own)
        except (ConvergenceError, NotPositiveDefiniteError):
            raise short from None  # there is no optimum to go to
    gained = float(loss.value(theta, loss.everyone()) - loss.value(found.theta, loss.everyone()))
    far = np.abs((found.theta - theta) / found.naive_errors).max()
    warnings.warn(
        f"{type(fit).__name__} stopped {far:.2g} standard errors short of the optimum of its own "
        f"likelihood, which is {gained:.2g} higher; the estimate is at the optimum. "
        'Fit with fit_options={"ftol": 1e-12} to have both agree.',
        RuntimeWarning,
        stacklevel=5,
    )
    return found


def _losses(hazards: "Hazards", params: Any, data: tuple[np.ndarray, ...]) -> Any:
    *times, weights = data
    return weights * minus_log_likelihood(hazards, params, *times)


@dataclass(frozen=True, eq=False)
class Rows:
    """What is known of the time of each row, all of shape (n,); lower = upper if it is one time."""

    lower: np.ndarray
    upper: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    weights: np.ndarray

    def times(self) -> tuple[np.ndarray, ...]:
        """All but the weights."""
        return self.lower, self.upper, self.event, self.entry

    def columns(self) -> dict[str, np.ndarray]:
        """By name, for comparison."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _rows_of_fit(fit: Any) -> Rows:
    if fit._censoring_type.value == "interval":
        lower, upper = fit.lower_bound, fit.upper_bound
    else:
        lower = upper = fit.durations
    return _rows(lower, upper, fit.event_observed, fit.entry, fit.weights)


def _rows_of_frame(fit: Any, frame: pd.DataFrame) -> Rows:
    """The columns that the fit names, with lifelines' defaults for those it does not."""

    def column(attribute: str, default: Any) -> Any:
        name = getattr(fit, attribute, None)
        if name is None or name == "E_lifelines_added":
            return default
        require_columns(frame, [name])
        return frame[name]

    n = len(frame)
    if fit._censoring_type.value == "interval":
        lower, upper = column("lower_bound_col", None), column("upper_bound_col", None)
        event = column("event_col", lower == upper)
    else:
        lower = upper = column("duration_col", None)
        event = column("event_col", np.ones(n))
    return _rows(
        lower, upper, event, column("entry_col", np.zeros(n)), column("weights_col", np.ones(n))
    )


def _rows(*columns: Any) -> Rows:
    lower, upper, event, entry, weights = (np.asarray(c, dtype=float) for c in columns)
    if np.array_equal(lower, upper):
        return Rows(lower, upper, event, entry, weights)
    return Rows(
        np.clip(lower, AT_ONCE, NEVER), np.clip(upper, AT_ONCE, NEVER), event, entry, weights
    )


def _penalties(fit: Any, total_weight: float) -> np.ndarray:
    """Diagonal of P: total weight * penalizer * std^2, but for intercepts."""
    free = np.asarray(fit._cols_to_not_penalize, dtype=bool)
    penalties = np.zeros(len(free))
    penalties[~free] = fit.penalizer
    return total_weight * penalties * fit._norm_std.to_numpy() ** 2


def _require_smooth_penalty(fit: Any) -> None:
    # lifelines' own class is the only one whose penalty is the sum of squares taken here
    owner = next(cls for cls in type(fit).__mro__ if "_add_penalty" in vars(cls))
    if owner.__name__ != "ParametricRegressionFitter" and np.any(np.asarray(fit.penalizer) > 0):
        raise UnsupportedModelError(
            f"{type(fit).__name__}: the penalty must be on squares of the coefficients, but this "
            "fitter has a penalty of its own; fit it with penalizer=0."
        )
    if fit.l1_ratio > 0 and np.any(np.asarray(fit.penalizer) > 0):
        raise UnsupportedModelError(
            f"{type(fit).__name__}: the penalty must be L2, but l1_ratio is {fit.l1_ratio:g}, and "
            "L1 has no Hessian; fit it with l1_ratio=0."
        )


def _require_same_likelihood(fit: Any, loss: Loss, theta: np.ndarray) -> None:
    """The whole model and all its data against one number that the fit reports."""
    ours, own = -float(loss.value(theta, loss.everyone())), float(fit.log_likelihood_)
    if not abs(ours - own) <= SAME_LIKELIHOOD * max(1.0, abs(own)):
        raise DataMismatchError(
            f"{type(fit).__name__}: the log likelihood of these data must be that of the fit, "
            f"{own:.8g}, but is {ours:.8g}; pass the covariates that were fitted."
        )
