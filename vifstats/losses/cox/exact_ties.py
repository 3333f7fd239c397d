"""Cox's model with the exact likelihood of ties: which d of those at risk had the events.

An event time with one event adds what it adds by Breslow. One with d > 1 adds log e_d(r) less the
sum of x'theta over its events, with e_d the elementary symmetric polynomial of the risks at it:
docs/mathematics.md, equation (36). Without delayed entry the risk sets of a stratum grow back in
time, so that one recursion passes through all of its event times.
"""

from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.batched import Batched
from vifstats.losses.cancellation import mended
from vifstats.losses.cox.loss import Cox
from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.matched_sets.choices import Choices
from vifstats.losses.matched_sets.separation import MOST_NUMBERS, Pairs
from vifstats.losses.matched_sets.sets import Members
from vifstats.losses.penalty import penalised, penalised_slopes, untold
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["ExactCox"]

# With at most this many events at a time, one recursion serves a whole stratum: e_0, e_1, ... of
# all times stay in the range of doubles together.
MANY = 50


class ExactCox(Batched, Cox, ties="exact"):
    """The loss that ``Cox(..., ties="exact")`` is; parameters as of `Cox`, without weights."""

    hessian_at_hand = False  # unlike the plain one's, it costs more than a gradient

    def __init__(self, X: Any, T: Any, E: Any = None, **options: Any) -> None:
        super().__init__(X, T, E, **options)
        data, sets = self.data, self.risk_sets
        if (data.weights != 1).any():
            raise InvalidInputError(
                "Exact ties count which rows had an event, so that a case weight has no meaning, "
                f"but row {data.labels[np.flatnonzero(data.weights != 1)[0]]} has another than 1; "
                "leave `weights` out, or use ties='efron'."
            )
        x = np.empty_like(self._X)
        x[sets.order] = self._X
        self.choices = Choices(x, data.offset, tied_members(sets))
        self._single = self._untied()

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        total = self.choices.value(theta, presence)
        if self._single is not None:
            total = total + self._single.value(theta, presence)
        return penalised(total, theta, self.penalty)

    def with_ties(self, ties: str) -> Cox:
        twin = Cox.__new__(Cox)
        twin.__dict__.update(self.__dict__)
        return Cox.with_ties(twin, ties)

    def flat(self) -> np.ndarray:
        flat = self.choices.flat()
        if self._single is not None:
            flat &= np.isin(np.arange(len(flat)), self._single.flat())
        return untold(flat, self.penalty)

    def value_differences(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        out = self.choices.differences(theta, removals, curved=False).value
        return (
            out if self._single is None else out + self._single.value_differences(theta, removals)
        )

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = self.choices.differences(theta, removals, curved=False).gradient
        single = self._single
        return out if single is None else out + single.gradient_differences(theta, removals)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        out = self.choices.weight_gradients(theta)
        out = out if removals is None else removals.sums(out)
        single = self._single
        return out if single is None else out + single.weight_gradients(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        full = self.choices.at(theta, curved=True)[2].sum(axis=0)
        out = full - self.choices.differences(theta, removals, curved=True).curvature
        out = mended(out, full, removals, partial(self._choices_afresh, theta))
        if self._single is not None:
            out += self._single.reduced_hessians(theta, removals)
        return out if self.penalty is None else out + self.penalty

    def _choices_afresh(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        thetas = np.tile(theta, (len(removals), 1))
        return self.choices.without(thetas, removals, curved=True).curvature

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        found = self.choices.without(thetas, removals, curved=False)
        values, gradients = found.value, found.gradient
        if self._single is not None:
            more = self._single.reduced_slopes(thetas, removals)
            values, gradients = values + more[0], gradients + more[1]
        return penalised_slopes(values, gradients, thetas, self.penalty)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        H = self.choices.without(thetas, removals, curved=True).curvature
        if self._single is not None:
            H = H + self._single.reduced_curvatures(thetas, removals)
        return H if self.penalty is None else H + self.penalty

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return Loss.reduced_scores(self, thetas, removals)

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        pairs = self._event_pairs
        return super().separated(theta, removals) if pairs is None else pairs.separated(removals)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        pairs = self._event_pairs
        return super().endless(theta) if pairs is None else pairs.falling()

    @cached_property
    def _event_pairs(self) -> Pairs | None:
        """Each event with each row at risk that has none then; None where they are too many."""
        sets, ranges = self.risk_sets, self.risk_sets.exposed
        cells = sets.cell_of_event
        counts = np.bincount(cells, minlength=sets.n_cells) * ranges.scatter(
            np.ones(len(sets.order))
        )
        if counts.sum() * self.n_params > MOST_NUMBERS:
            return None
        case, other = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
        for event, cell in zip(sets.own, cells, strict=True):
            rows = np.flatnonzero((ranges.lo <= cell) & (cell < ranges.hi))
            case.append(np.full(len(rows), event))
            other.append(rows)
        events, others = (sets.order[np.concatenate(side)] for side in (case, other))
        return Pairs.listed(self.choices.x, events, others, self.penalty)

    def _untied(self) -> Cox | None:
        """The event times with one event, by Breslow; None if there is none."""
        data, sets = self.data, self.risk_sets
        alone = np.zeros(self.n_objects, dtype=int)
        alone[sets.order[sets.own[sets.deaths[sets.cell_of_event] == 1]]] = 1
        if not alone.any():
            return None
        return Cox(
            pd.DataFrame(data.X, columns=list(data.names)),
            data.time,
            alone,
            entry=data.entry if np.isfinite(data.entry).any() else None,
            strata=data.strata,
            offset=data.offset,
            ties="breslow",
        )


def tied_members(sets: RiskSets) -> Members:
    """Who is at risk at the event times with several events."""
    tied = sets.tied
    growing = (sets.ranges.lo == _first_cell(sets)).all()
    if growing and sets.deaths[tied].max(initial=0) <= MANY:
        chains = [tied[sets.cell_stratum[tied] == s] for s in np.unique(sets.cell_stratum[tied])]
    else:
        chains = [tied[[c]] for c in range(len(tied))]
    parts = [_chain(sets, cells) for cells in chains]
    numbers = [np.full(len(rows), k, dtype=np.intp) for k, (rows, _, _) in enumerate(parts)]
    reads = np.zeros((len(parts), max((len(r) for _, _, r in parts), default=0)), dtype=np.intp)
    for k, (_, _, own) in enumerate(parts):
        reads[k, : len(own)] = own
    empty = [np.empty(0, dtype=np.intp)]
    rows, choice = (empty + [part[i] for part in parts] for i in (0, 1))
    return Members(
        np.concatenate(empty + numbers), np.concatenate(rows), np.concatenate(choice), reads
    )


def _first_cell(sets: RiskSets) -> np.ndarray:
    """The first event time of each row's stratum, shape (n,): where it enters if never late."""
    stratum = np.repeat(np.arange(len(sets.row_bounds) - 1), np.diff(sets.row_bounds))
    return sets.ranges.bounds[stratum]


def _chain(sets: RiskSets, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows as they join back in time, the choice of each, and how many have joined at each cell."""
    lo, hi = sets.ranges.lo, sets.ranges.hi
    first, last = np.searchsorted(sets.stratum, sets.cell_stratum[cells[0]] + np.arange(2))
    inside = np.arange(first, last)
    inside = inside[(lo[inside] <= cells[0]) & (hi[inside] > cells[0])][::-1]
    choice = np.where(sets.event[inside], np.searchsorted(cells, hi[inside] - 1), -1)
    known = cells[np.minimum(choice, len(cells) - 1)] == hi[inside] - 1
    reads = np.array([int(np.sum(hi[inside] > c)) for c in cells])
    return sets.order[inside], np.where(known, choice, -1), reads
