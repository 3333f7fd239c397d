"""Aalen's additive hazards of lifelines: the cumulative regression functions at the end.

At each event time t the increments are least squares of who dies on those at risk, v(t) = A(t)^-1
X'w d(t) with A(t) = X'w X + P, and B is their sum. So B without a row has a closed form,

    B(-i) = B - sum_t A^-1 x_i w_i (d_i - x_i'v) / (1 - w_i x_i' A^-1 x_i).
"""

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
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses.equations import EstimatingEquations
from vifstats.removals import Removals

__all__ = ["additive"]

# A relative difference of coefficients beyond this is not rounding.
SAME = 1e-8
# A row whose leverage is nearer to 1 than this determines a covariate alone.
ALONE = 1e-10


def additive(
    fit: Any, df: Any = None, *, groups: Any = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from an AalenAdditiveFitter: B at the last event time that the fit has.

    `df` (n, ...): what the model was fitted on; `groups` (n,): one label per row; `tol`: as in
    `Estimate`; **options: the others of `from_model` are in the fit. That time is held, and so is
    the penalty; for B at another time, censor there and fit again. Standard errors are those of the
    sandwich. Raises UnsupportedModelError for a smoothing penalty, or where rows that are censored
    between event times stayed at risk in lifelines. Raises DataMismatchError if df holds other rows
    than the fit.
    """
    require_fitted(fit, "hazards_")
    refuse("A lifelines fit names its own columns", **options)
    frame = require_frame(df, "A lifelines regression keeps no covariates and needs its DataFrame")
    if fit.smoothing_penalizer > 0:
        raise UnsupportedModelError(
            "Increments must be least squares of their own, but smoothing_penalizer ties each to "
            "the one before; fit with smoothing_penalizer=0."
        )
    names = [name for name in (fit.duration_col, fit.event_col, fit.weights_col) if name]
    require_columns(frame, names)
    n = len(frame)
    time = frame[fit.duration_col].to_numpy(dtype=float)
    event = frame[fit.event_col].to_numpy(dtype=bool) if fit.event_col else np.ones(n, dtype=bool)
    weights = frame[fit.weights_col].to_numpy(dtype=float) if fit.weights_col else np.ones(n)
    fitted = {"time": fit.durations, "event": fit.event_observed, "weights": fit.weights}
    own = {key: np.asarray(column, dtype=float) for key, column in fitted.items()}
    given = {"time": time, "event": event.astype(float), "weights": weights}
    require_same_rows(own, given, frame.index)
    X = fit.regressors.transform_df(frame)["beta_"]
    design = X.to_numpy(dtype=float)
    penalties = fit.coef_penalizer * fit._norm_std.to_numpy(dtype=float) ** 2
    end = fit.hazards_.index[-1]
    loss = AdditiveHazards(
        design,
        time,
        event & (time <= end),
        weights,
        penalties,
        labels=frame.index,
        names=[str(name) for name in X.columns],
    )
    theta = fit.cumulative_hazards_.iloc[-1].to_numpy(dtype=float)
    apart = np.abs(loss.gradient(theta)).max()
    if not apart <= SAME * max(1.0, np.abs(theta).max()):
        raise UnsupportedModelError(
            "Rows must be at risk until their own time, but the coefficients of the fit differ by "
            f"{apart:.2g} from those: lifelines keeps rows that are censored between event times "
            "at risk to the end. Move them to the event time before, and fit again; or pass the "
            "covariates that were fitted."
        )
    return Estimate(loss, theta, groups=groups, tol=tol)


class AdditiveHazards(EstimatingEquations):
    """The equations B - sum of increments = 0."""

    def __init__(
        self,
        X: np.ndarray,
        time: np.ndarray,
        event: np.ndarray,
        weights: np.ndarray,
        penalties: np.ndarray,
        *,
        labels: pd.Index,
        names: list[str],
    ) -> None:
        self.n_objects, self.n_params = X.shape
        self.labels, self.names = labels, tuple(names)
        self.order = np.argsort(time, kind="stable")
        self.X, self.event = X[self.order], event[self.order]
        self.weights, self.penalties = weights[self.order], penalties
        sorted_time = time[self.order]
        times = np.unique(sorted_time[self.event])
        # of each event time, the first row at risk and the first beyond
        self.first = np.searchsorted(sorted_time, times, side="left")
        self.beyond = np.searchsorted(sorted_time, times, side="right")

    def _moments(self, presence: Any) -> tuple[Any, Any]:
        """A (K, p, p) and X'w d (K, p) at each event time."""
        n, p = self.X.shape
        w = presence[self.order] * self.weights
        squares = w[:, None] * (self.X[:, :, None] * self.X[:, None, :]).reshape(n, p * p)
        at_risk = anp.cumsum(squares[::-1], axis=0)[::-1][self.first]
        deaths = anp.cumsum((w * self.event)[:, None] * self.X, axis=0)
        deaths = anp.concatenate([np.zeros((1, p)), deaths])
        died = deaths[self.beyond] - deaths[self.first]
        return anp.reshape(at_risk, (-1, p, p)) + np.diag(self.penalties), died

    def psi(self, theta: Any, presence: Any, *earlier: Any) -> Any:
        A, died = self._moments(presence)
        return theta - anp.sum(anp.linalg.solve(A, died[..., None])[..., 0], axis=0)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        try:
            return super().gradient(theta, presence)
        except np.linalg.LinAlgError:  # who is left does not determine the regression
            return np.full_like(theta, np.nan)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return np.eye(len(theta))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = removals.sums(self._by_row(leaves=True))
        together = np.flatnonzero(removals.sizes > 1)
        if len(together):
            full = self.gradient(theta)
            out[together] = [
                full - self.gradient(theta, removals.presence(k)) for k in together.tolist()
            ]
        return out

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        # the Jacobian stays 1: that an increment has no solution tells
        return ~np.isfinite(self.gradient_differences(theta, removals)).all(axis=1)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.each(removals).sums(self._by_row(leaves=False))

    def _by_row(self, leaves: bool) -> np.ndarray:
        """What each row takes from psi by leaving, or the derivative in its presence: (n, p)."""
        A, died = self._moments(self.everyone())
        out = np.zeros_like(self.X)
        for k, start in enumerate(self.first.tolist()):
            X, w = self.X[start:], self.weights[start:]
            steps = np.linalg.solve(A[k], X.T).T * w[:, None]
            d = np.zeros(len(X))
            now = self.event[start : self.beyond[k]]
            d[: len(now)] = now
            residual = d - X @ np.linalg.solve(A[k], died[k])
            if leaves:
                left = 1 - np.einsum("np,np->n", steps, X)
                residual /= np.where(left > ALONE, left, np.nan)
            out[start:] -= steps * residual[:, None]
        unsorted = np.empty_like(out)
        unsorted[self.order] = out
        return unsorted
