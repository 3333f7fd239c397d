"""What a search looks at: a target without any set of removals, predicted and refitted."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vifstats.deletion.methods import newton_of
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.diagnostics.influential_sets.goals import Goal
from vifstats.errors import VifError
from vifstats.estimate import Estimate
from vifstats.inference.degrees import degrees_without
from vifstats.inference.dispersion import dispersions_without
from vifstats.losses.reduced import reduced
from vifstats.removals import Removals

__all__ = ["Search"]


@dataclass(frozen=True, eq=False)
class Search:
    """Removals, whose positions are the members of sets, and a goal; each set is refitted once."""

    est: Estimate
    removals: Removals
    goal: Goal
    # by the members, whatever their order
    refits: dict[frozenset[int], Influence] = field(default_factory=dict)
    values: dict[frozenset[int], tuple[float, float]] = field(default_factory=dict)
    diverges: dict[frozenset[int], bool] = field(default_factory=dict)
    # sets without which there is no value: the estimate diverges, or the target is undefined
    without_value: list[list[int]] = field(default_factory=list)

    @cached_property
    def influence(self) -> Influence:
        """Of each removal alone, by one Newton step."""
        return newton_of(self.est, self.removals)

    @cached_property
    def gains(self) -> np.ndarray:
        """How far each removal alone moves the scalar towards its bound, (n_removals,)."""
        return self.goal.gains(self.influence.on(self.goal.ranking).influence)

    @property
    def name(self) -> str:
        """Of the value that is shown."""
        names = self.goal.shown.bind(self.est).names
        return "target" if names is None else names[self.goal.shown_column]

    def additive(self, members: list[int]) -> list[float]:
        """What is shown after each member, by adding up the influences of those so far."""
        some = self.influence.take(np.array(members))
        parts = [some.on(part) for part in self.goal.parts]
        full = [part.value for part in parts]
        sums = [np.cumsum(part.influence, axis=0) for part in parts]
        return [self.goal.added(full, list(rows)) for rows in zip(*sums, strict=True)]

    def joint(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, by one Newton step for all members together."""
        return self._values(newton_of(self.est, self.removals.together(members)))

    def actual(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, refitted; nan on separation."""
        key = frozenset(members)
        if key not in self.values:
            nowhere = self.separated(members)
            self.values[key] = (np.nan, np.nan) if nowhere else self._values(self.refit(members))
        return self.values[key]

    def refit(self, members: list[int]) -> Influence:
        """The refit without the members, computed once."""
        key = frozenset(members)
        if key not in self.refits:
            self.refits[key] = refit_removals(self.est, self.removals.together(members))
        return self.refits[key]

    def reaches(self, members: list[int]) -> bool:
        """Whether the refit without the members is at the bound."""
        return bool(members) and self.goal.reached(self.actual(members)[0])

    def has_value(self, members: list[int]) -> bool:
        """Whether there is a refitted scalar without the members; sets without one are kept."""
        return bool(np.isfinite(self.actual(members)[0])) or self._leave(members)

    def holds(self, members: list[int]) -> bool:
        """Whether there is an estimate without the members; sets without one are kept."""
        return not self.separated(members) or self._leave(members)

    def _leave(self, members: list[int]) -> bool:
        self.without_value.append(members)
        return False

    def status(self, members: list[int]) -> str:
        """What there is to know of the refit: why its value is nan."""
        if self.separated(members):
            return "separation"
        return str(self.refit(members).on(self.goal.steering).status.iloc[0])

    def separated(self, members: list[int]) -> bool:
        """Whether the estimate diverges without the members."""
        key = frozenset(members)
        if key not in self.diverges:
            removal = self.removals.together(members)
            self.diverges[key] = bool(self.est.loss.separated(self.est.theta, removal)[0])
        return self.diverges[key]

    def estimate(self, members: list[int]) -> Estimate | None:
        """The refit as an estimate of its own, to go on from; None where it cannot be had."""
        est, refit = self.est, self.refit(members)
        if refit.failed[0]:
            return None
        thetas = est.theta - refit.values
        kept = self.removals.together(members).codes < 0
        dispersion = dispersions_without(est, est.loss, thetas, refit.removals)
        df = float(degrees_without(est, refit.removals)[0])
        try:
            return Estimate(
                reduced(est.loss, kept),
                thetas[0],
                names=est.names,
                labels=est.labels[est.kept[kept]],
                inference=est.inference.of_rows(est.kept[kept], kept, df),
                dispersion=float(np.squeeze(dispersion)),
                profile=est.profile,
            )
        except VifError:  # of what is left nothing can be estimated
            return None

    def _values(self, influence: Influence) -> tuple[float, float]:
        goal = self.goal
        steering = influence.on(goal.steering).value_without[0, goal.column]
        return float(steering), float(influence.on(goal.shown).value_without[0, goal.shown_column])
