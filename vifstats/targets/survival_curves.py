"""What targets of a survival curve share: the cumulative hazard of one stratum, with and without.

The hazard of a profile x in stratum s is that of the stratum's mean covariates times
exp((x - mean)'theta), so every such target is a function of the cumulative hazards H(t | x) at
some event times (docs/mathematics.md, equation (24)).
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.cox.hazard_changes import hazards_without
from vifstats.losses.cox.loss import Cox
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target, central_differences
from vifstats.typing import Differentiable

__all__ = [
    "Curve",
    "CurveTarget",
    "HazardTarget",
    "cox_with_ties",
    "one_each",
    "profile_labels",
    "with_labels",
]

# Removals times rows: up to this many (about 1 s) the hazard of each removal is summed afresh.
EXACT_PAIRS = 25_000_000
# One time by expansion takes as long as the whole curve of about this many removals, summed afresh.
REMOVALS_A_TIME = 20


@dataclass(frozen=True, eq=False)
class Curve:
    """The hazard of one stratum."""

    # With the ties that the hazard is to be estimated with
    loss: Cox
    # Its code
    stratum: int

    @property
    def cells(self) -> slice:
        """The positions of the stratum's event times among all."""
        return slice(*self.loss.risk_sets.ranges.bounds[self.stratum : self.stratum + 2])

    @property
    def event_times(self) -> np.ndarray:
        """Distinct event times, ascending, in the units of the data."""
        return self.loss.risk_sets.cell_time[self.cells]

    @property
    def centre(self) -> np.ndarray:
        """The mean covariates of the stratum, shape (p,)."""
        return self.loss.centres[self.stratum]

    @cached_property
    def last(self) -> float:
        """The end of follow-up in the stratum."""
        data = self.loss.data
        return float(data.time[data.strata == self.stratum].max())

    def at(self, times: np.ndarray) -> np.ndarray:
        """Number of event times up to and with each time."""
        return np.searchsorted(self.event_times, times, side="right")


class CurveTarget(Target, ABC):
    """A target of the survival curve of a Cox model; a subclass says which function of it."""

    # The stratum whose baseline is meant, by the user's name of it
    stratum: Hashable | None
    # "efron" or "breslow" for the baseline; None for the fit's own
    ties: str | None
    # See `SurvivalProbability`
    exact: bool | None

    @abstractmethod
    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> "HazardTarget":
        """The target on a curve; ``design`` turns profiles into design rows."""

    def bind(self, estimate: Fit) -> "HazardTarget":
        bound = self._on(estimate.loss, estimate.profile, estimate.names)
        return dataclasses.replace(bound, theta=estimate.theta)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        names = loss.names or tuple(f"theta{k}" for k in range(len(theta)))
        return self._on(loss, None, names).value(theta, presence, loss)

    def _on(self, loss: Loss, profile: Callable | None, names: tuple[str, ...]) -> "HazardTarget":
        curve = _curve(loss, self.stratum, self.ties, type(self).__name__)
        return self.read(curve, lambda x: checks.profiles(x, profile, names))


@dataclass(frozen=True, eq=False)
class HazardTarget(Target):
    """A function of cumulative hazards H(t | x) at some event times."""

    curve: Curve
    # (m, p): design rows of the profiles
    x: np.ndarray
    # int (q,): how many event times have passed at each time that is read
    positions: np.ndarray
    # H, shape (..., m, q), to values, shape (..., n_values), in autograd.numpy
    function: Callable[[Any], Any]
    names: tuple[str, ...]
    exact: bool | None = None
    # (p,): of the full fit, about which hazards are expanded; empty if it is not known
    theta: np.ndarray = field(default_factory=lambda: np.zeros(0))
    # Whether the function has a derivative
    smooth: bool = True
    # Why a value may be nan
    undefined: str | None = None

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        hazards, shift = self.curve.loss.hazards(theta, presence)
        passed = anp.concatenate([np.zeros(1), anp.cumsum(hazards[self.curve.cells])])
        log_risk = anp.dot(self._relative, theta) - shift[self.curve.stratum]
        return self.function(anp.exp(log_risk)[:, None] * passed[self.positions])

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        if self._exactly(removals):
            return self._from_batches(thetas, removals)
        return self._from_expansion(thetas, removals)

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        if not self.smooth:
            raise InvalidInputError(
                f"`linear=True` needs a derivative, but {self.names[0]} moves in steps; use "
                "linear=False."
            )
        return central_differences(self, loss, theta, dfbeta, removals)

    @property
    def _relative(self) -> np.ndarray:
        """Profiles relative to the mean covariates of the stratum, shape (m, p)."""
        return self.x - self.curve.centre

    def pairs_are_few(self, removals: Removals) -> bool:
        """Whether every removal may be summed over all rows."""
        if not len(self.theta):
            return True  # nothing to expand about
        return len(removals) * removals.n_objects <= EXACT_PAIRS

    def _exactly(self, removals: Removals) -> bool:
        if self.exact is not None:
            return self.exact
        one_by_one = len(removals) <= REMOVALS_A_TIME * len(self.positions)
        return self.pairs_are_few(removals) or one_by_one

    def _from_batches(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """Every hazard summed afresh, at the cost of a pass over the rows for each removal."""
        cells = self.curve.cells
        last = cells.start + int(self.positions.max(initial=0))
        out = []
        for batch in self.curve.loss.batches(thetas, removals):
            passed = np.zeros((last - cells.start + 1, len(batch.thetas)))
            np.cumsum(batch.hazards[cells.start : last], axis=0, out=passed[1:])
            log_risk = batch.thetas @ self._relative.T - batch.shifts[self.curve.stratum][:, None]
            H = np.exp(log_risk)[:, :, None] * passed.T[:, None, self.positions]
            out.append(self.function(H))
        return np.concatenate(out)

    def _from_expansion(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """Hazards to second order in the change of theta, exactly in what leaves."""
        hazards, risk = self.expanded(self.inside(self.positions), thetas, removals)
        return self.function(risk[:, :, None] * hazards[:, None, :])

    def inside(self, positions: np.ndarray) -> np.ndarray:
        """1 for the cells that have passed at each time, else 0: (n_cells, q)."""
        passed = np.arange(self.curve.loss.risk_sets.n_cells) - self.curve.cells.start
        return ((passed >= 0)[:, None] & (passed[:, None] < positions)).astype(float)

    def at_estimate(self) -> tuple[np.ndarray, np.ndarray]:
        """At theta^, the hazards of the mean covariates (q,), and log risks of profiles (m,)."""
        loss = self.curve.loss
        hazards, shift = loss.hazards(self.theta, loss.everyone())
        passed = np.concatenate([[0.0], np.cumsum(hazards[self.curve.cells])])
        return passed[self.positions], self._relative @ self.theta - shift[self.curve.stratum]

    def expanded(
        self, weights: np.ndarray, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weighted hazards of the mean covariates after each removal, and risks of profiles.

        Shapes: `weights` (n_cells, q); `thetas` (n_removals, p). Returns `hazards` (n_removals, q);
        `risks` (n_removals, m).
        """
        loss = self.curve.loss
        steps = self.theta - thetas
        hazards = hazards_without(loss.sums(self.theta), weights, removals, steps)
        log_risk = self.at_estimate()[1] - steps @ self._relative.T
        return hazards, np.exp(log_risk)


def cox_with_ties(loss: Loss, ties: str | None, name: str) -> Cox:
    """The Cox model with the ties of its baseline; InvalidTypeError if it is not a Cox model."""
    if not isinstance(loss, Cox):
        raise InvalidTypeError(
            f"{name} is a target of Cox models, but this loss is a {type(loss).__name__}."
        )
    if ties is None and loss.ties == "exact":
        ties = "breslow"  # as in R: exact ties are those of coefficients
    return loss if ties is None else loss.with_ties(ties)


def _curve(loss: Loss, stratum: Hashable | None, ties: str | None, name: str) -> Curve:
    loss = cox_with_ties(loss, ties, name)
    known = loss.data.stratum_names
    if stratum is None and len(known) > 1:
        raise InvalidInputError(
            f"A model with strata has one baseline in each, so `stratum` must be one of "
            f"{list(known[:10])}, but is not given."
        )
    if stratum is not None and not checks.among(stratum, known):
        raise InvalidInputError(
            f"`stratum` must be one of {list(known[:10])}, but is {stratum!r}."
            if known != (None,)
            else f"The model has no strata, but `stratum` is {stratum!r}; leave it out."
        )
    return Curve(loss, 0 if stratum is None else known.index(stratum))


def one_each(x1: np.ndarray, x0: np.ndarray) -> np.ndarray:
    """Two design rows, shape (2, p), from two profiles of one row each."""
    if len(x1) != 1 or len(x0) != 1:
        raise InvalidInputError(
            f"A contrast needs one profile on each side, but `x1` has {len(x1)} and `x0` {len(x0)}."
        )
    return np.concatenate([x1, x0])


def profile_labels(x: Any, n: int) -> list[Hashable]:
    """What to call each profile: the index of a DataFrame, else 0, 1, ..."""
    return list(x.index) if isinstance(x, pd.DataFrame) else list(range(n))


def with_labels(names: Sequence[str], labels: Sequence[Hashable]) -> tuple[str, ...]:
    """Each name for each profile: S(1), S(2) -> S(1 | a), S(2 | a), S(1 | b) ..."""
    if len(labels) == 1:
        return tuple(names)
    return tuple(f"{name[:-1]} | {label})" for label in labels for name in names)
