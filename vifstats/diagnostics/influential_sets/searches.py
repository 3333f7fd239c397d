"""Three ways to look for a set: nested sets, the last of which reaches the goal or is the best."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.methods import newton_step
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.diagnostics.influential_sets.goals import Goal, value_of
from vifstats.errors import ConvergenceError, VifError
from vifstats.estimate import Estimate
from vifstats.inference.degrees import degrees_without
from vifstats.inference.dispersion import dispersions_without
from vifstats.losses.reduced import reduced
from vifstats.removals import Removals

__all__ = ["SEARCHES", "Search"]

# How many of the largest influences `greedy` tries in each step.
CANDIDATES = 10


@dataclass(frozen=True, eq=False)
class Search:
    """What a search looks at: removals, and the target without any set of them.

    Attributes
    ----------
    est : Estimate
    removals : Removals
        Members of a set are positions in them.
    goal : Goal
    groups : array_like or None
        What makes the removals.
    """

    est: Estimate
    removals: Removals
    goal: Goal
    groups: Any

    @cached_property
    def influence(self) -> Influence:
        """Of each removal alone, by one Newton step."""
        return newton_step(self.est, groups=self.groups)

    @cached_property
    def single(self) -> np.ndarray:
        """Influence of each removal alone on the scalar."""
        return self.influence.on(self.goal.ranking).influence

    @cached_property
    def parts(self) -> list[TargetInfluence]:
        """Influence of each removal alone on the parts of what is shown."""
        return [self.influence.on(part) for part in self.goal.parts]

    def additive(self, members: list[int]) -> float:
        """What is shown, by adding up the influences of the members."""
        sums = [part.influence[members].sum(axis=0) for part in self.parts]
        return self.goal.added([part.value for part in self.parts], sums)

    @property
    def name(self) -> str:
        """Of the value that is shown."""
        names = self.goal.shown.bind(self.est).names
        return "target" if names is None else names[self.goal.shown_column]

    def joint(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, by one Newton step for all members together."""
        return self._without(newton_step(self.est, **self.together(members)))

    def actual(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, refitted; nan on separation."""
        if self.separated(members):
            return np.nan, np.nan
        return self._without(leave_one_out(self.est, **self.together(members)))

    def status(self, members: list[int]) -> str:
        """What there is to know of the refit: why its value is nan."""
        refit = leave_one_out(self.est, **self.together(members))
        return str(refit.on(self.goal.steering).status.iloc[0])

    def separated(self, members: list[int]) -> bool:
        """Whether the estimate diverges without the members."""
        removal = self.est.removals(**self.together(members))
        return bool(self.est.loss.separated(self.est.theta, removal)[0])

    def out(self, members: list[int]) -> np.ndarray:
        """True for the objects that the members take, shape (n_objects,)."""
        return np.isin(self.removals.codes, members)

    def together(self, members: list[int]) -> dict[str, Any]:
        """The members as one removal: arguments of `newton_step` and `leave_one_out`."""
        apart = np.zeros(len(self.est.labels), dtype=bool)
        apart[self.est.kept] = self.out(members)
        return {"groups": np.where(apart, "set", "rest"), "objects": ["set"]}

    def _without(self, influence: Influence) -> tuple[float, float]:
        goal = self.goal
        steering = influence.on(goal.steering).value_without[0, goal.column]
        return float(steering), float(influence.on(goal.shown).value_without[0, goal.shown_column])


def _sorted(search: Search, size: int) -> list[list[int]]:
    """The shortest run of the largest influences whose sum, and then whose refit, is enough."""
    gains = search.goal.gains(search.single)
    order = np.argsort(-gains, kind="stable")[:size]
    order = order[gains[order] > 0]
    enough = np.flatnonzero(np.cumsum(gains[order]) >= search.goal.gap)
    first = int(enough[0]) + 1 if len(enough) else len(order)
    sets = [order[:k].tolist() for k in range(1, len(order) + 1)]
    return _until_confirmed(search, sets, first)


def _greedy(search: Search, size: int) -> list[list[int]]:
    """Grow the set by whichever of the largest influences left has the largest joint effect."""
    gains = search.goal.gains(search.single)
    order = [int(i) for i in np.argsort(-gains, kind="stable") if gains[i] > -np.inf]
    members: list[int] = []
    sets, progress = [], []
    while len(members) < size and order:
        trials = [(search.joint([*members, i])[0], i) for i in order[:CANDIDATES]]
        value, best = max(trials, key=lambda trial: search.goal.progress(trial[0]))
        members = [*members, best]
        order.remove(best)
        sets.append(members)
        progress.append(search.goal.progress(value))
        if search.separated(members):
            return sets
        if search.goal.reached(value) and search.goal.reached(search.actual(members)[0]):
            return sets
    furthest = max(progress, default=0.0)
    return sets[: progress.index(furthest) + 1] if furthest > 0 else []


def _until_confirmed(search: Search, sets: list[list[int]], first: int) -> list[list[int]]:
    """The sets up to the first, from a given size on, that a refit confirms or that separates."""
    for k in range(max(first, 1), len(sets) + 1):
        members = sets[k - 1]
        if search.separated(members) or search.goal.reached(search.actual(members)[0]):
            return sets[:k]
    return sets


def _adaptive(search: Search, size: int) -> list[list[int]]:
    """Remove the largest influence, refit, compute all influences again."""
    members: list[int] = []
    sets = []
    est, place = search.est, np.arange(len(search.removals))
    influence = search.single
    while len(members) < size:
        gains = search.goal.gains(influence)
        if not gains.max(initial=-np.inf) > 0:
            break
        members = [*members, int(place[np.argmax(gains)])]
        sets.append(members)
        if search.separated(members):
            break
        try:
            est = _without(search, members)
            value = value_of(est, search.goal.steering, search.goal.column)
        except VifError:  # a fit or value that cannot be had: `_result` says so by its own refit
            break
        if search.goal.reached(value):
            break
        place, influence = _again(search, est, members)
    return sets


def _without(search: Search, members: list[int]) -> Estimate:
    """The estimate refitted to the data without the members."""
    est, kept = search.est, ~search.out(members)
    refit = leave_one_out(est, **search.together(members))
    if refit.failed[0]:
        raise ConvergenceError("The refit did not converge.")
    thetas = est.theta - refit.values
    dispersion = dispersions_without(est, est.loss, thetas, refit.removals)
    return Estimate(
        reduced(est.loss, kept),
        thetas[0],
        names=est.names,
        labels=est.labels[est.kept[kept]],
        inference=est.inference.of_rows(
            est.kept[kept], kept, float(degrees_without(est, refit.removals)[0])
        ),
        dispersion=float(np.squeeze(dispersion)),
        profile=est.profile,
    )


def _again(search: Search, est: Estimate, members: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Which removals are left, and their influences on the scalar."""
    codes = search.removals.codes[~search.out(members)]
    place = pd.unique(codes[codes >= 0])
    influence = newton_step(est, groups=codes)
    return place, influence.on(search.goal.ranking).influence


SEARCHES = {"sorted": _sorted, "greedy": _greedy, "adaptive": _adaptive}
