"""Survival under a Cox model, standardized over the rows that are present (the g-formula).

docs/mathematics.md, equation (64).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target
from vifstats.targets.restricted_mean import horizon_within, intervals
from vifstats.targets.survival import times_within
from vifstats.targets.survival_curves import Curve, cox_with_ties
from vifstats.typing import Differentiable, TableLike, Times

__all__ = ["StandardizedRMST", "StandardizedSurvival"]


@dataclass(frozen=True, eq=False)
class Standardized(Target, ABC):
    """Means over the rows present of what is read off each row's curve, in two worlds."""

    x1: TableLike
    x0: TableLike

    @abstractmethod
    def _read(self, curve: Curve) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Event times passed at each time (q,), what S counts there (q, m), and m names."""

    def bind(self, estimate: Fit) -> "Standardized":
        loss = _cox(estimate.loss, self)
        sides = {}
        for name in ("x1", "x0"):
            table = _of_the_fit(checks.as_pandas(getattr(self, name)), estimate.labels)
            design = checks.profiles(table, estimate.profile, estimate.names)
            _require_rows(table, len(design), estimate.labels, name)
            sides[name] = design[estimate.kept]
        bound = replace(self, **sides)
        _, _, names = self._read(Curve(loss, 0))
        object.__setattr__(bound, "names", _of_sides(names))
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        cox = _cox(loss, self)
        hazards, shifts = cox.hazards(theta, presence)
        b = presence * cox.data.weights
        return self._means(cox, theta, hazards, shifts, b)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        cox, out = _cox(loss, self), []
        for batch in cox.batches(thetas, removals):
            for k, theta in enumerate(batch.thetas):
                b = cox.data.weights * (batch.removals.codes != k)
                given = (batch.hazards[:, k], batch.shifts[:, k], b)
                out.append(self._means(cox, theta, *given))
        return np.stack(out)

    def _means(self, cox: Cox, theta: Any, hazards: Any, shifts: Any, b: Any) -> Any:
        """Both means and their difference, (3 m,); `hazards` (n_cells,), `b` (n,) weights."""
        sides = [self._mean(cox, np.asarray(x), theta, hazards, shifts, b) for x in self._sides]
        return anp.concatenate([*sides, sides[0] - sides[1]])

    @property
    def _sides(self) -> tuple[Any, Any]:
        return self.x1, self.x0

    def _mean(self, cox: Cox, x: np.ndarray, theta: Any, hazards: Any, shifts: Any, b: Any) -> Any:
        total: Any = 0.0
        for code in range(len(cox.data.stratum_names)):
            curve, rows = Curve(cox, code), np.flatnonzero(cox.data.strata == code)
            positions, counts, _ = self._read(curve)
            passed = anp.concatenate([np.zeros(1), anp.cumsum(hazards[curve.cells])])[positions]
            log_risk = anp.dot(x[rows] - curve.centre, theta) + cox.data.offset[rows] - shifts[code]
            S = anp.exp(-anp.exp(log_risk)[:, None] * passed)
            total = total + anp.dot(anp.dot(b[rows], S), counts)
        return total / anp.sum(b)


@dataclass(frozen=True, eq=False)
class StandardizedSurvival(Standardized):
    """The mean over all rows of S(t | x), had all had one treatment, and had all had the other.

    Each row has its own covariates in both worlds, so arms are compared as in a trial of these
    people (the g-formula). A removal leaves the fit, the baseline and the mean.

    Parameters
    ----------
    x1, x0 : DataFrame or array_like, shape (n, n_params)
        The rows of the fit with one treatment and with the other, such as
        ``df.assign(treated=1)``; as design rows or in the raw columns of the fitted model. Rows of
        a DataFrame are found by the labels of the fit; all others are in its order.
    times : float or array_like
        In the units of the data.
    ties : {"efron", "breslow"}, optional
        Of the baseline hazard; default the fit's own.

    Raises
    ------
    InvalidInputError
        If the tables are not the rows of the fit, or a time lies beyond follow-up in a stratum.
    InvalidTypeError
        If the model is not a Cox model.

    Notes
    -----
    The values are the means at each time with x1, then with x0, then their differences. Means are
    by case weight; with strata each row has the baseline of its own. The time of all removals
    grows with n^2.

    References
    ----------
    Robins (1986), Mathematical Modelling 7; Chen & Tsiatis (2001), Biometrics 57, section 2;
    docs/mathematics.md, equation (64).

    Examples
    --------
    >>> import vifstats as vs
    >>> X = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> est = vs.minimize(vs.losses.Cox(X, [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1]), [0.0])
    >>> target = StandardizedSurvival(np.ones((4, 1)), np.zeros((4, 1)), 2.0)
    >>> vs.leave_one_out(est).on(target).value.round(3)
    array([ 0.398,  0.698, -0.3  ])
    """

    times: Times
    ties: str | None = None

    def _read(self, curve: Curve) -> tuple[np.ndarray, np.ndarray, list[str]]:
        # not None for all event times, which strata do not share
        given = checks.times(self.times, "times", float(curve.event_times.min(initial=0.0)))
        times = times_within(given, curve)
        return curve.at(times), np.eye(len(times)), [f"S({t:g})" for t in times]


@dataclass(frozen=True, eq=False)
class StandardizedRMST(Standardized):
    """The mean over all rows of their restricted mean survival time, in two worlds.

    Parameters
    ----------
    x1, x0 : DataFrame or array_like, shape (n, n_params)
        As in `StandardizedSurvival`.
    tau : float
        The horizon, in the units of the data, which is fixed.
    ties : {"efron", "breslow"}, optional
        Of the baseline hazard; default the fit's own.

    Raises
    ------
    InvalidInputError
        If the tables are not the rows of the fit, or tau lies beyond follow-up in a stratum.
    InvalidTypeError
        If the model is not a Cox model.

    Notes
    -----
    The values are the mean with x1, with x0, and their difference. The time of all removals grows
    with n^2 and the number of event times.

    References
    ----------
    Chen & Tsiatis (2001), Biometrics 57, section 2; docs/mathematics.md, equation (64).

    Examples
    --------
    >>> import vifstats as vs
    >>> X = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> est = vs.minimize(vs.losses.Cox(X, [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1]), [0.0])
    >>> target = StandardizedRMST(np.ones((4, 1)), np.zeros((4, 1)), tau=3.0)
    >>> vs.leave_one_out(est).on(target).value.round(3)
    array([ 2.096,  2.567, -0.471])
    """

    tau: float
    ties: str | None = None

    def _read(self, curve: Curve) -> tuple[np.ndarray, np.ndarray, list[str]]:
        tau = horizon_within(self.tau, curve)
        widths = intervals(curve, tau)
        return np.arange(len(widths)), widths[:, None], [f"RMST({tau:g})"]


def _cox(loss: Loss, target: Any) -> Cox:
    return cox_with_ties(loss, target.ties, type(target).__name__)


def _of_sides(names: Sequence[str]) -> tuple[str, ...]:
    sides = ("x1", "x0", "x1 - x0")
    return tuple(f"{name}, {side}" for side in sides for name in names)


def _of_the_fit(table: Any, labels: pd.Index) -> Any:
    """The rows of a table that the fit has, in its order, where they are called by its labels."""
    if not isinstance(table, pd.DataFrame) or not (table.index.is_unique and labels.is_unique):
        return table
    return table.loc[labels] if labels.isin(table.index).all() else table


def _require_rows(table: Any, n: int, labels: pd.Index, name: str) -> None:
    same = not isinstance(table, pd.DataFrame) or table.index.equals(labels)
    if n != len(labels) or not same:
        finding = f"has {n} rows for {len(labels)}" if n != len(labels) else "has other labels"
        raise InvalidInputError(
            f"`{name}` must be the rows of the fit, by its labels or in its order, with another "
            f"treatment, but {finding}; make it of that table, as by df.assign(treated=1)."
        )
