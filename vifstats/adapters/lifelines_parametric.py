"""Parametric survival models of lifelines, through the hazard functions of the fit itself.

Those are written in autograd, so their likelihood is a loss of rows that can be differentiated.
"""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.adapters.matching import (
    refuse,
    require_columns,
    require_fitted,
    require_frame,
    require_same_rows,
)
from vifstats.errors import DataMismatchError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import LinearPredictor, Loss, MEstimator
from vifstats.losses.row_losses import RowLoss

__all__ = [
    "Hazards",
    "minus_log_likelihood",
    "regression",
    "require_same_likelihood",
    "rows_of_fit",
    "rows_of_frame",
    "univariate",
]

# A relative difference of log likelihoods beyond this is no rounding: another model or other data.
SAME_LIKELIHOOD = 1e-6
# lifelines' own stand-ins for the times 0 and infinity.
AT_ONCE, NEVER = 1e-20, 1e25


def regression(
    fit: Any, df: Any = None, *, groups: Any = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from an AFT fitter or another parametric regression of lifelines.

    `fit`: with right, left or interval censoring; `df` (n, ...): what the model was fitted on, with
    the columns of ``ancillary`` where that was a frame; `groups` (n,): one label per row; `tol`: as
    in `Estimate`; **options: the others of `from_model` are in the fit. Parameters are
    named ``parameter:covariate``. lifelines multiplies its penalty by the sum of the weights and by
    squared standard deviations; here it is held. Raises UnsupportedModelError for a penalty with an
    L1 part, or hazard functions that are not elementwise. Raises DataMismatchError if df holds
    other rows than the fit.

    Notes
    -----
    LogLogisticAFTFitter stops up to 1e-2 standard errors from its optimum: fit it with
    ``fit_options={"ftol": 1e-12}``. lifelines differentiates the incomplete gamma function of
    the generalised gamma by finite differences, which are good to about 1e-7: refit with
    ``leave_one_out(..., tol=1e-6)``. Knots and breakpoints of the fit are held without a row.
    """
    require_fitted(fit, "params_")
    refuse("A lifelines fit names its own columns", **options)
    frame = require_frame(df, "A lifelines regression keeps no covariates and needs its DataFrame")
    _require_smooth_penalty(fit)
    rows = rows_of_frame(fit, frame)
    require_same_rows(rows_of_fit(fit).columns(), rows.columns(), frame.index)
    designs = fit.regressors.transform_df(frame)
    parameters = tuple(fit.regressors.keys())
    loss = LinearPredictor(
        CensoredRows(fit, parameters),
        tuple(designs[name] for name in parameters),
        rows.times(),
        weights=rows.weights,
        penalty=_penalties(fit, rows.weights.sum()),
        names=[f"{parameter}:{covariate}" for parameter, covariate in fit.params_.index],
        labels=frame.index,
    )
    theta = fit.params_.to_numpy()
    _require_elementwise(fit, loss, theta)
    require_same_likelihood(fit, loss, theta)
    kind = "robust" if getattr(fit, "robust", False) else "naive"
    inference = Inference(kind, reported=fit.standard_errors_.to_numpy())
    return Estimate(loss, theta, groups=groups, inference=inference, tol=tol)


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
    rows, theta = rows_of_fit(fit), np.asarray(fit._fitted_parameters_, dtype=float)
    data = (*rows.times(), rows.weights)
    loss = MEstimator(partial(_losses, Hazards(fit)), data, names=fit._fitted_parameter_names)
    require_same_likelihood(fit, loss, theta)
    return Estimate(loss, theta, groups=groups, tol=tol)


def _losses(hazards: "Hazards", params: Any, data: tuple[np.ndarray, ...]) -> Any:
    *times, weights = data
    return weights * minus_log_likelihood(hazards, params, *times)


@dataclass(frozen=True, eq=False)
class Hazards:
    """The hazard functions of a fit, called with its parameters and, in a regression, designs."""

    fit: Any
    designs: tuple = ()

    def log_hazard(self, params: Any, t: Any) -> Any:
        """log h(t)."""
        return self.fit._log_hazard(params, t, *self.designs)

    def cumulative(self, params: Any, t: Any) -> Any:
        """H(t)."""
        return self.fit._cumulative_hazard(params, t, *self.designs)

    def survival(self, params: Any, t: Any) -> Any:
        """S(t)."""
        return self.fit._survival_function(params, t, *self.designs)

    def log_distribution(self, params: Any, t: Any) -> Any:
        """log(1 - S(t))."""
        return self.fit._log_1m_sf(params, t, *self.designs)


def minus_log_likelihood(
    hazards: Hazards,
    params: Any,
    lower: np.ndarray,
    upper: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray,
) -> Any:
    """Minus the log likelihood of each row, as lifelines has it; shape (..., n)."""
    known = event > 0
    # Rows of the other kind get a time at which the hazard is harmless.
    t = np.where(known, upper, 1.0)
    died = hazards.log_hazard(params, t) - hazards.cumulative(params, t)
    late = entry > 0
    delayed = hazards.cumulative(params, np.where(late, entry, 1.0))
    ll = anp.where(known, died, _censored(hazards, params, lower, upper, known))
    return -ll - anp.where(late, delayed, 0.0)


def _censored(
    hazards: Hazards, params: Any, lower: np.ndarray, upper: np.ndarray, known: np.ndarray
) -> Any:
    censoring = str(hazards.fit._censoring_type.value)
    if censoring == "right":
        return -hazards.cumulative(params, lower)
    if censoring == "left":
        return hazards.log_distribution(params, upper)
    # lifelines' own guard of the logarithm
    inside = hazards.survival(params, lower) - hazards.survival(params, upper)
    return anp.log(anp.clip(anp.where(known, 0.5, inside), 1e-25, 1 - 1e-25))


@dataclass(frozen=True, eq=False)
class CensoredRows(RowLoss):
    """Rows of a regression, whose predictors are those of the parameters of a distribution.

    lifelines multiplies each parameter by a design in its hazard functions. Here the product is
    known already, eta: it is passed as the parameter, with the number one as its design.
    """

    fit: Any
    parameters: tuple[str, ...]

    def value(self, eta: Any, y: tuple[np.ndarray, ...]) -> Any:
        ones = {name: One(1.0) for name in self.parameters}
        shape = np.shape(eta)[1:]
        # Hazard functions may count rows by the shape of the times, and their own derivatives in
        # the times add up what many values of theta share: so each theta has rows of its own.
        params = {name: anp.reshape(eta[k], (-1,)) for k, name in enumerate(self.parameters)}
        rows = (np.broadcast_to(column, shape).ravel() for column in y)
        return anp.reshape(minus_log_likelihood(Hazards(self.fit, (ones,)), params, *rows), shape)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Of accelerated failure times, whose first parameter makes them longer."""
        faces, equal = super().faces(y, designs)
        name = getattr(self.fit, "_primary_parameter_name", None)
        if name in self.parameters:
            k = self.parameters.index(name)
            sign = self._gains(*y)
            faces[k, k], equal[k] = np.where(sign == 0, 1.0, sign), sign == 0
        return faces, equal

    def _gains(
        self, lower: np.ndarray, upper: np.ndarray, event: np.ndarray, entry: np.ndarray
    ) -> np.ndarray:
        """1 where a row gains by later times: it is known to be later only; -1 where by earlier."""
        censoring = str(self.fit._censoring_type.value)
        later = np.full(len(event), censoring == "right") | (upper >= NEVER)
        earlier = (np.full(len(event), censoring == "left") | (lower <= AT_ONCE)) & ~(entry > 0)
        return np.where(event > 0, 0.0, np.where(later, 1.0, np.where(earlier, -1.0, 0.0)))


class One(float):
    """The number one as a design: ``one @ eta`` and ``dot(one, eta)`` are eta."""

    def __matmul__(self, other: Any) -> Any:
        return other


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


def rows_of_fit(fit: Any) -> Rows:
    if fit._censoring_type.value == "interval":
        lower, upper = fit.lower_bound, fit.upper_bound
    else:
        lower = upper = fit.durations
    return _rows(lower, upper, fit.event_observed, fit.entry, fit.weights)


def rows_of_frame(fit: Any, frame: pd.DataFrame) -> Rows:
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


def _require_elementwise(fit: Any, loss: LinearPredictor, theta: np.ndarray) -> None:
    """The hazard functions work row by row, for one vector of parameters and for several."""
    expected = loss.row_losses(theta)
    some = slice(None, None, 3)  # of a mean over rows, two thirds would be missing
    try:
        few = loss.row_loss.value(
            loss.predictors.at(theta)[:, some], tuple(column[some] for column in loss.y)
        )
        two = loss.row_loss.value(loss.predictors.at(np.stack([theta, theta])), loss.y)
        agree = np.allclose(few, expected[some]) and np.allclose(two, expected)
    except ValueError:
        agree = False
    if not agree:
        raise UnsupportedModelError(
            f"{type(fit).__name__}: the hazard functions must work row by row on each parameter, "
            "but these mix rows; write the loss with vifstats.MEstimator."
        )


def require_same_likelihood(fit: Any, loss: Loss, theta: np.ndarray) -> None:
    """The whole model and all its data against one number that the fit reports."""
    ours, own = -float(loss.value(theta, loss.everyone())), float(fit.log_likelihood_)
    if not abs(ours - own) <= SAME_LIKELIHOOD * max(1.0, abs(own)):
        raise DataMismatchError(
            f"{type(fit).__name__}: the log likelihood of these data must be that of the fit, "
            f"{own:.8g}, but is {ours:.8g}; pass the covariates that were fitted."
        )
