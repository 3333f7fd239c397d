"""Median survival and other quantiles of a Cox model, searched on the curve of each removal."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vifstats.checks import proportion
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.hazard_changes import hazards_without
from vifstats.removals import Removals
from vifstats.targets.survival_curves import (
    Curve,
    CurveTarget,
    HazardTarget,
    profile_labels,
    with_labels,
)
from vifstats.typing import TableLike

__all__ = ["MedianSurvival", "SurvivalQuantile"]

# Event times that are tried at once between two known ones.
TRIED = 15


@dataclass(frozen=True, eq=False)
class MedianSurvival(CurveTarget):
    """The first time at which S(t | x) <= 1/2; nan where the curve ends above.

    It moves in steps from event time to event time, so it has no linear form.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame
        Profiles, as design rows or in the raw columns of the fitted model.
    stratum, ties : optional
        As in `BaselineHazard`.
    exact : bool, optional
        As in `SurvivalProbability`. False searches: hazards are expanded at a few event times
        around the median of the full fit, and between those that lie on either side of 1/2.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> vs.vif(vs.minimize(loss, [0.0])).on(MedianSurvival([[0.0], [1.0]])).value
    array([4., 2.])
    """

    x: TableLike | None = None
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        return _crossing(self, curve, design(self.x), 0.5, "median(T)", "survival stays above 1/2")


@dataclass(frozen=True, eq=False)
class SurvivalQuantile(CurveTarget):
    """The first time by which a share of a group has had the event: S(t | x) <= 1 - share.

    Nan where the curve ends above. It moves in steps, so it has no linear form.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame
        Profiles, as in `MedianSurvival`.
    share : float
        Between 0 and 1: 0.25 for the time by which a quarter has had the event.
    stratum, ties, exact : optional
        As in `MedianSurvival`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> vs.vif(vs.minimize(loss, [0.0])).on(SurvivalQuantile([[0.0], [1.0]], 0.25)).value
    array([2., 1.])
    """

    x: TableLike | None = None
    share: float = 0.5
    stratum: Hashable | None = None
    ties: str | None = None
    exact: bool | None = None

    def __post_init__(self) -> None:
        proportion(self.share, "share", such_as=0.5)

    def read(self, curve: Curve, design: Callable[[object], np.ndarray]) -> HazardTarget:
        name, why = f"q({self.share:g})", f"survival stays above {1 - self.share:g}"
        return _crossing(self, curve, design(self.x), self.share, name, why)


def _crossing(
    target: CurveTarget, curve: Curve, x: np.ndarray, share: float, name: str, why: str
) -> HazardTarget:
    """When survival of some profiles (m, p) reaches 1 - share; the name of it, and of its lack."""
    times, level = curve.event_times, -np.log1p(-share)
    return _Crossing(
        curve=curve,
        x=x,
        positions=np.arange(1, len(times) + 1),
        function=partial(_first, times=times, level=level),
        # each profile stands within the brackets
        names=with_labels([name], profile_labels(target.x, len(x))),  # type: ignore[attr-defined]  # both have x
        exact=target.exact,
        smooth=False,
        undefined=why,
        level=level,
    )


def _first(H: Any, times: np.ndarray, level: float) -> np.ndarray:
    """The first time at which H is so much or more."""
    reached = autodiff.plain(H) >= level
    return _time_of(times, np.where(reached.any(-1), reached.argmax(-1), len(times)))


@dataclass(frozen=True, eq=False)
class _Crossing(HazardTarget):
    """The event time at which a hazard reaches a level."""

    level: float = 0.0

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        if self.exact or (self.exact is None and self.pairs_are_few(removals)):
            return self._from_batches(thetas, removals)
        steps = self.theta - thetas
        passed, log_risk = self.at_estimate()
        levels = self.level * np.exp(steps @ self._relative.T - log_risk)
        near = np.searchsorted(passed, self.level / np.exp(log_risk)).tolist()
        columns = [
            self._search(level, steps, removals, guess)
            for level, guess in zip(levels.T, near, strict=True)
        ]
        return _time_of(self.curve.event_times, np.stack(columns, axis=1))

    def _search(
        self, levels: np.ndarray, steps: np.ndarray, removals: Removals, guess: int
    ) -> np.ndarray:
        """How many event times of each removal lie below its level of the mean's hazard.

        `levels` (n_removals,); `steps` (n_removals, p); `guess`: the same number of the full fit.
        """
        n_times = len(self.positions)
        # at least `low` times lie below, and fewer than `high`
        low, high = np.zeros(len(levels), dtype=int), np.full(len(levels), n_times + 1)
        tried = _around(guess, n_times)
        while (high - low > 1).any():
            for rows, first, last in _brackets(low, high):
                inside = tried[(tried > first) & (tried < last)]
                at = inside if len(inside) else _between(first, last)
                below = self._hazards(at, steps[rows], removals.take(rows)) < levels[rows, None]
                known, count = np.concatenate([[first], at, [last]]), below.sum(axis=1)
                low[rows], high[rows] = known[count], known[count + 1]
            tried = np.empty(0, dtype=int)
        return low

    def _hazards(self, counts: np.ndarray, steps: np.ndarray, removals: Removals) -> np.ndarray:
        """Hazards at the mean covariates after this many event times, (n_removals, n_counts)."""
        sums = self.curve.loss.sums(self.theta)
        return hazards_without(sums, self.inside(counts), removals, steps)


def _around(guess: int, last: int) -> np.ndarray:
    """Positions from 1 to last that lie ever farther from a guess."""
    steps = 4 ** np.arange(int(np.log(max(last, 2)) / np.log(4)) + 1)
    near = guess + np.concatenate([-steps[::-1], [0, 1], 1 + steps])
    return np.unique(np.clip(near, 1, last))


def _between(first: int, last: int) -> np.ndarray:
    """Positions that part the open interval about evenly."""
    even = np.linspace(first, last, TRIED + 2)[1:-1].round().astype(int)
    return np.unique(np.clip(even, first + 1, last - 1))


def _brackets(low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """The removals that share each interval that is still open."""
    ends, group = np.unique(np.stack([low, high], axis=1), axis=0, return_inverse=True)
    for k, (first, last) in enumerate(ends.tolist()):
        if last - first > 1:
            yield np.flatnonzero(group.ravel() == k), first, last


def _time_of(times: np.ndarray, position: np.ndarray) -> np.ndarray:
    """The event time at each position; nan past the last."""
    return np.append(times, np.nan)[position]
