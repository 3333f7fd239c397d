"""Weights that make up for censoring, for targets that compare predictions with what happened."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.targets.base import Fit, Target
from vifstats.typing import ArrayLike1D, Differentiable

__all__ = ["AtTimes", "FollowUp", "follow_up"]


@dataclass(frozen=True, eq=False)
class FollowUp:
    """What happened to the rows of a Cox model, in the user's order."""

    time: np.ndarray
    event: np.ndarray
    weights: np.ndarray

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        return np.unique(self.time, return_inverse=True)

    def chances(self, presence: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Who of those present has had the event by t, and who lives on, each over P(seen).

        That is w 1(T <= t, event) / G(T-) and w 1(T > t) / G(t), shape (n,) each, with G the
        Kaplan-Meier estimate of staying uncensored; at a time shared with events, censorings
        come after them.
        """
        w = self.weights * presence
        times, place = self._places
        gone, dying = (
            np.bincount(place, w * some, minlength=len(times)) for some in (~self.event, self.event)
        )
        at_risk = np.cumsum((gone + dying)[::-1])[::-1] - dying
        after = np.cumprod(1 - gone / np.where(gone > 0, at_risk, 1.0))
        before = np.append(1.0, after[:-1])[place]
        case = self.event & (self.time <= t) & (w > 0)
        lives = (self.time > t) & (w > 0)
        now = np.append(1.0, after)[np.searchsorted(times, t, side="right")]
        return (
            np.where(case, w / np.where(case, before, 1.0), 0.0),
            np.where(lives, w / (now if lives.any() else 1.0), 0.0),
        )


@dataclass(frozen=True, eq=False)
class AtTimes(Target, ABC):
    """A target of a Cox model at some times, at which it is known who has had the event."""

    t: float | ArrayLike1D
    # of the times it is asked for, which are not for users to choose
    names: tuple[str, ...] | None = field(default=None, init=False)
    called: ClassVar[str]

    @abstractmethod
    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any: ...

    def bind(self, estimate: Fit) -> Self:
        name = type(self).__name__
        follow_up(estimate.loss, name)
        times = _times_of(self.t, estimate.loss, name)
        bound = replace(self, t=times)
        object.__setattr__(bound, "names", tuple(f"{self.called}({t:g})" for t in times))
        return bound


def follow_up(loss: Loss, name: str) -> FollowUp:
    """What happened to the rows of a loss that has no strata and no delayed entry."""
    if not isinstance(loss, Cox):
        raise InvalidTypeError(
            f"{name} is a target of Cox models, but this loss is a {type(loss).__name__}."
        )
    data = loss.data
    if len(data.stratum_names) > 1 or np.isfinite(data.entry).any():
        raise InvalidInputError(
            f"{name} weights rows by one censoring distribution from time 0, but the model has "
            "strata or delayed entry; use Concordance, which compares within risk sets."
        )
    return FollowUp(data.time, data.event, data.weights)


def _times_of(times: Any, loss: Any, name: str) -> np.ndarray:
    """Times at which there are events behind and rows ahead, shape (m,)."""
    wanted = checks.times(times, "t")
    first, last = loss.data.time[loss.data.event].min(), loss.data.time.max()
    bad = ~((first <= wanted) & (wanted < last))
    if wanted.ndim != 1 or bad.any():
        raise InvalidInputError(
            f"{name} needs times from the first event, {first:g}, to before the end of follow-up, "
            f"{last:g}, but `t` is {times!r}; choose times between."
        )
    return wanted
