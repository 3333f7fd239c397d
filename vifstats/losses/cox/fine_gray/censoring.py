"""The distribution of the censoring, G, and the rows that are weighted by it.

G is Kaplan and Meier's estimate of being uncensored, by stratum. At each censoring time (an
*instant*) it is multiplied by 1 - d/Y: d of the Y rows at risk are censored. A row with an event at
an instant has left before it. A row with a competing event at T stays at risk at later event times
t with weight G(t-)/G(T-), so that it leaves as if it had been censored like the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.cox.segment_sums import Bins

__all__ = ["Censoring", "Competing", "censoring_of", "exp_sums", "inverse", "log_steps"]


@dataclass(frozen=True, eq=False)
class Competing:
    """The rows of one stratum with a competing event before the last event time."""

    # int (k,): ascending positions in sorted order
    rows: np.ndarray
    # int (k,): the first cell after the competing event
    after: np.ndarray
    n_cells: int

    @cached_property
    def _bins(self) -> Bins:
        return Bins(self.after, self.n_cells)

    def so_far(self, values: np.ndarray) -> np.ndarray:
        """Sums of values (k, ...) over those whose event was before each cell, (n_cells, ...)."""
        return np.cumsum(self._bins.sums(values), axis=0)

    def from_then_on(self, cells: np.ndarray) -> np.ndarray:
        """Its transpose: sums of cells (n_cells, ...) after the event of each, (k, ...)."""
        return np.cumsum(cells[::-1], axis=0)[::-1].take(self.after, axis=0)


@dataclass(frozen=True, eq=False)
class Censoring:
    """The instants of each stratum, and which of them rows and event times come after."""

    # int (n,): of each sorted row
    stratum: np.ndarray
    # int (n,): instants of all strata with those of its stratum that are before its own time
    before: np.ndarray
    # bool (n,)
    censored: np.ndarray
    # int (n_strata + 1,): where the instants of each stratum begin
    bounds: np.ndarray
    # int (n_strata, n_cells): as `before`, for each event time
    before_cell: np.ndarray
    # of each stratum
    competing: tuple[Competing, ...]

    @property
    def n_instants(self) -> int:
        """Number of distinct censoring times, counted by stratum."""
        return int(self.bounds[-1])

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return len(self.bounds) - 1

    @cached_property
    def until_row(self) -> Ranges:
        """The instants before the time of each row."""
        return Ranges(self.bounds[self.stratum], self.before, self.bounds)

    @cached_property
    def until_cell(self) -> Ranges:
        """The instants before each event time, for one stratum after the other."""
        first = np.repeat(self.bounds[:-1], self.before_cell.shape[1])
        return Ranges(first, self.before_cell.ravel(), self.bounds)

    @cached_property
    def _own(self) -> np.ndarray:
        """Sorted positions of the censored rows."""
        return np.flatnonzero(self.censored)

    @cached_property
    def _by_instant(self) -> Bins:
        return Bins(self.before[self._own], self.n_instants)

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Who survives each instant, and who is censored there, (n_instants,) each."""
        lost = self._by_instant.sums(np.ones(len(self._own)))
        return self.until_row.scatter(np.ones(len(self.before))), lost

    def counts_without(self, rows: np.ndarray, column: np.ndarray, k: int) -> tuple[Any, Any]:
        """The same without some rows, a column for each of k removals: (n_instants, k) each."""
        some = np.zeros((self.n_instants + 1, k))
        np.subtract.at(some, (self.bounds[self.stratum[rows]], column), 1.0)
        np.add.at(some, (self.before[rows], column), 1.0)
        survivors, lost = (np.repeat(count[:, None], k, axis=1) for count in self.counts)
        survivors += np.cumsum(some, axis=0)[:-1]
        own = np.flatnonzero(self.censored[rows])
        np.subtract.at(lost, (self.before[rows[own]], column[own]), 1.0)
        return survivors, lost

    def uncensored(self, b: Any) -> tuple[Any, Any]:
        """G before each event time, (n_strata, n_cells), and before each row's own time, (n,).

        With presence b (n,) in sorted order, which autograd may follow.
        """
        own, until, of_cell = self._own, self.until_row, self.until_cell
        survivors = autodiff.LinearMap(until.scatter, until.gather)(b)
        by_instant = autodiff.LinearMap(self._by_instant.sums, lambda g: g[self.before[own]])
        steps = log_steps(survivors, by_instant(b[own]))
        at_cells = exp_sums(steps, autodiff.LinearMap(of_cell.gather, of_cell.scatter))
        at_rows = exp_sums(steps, autodiff.LinearMap(until.gather, until.scatter))
        return anp.reshape(at_cells, self.before_cell.shape), at_rows


# the logarithm of each factor, 0 where the factor is 0, and 1 there
Steps = tuple[Any, np.ndarray]


def log_steps(survivors: Any, lost: Any) -> Steps:
    """log(1 - d/Y) of survivors Y - d and lost d; and where the factor is 0, as all are lost."""
    some = autodiff.plain(survivors) > 0
    usable = anp.where(some, survivors, 1.0)
    logs = anp.where(some, anp.log(usable) - anp.log(usable + lost), 0.0)
    return logs, (~some & (autodiff.plain(lost) > 0)).astype(float)


def exp_sums(steps: Steps, sums: Callable[[Any], Any]) -> Any:
    """The products of factors over the ranges of which these are the sums."""
    logs, zeros = steps
    return anp.exp(sums(logs)) * (sums(zeros) == 0)


def inverse(G: np.ndarray) -> np.ndarray:
    """1/G, and 0 where G is 0: such rows are gone, or their weight is never read."""
    return np.where(G > 0, 1 / np.where(G > 0, G, 1.0), 0.0)


def censoring_of(
    sets: RiskSets, time: np.ndarray, cause: np.ndarray, strata: np.ndarray
) -> Censoring:
    """The censoring of risk sets without strata of their own.

    `time`, `cause` (0 censored), `strata` (n,): in sorted order.
    """
    n_strata = int(strata.max()) + 1
    before, before_cell = np.empty(len(time), dtype=np.intp), []
    bounds, competing = [0], []
    for stratum in range(n_strata):
        rows = np.flatnonzero(strata == stratum)
        instants = np.unique(time[rows][cause[rows] == 0])
        before[rows] = bounds[-1] + np.searchsorted(instants, time[rows])
        before_cell.append(bounds[-1] + np.searchsorted(instants, sets.cell_time))
        bounds.append(bounds[-1] + len(instants))
        stays = (cause[rows] != 0) & ~sets.event[rows] & (sets.ranges.hi[rows] < sets.n_cells)
        after = sets.ranges.hi[rows[stays]]
        competing.append(Competing(rows[stays], after, sets.n_cells))
    return Censoring(
        stratum=strata,
        before=before,
        censored=cause == 0,
        bounds=np.array(bounds),
        before_cell=np.stack(before_cell),
        competing=tuple(competing),
    )
