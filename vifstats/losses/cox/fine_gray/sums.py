"""The sums over who is at risk, at one theta with everyone present, and without a row's censoring.

When row i of a stratum leaves, G of that stratum changes. With S = Y - d survivors of an instant
before T_i its factor changes by

    q = (S - 1)(S + d) / (S (S + d - 1)),

which does not depend on i; at T_i itself, if i is censored, by Y/(Y - 1). So up to T_i the sums
without a row of the stratum are the same for all rows, except for the row itself (`without_one`).
After T_i they change by G(t-) K, with moments K of the row alone (`afterwards`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.fine_gray.censoring import (
    Censoring,
    Competing,
    exp_sums,
    inverse,
    log_steps,
)
from vifstats.losses.cox.moments import Columns, Moments, moments_of
from vifstats.losses.cox.risk_sets import RiskSets

__all__ = ["Sums", "running"]


@dataclass(frozen=True, eq=False)
class Sums:
    """Moments of the risk sets; rows are in sorted order."""

    sets: RiskSets
    censoring: Censoring
    time: np.ndarray  # (n,)
    w: np.ndarray  # (n,)
    r: np.ndarray  # (n,)
    X: np.ndarray  # (n, p)
    columns: Columns
    efron: bool

    @cached_property
    def rows(self) -> Moments:
        """The moments of each row."""
        return moments_of(self.r, self.X, self.columns)

    @cached_property
    def W(self) -> np.ndarray:
        """The weight of the deaths of each cell, (n_cells,)."""
        return self.sets.by_death.sums(self.w[self.sets.own])

    @cached_property
    def dying(self) -> Moments:
        """Sums over the rows that die in each cell."""
        return self.rows.take(self.sets.own).each(self.sets.by_death.sums)

    @cached_property
    def alive(self) -> Moments:
        """Sums over the rows that have had no event before each cell."""
        return self.rows.each(self.sets.ranges.scatter)

    @cached_property
    def uncensored(self) -> tuple[np.ndarray, np.ndarray]:
        """G before each event time, (n_strata, n_cells), and before each row's own time, (n,)."""
        return self.censoring.uncensored(np.ones(len(self.r)))

    def _stayed(self, stratum: int, G_cells: np.ndarray, G_rows: np.ndarray) -> Moments:
        """Sums over the rows that stay at risk after a competing event, in one stratum."""
        some = self.censoring.competing[stratum]
        return self._weighted(some, G_rows).each(some.so_far).scaled(G_cells)

    def _weighted(self, some: Competing, G_rows: np.ndarray) -> Moments:
        """The competing rows over their own G, 0 where that is 0."""
        return self.rows.take(some.rows).scaled(inverse(G_rows[some.rows]))

    @cached_property
    def stayed(self) -> list[Moments]:
        """Sums over the rows that stay at risk after a competing event, by stratum."""
        G_cells, G_rows = self.uncensored
        return [self._stayed(s, G, G_rows) for s, G in enumerate(G_cells)]

    @cached_property
    def at_risk(self) -> Moments:
        """Sums over all rows at risk at each cell."""
        total = self.alive
        for some in self.stayed:
            total += some
        return total

    @cached_property
    def _changed(self) -> tuple[np.ndarray, np.ndarray]:
        """G times the product of q so far: before each event time and each row's own time."""
        survivors, lost = self.censoring.counts
        some = survivors > 0
        steps = log_steps(np.where(some, survivors - 1, 1.0), np.where(some, lost, 0.0))
        cells = exp_sums(steps, self.censoring.until_cell.gather)
        rows = exp_sums(steps, self.censoring.until_row.gather)
        # where all were censored G is 0 for those who are left, too
        zero = self.uncensored[0] == 0
        return np.where(zero, 0.0, cells.reshape(zero.shape)), rows

    def without_one(self, stratum: int) -> Moments:
        """Sums over all rows at risk, with a row that leaves later but without its censoring."""
        total = self.alive
        for other, some in enumerate(self.stayed):
            if other != stratum:
                total += some
        cells, rows = self._changed
        return total + self._stayed(stratum, cells[stratum], rows)

    def afterwards(self, stratum: int, rows: np.ndarray) -> Moments:
        """K of some rows of the stratum: G K is the change of a cell after their own time."""
        some = self.censoring.competing[stratum]
        changed, G = self._changed[1], self.uncensored[1]
        upto = np.searchsorted(self.time[some.rows], self.time[rows], side="right")
        new = self._weighted(some, changed).each(running).take(upto)
        old = self._weighted(some, G).each(running).take(upto)
        own = np.isin(rows, some.rows).astype(float)
        new = new - self.rows.take(rows).scaled(own * inverse(changed[rows]))
        return new.scaled(changed[rows] * inverse(G[rows]) * self._own_factor(rows)) - old

    def _own_factor(self, rows: np.ndarray) -> np.ndarray:
        """By how much the factor of a row's own instant changes, 1 where it is not censored."""
        at = self.at_own_instant(rows)
        return np.where(at > 1, at / np.where(at > 1, at - 1, 1.0), 1.0)

    def at_own_instant(self, rows: np.ndarray) -> np.ndarray:
        """Y at the instant at which each row is censored, 0 for others, (k,)."""
        known = self.censoring
        if not known.n_instants:
            return np.zeros(len(rows))
        survivors, lost = known.counts
        at = np.minimum(known.before[rows], known.n_instants - 1)
        return np.where(known.censored[rows], (survivors + lost)[at], 0.0)


def running(values: np.ndarray) -> np.ndarray:
    """Sums over the first 0, 1, ... entries, (n, ...) to (n + 1, ...)."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
