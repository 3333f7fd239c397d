"""What a search looks at: a target without any set of removals, predicted and refitted."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vifstats.checks.rounded_times import times_as_they_are
from vifstats.deletion.methods import newton_of
from vifstats.deletion.refits import Refit, from_full, refit_near
from vifstats.deletion.result import Influence
from vifstats.diagnostics.influential_sets.goals import Goal
from vifstats.diagnostics.influential_sets.held import Held
from vifstats.errors import VifError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.inference.bell_mccaffrey import has_bell_mccaffrey
from vifstats.inference.degrees import degrees_without
from vifstats.inference.dispersion import dispersions_without
from vifstats.inference.edits import EditedInference
from vifstats.losses.edited import Edited
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
    arrived: dict[frozenset[int], bool] = field(default_factory=dict)
    held: dict[tuple[int, ...], Held] = field(default_factory=dict)
    # sets without which there is no value: the estimate diverges, or the target is undefined
    without_value: list[list[int]] = field(default_factory=list)

    @cached_property
    def influence(self) -> Influence:
        """The influence of each removal alone, by one Newton step."""
        return newton_of(self.est, self.removals)

    @cached_property
    def gains(self) -> np.ndarray:
        """How far each removal alone moves the scalar towards its bound, (n_removals,)."""
        return self.goal.gains(self.influence.on(self.goal.ranking).influence)

    @property
    def name(self) -> str:
        """The name of the value that is shown."""
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
        removal = self.removals.together(members)
        steps = self.full.steps(removal)
        return self.goal.without(Influence(self.est, "newton", steps, removal))

    def actual(self, members: list[int]) -> tuple[float, float]:
        """The scalar, and what is shown, refitted; nan on separation."""
        key = frozenset(members)
        if key not in self.values:
            # where a refit arrives there is an end
            nowhere = not self.arrives(members) and self.separated(members)
            none = np.nan, np.nan
            self.values[key] = none if nowhere else self.goal.without(self.refit(members))
        return self.values[key]

    @cached_property
    def full(self) -> Refit:
        """The full fit, converged as the refits are, that they begin from."""
        return Refit.of(self.est)

    def refit(self, members: list[int]) -> Influence:
        """The refit without the members, computed once."""
        key = frozenset(members)
        if not self.arrives(members) and key not in self.refits:
            removal = self.removals.together(members)
            self.refits[key] = from_full(self.est, self.full, removal)
        return self.refits[key]

    def arrives(self, members: list[int]) -> bool:
        """Whether a short path ends at a minimum, from the nearest refit that is known."""
        key = frozenset(members)
        if key not in self.arrived:
            removal = self.removals.together(members)
            found = refit_near(self.est, self.full, removal, self._start(key))
            self.arrived[key] = found is not None
            if found is not None:
                self.refits[key] = found
        return self.arrived[key]

    def _start(self, key: frozenset[int]) -> np.ndarray:
        """Parameters without the set that differs least from this one, or of the full fit."""
        known = [other for other, refit in self.refits.items() if refit.exact[0]]
        nearest = min(known, key=lambda other: len(other ^ key), default=None)
        if nearest is None or len(nearest ^ key) >= len(key):
            return self.full.theta
        return self.full.theta - self.refits[nearest].values[0]

    def reaches(self, members: list[int]) -> bool:
        """Whether the refit without the members is at the bound."""
        return bool(members) and self.goal.reached(self.actual(members)[0])

    def progress(self, members: list[int]) -> float:
        """How far the refit without the members is on the way to the bound."""
        return self.goal.progress(self.actual(members)[0])

    def gains_without(self, members: list[int], near: np.ndarray) -> np.ndarray | None:
        """What each removal gains once the members are gone: -inf for themselves, (n_near,).

        None where nothing can be estimated from what is left.
        """
        est = self.estimate(members)
        if est is None:
            return None
        kept = self.removals.together(members).codes < 0
        some = self.removals.take(near)
        removals = Removals(some.codes[kept], some.labels)
        key = tuple(near.tolist())
        if key not in self.held:
            self.held[key] = Held.of(self.est, some)
        gains = self.goal.gains(self.held[key].influence(est, removals, self.goal.ranking))
        gains[np.isin(near, members)] = -np.inf
        return gains

    def possible(self, members: list[int]) -> bool:
        """Whether these can all be absent: of the edits of one row only one can be made."""
        loss = self.est.loss
        if not isinstance(loss, Edited):
            return True
        return not loss.contradictory(np.flatnonzero(np.isin(self.removals.codes, members)))

    def has_value(self, members: list[int]) -> bool:
        """Whether there is a refitted scalar without the members; sets without one are kept."""
        if not self.possible(members):
            return False
        return bool(np.isfinite(self.actual(members)[0])) or self._leave(members)

    def holds(self, members: list[int]) -> bool:
        """Whether there is an estimate without the members; sets without one are kept."""
        if not self.possible(members):
            return False
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
            loss, removal = self.est.loss, self.removals.together(members)
            arrived = self.arrived.get(key, False)
            self.diverges[key] = not arrived and bool(loss.separated(self.est.theta, removal)[0])
        return self.diverges[key]

    def estimate(self, members: list[int]) -> Estimate | None:
        """The refit as an estimate of its own, to go on from; None where it cannot be had."""
        est, refit = self.est, self.refit(members)
        if refit.failed[0]:
            return None
        thetas = est.theta - refit.values
        kept = self.removals.together(members).codes < 0
        dispersion = dispersions_without(est, est.loss, thetas, refit.removals)
        try:
            with times_as_they_are():
                return Estimate(
                    reduced(est.loss, kept),
                    thetas[0],
                    names=est.names,
                    labels=est.labels[est.kept[kept]],
                    inference=self._inference(kept, refit.removals),
                    dispersion=float(np.squeeze(dispersion)),
                    profile=est.profile,
                )
        except VifError:  # of what is left nothing can be estimated
            return None

    def _inference(self, kept: np.ndarray, removal: Removals) -> Inference:
        est = self.est
        if isinstance(est.inference, EditedInference) and isinstance(est.loss, Edited):
            return est.inference.after(int(np.sum(est.loss.rows[~kept] < 0)))
        # where each parameter has its own, they are computed again from what is left
        own = has_bell_mccaffrey(est)
        df = None if own else float(degrees_without(est, removal)[0, 0])
        return est.inference.of_rows(est.kept[kept], kept, df)
