"""How gradient and Hessian change when one row leaves, for all rows in near-linear time.

Up to its own time a row takes itself from sums in which the others are weighted as they are without
it; after that only those who stayed after a competing event have other weights. Both are changes as
in `moved`; between the sums with and without its part in the censoring lies a prefix sum.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.fine_gray.moved import Terms, lost_digits, moved
from vifstats.losses.cox.fine_gray.sums import Sums, running
from vifstats.losses.cox.moments import Moments
from vifstats.losses.cox.segment_sums import Bins, expanded, slices_of

__all__ = ["changes"]

# Terms of ties without one of their deaths that are handled at once.
SLICE = 1 << 15


def changes(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """What each row takes from sum a m, or from sum a V: (n, p) or (n, q), sorted order.

    And which rows are to be summed afresh, because their part dwarfs that of the others.
    """
    p, q = sums.X.shape[1], len(sums.columns[0])
    out, afresh = np.zeros((len(sums.r), q or p)), np.zeros(len(sums.r), dtype=bool)
    full = _Cells(sums, sums.at_risk)
    for stratum in range(sums.censoring.n_strata):
        rows = np.flatnonzero(sums.censoring.stratum == stratum)
        out[rows], afresh[rows] = _of_stratum(full, stratum, rows)
    return out, afresh


def _of_stratum(full: "_Cells", stratum: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sums, sets = full.sums, full.sums.sets
    hi, event = sets.ranges.hi[rows], sets.event[rows]
    own = _Cells(sums, sums.without_one(stratum))
    out = (full.up_to - own.up_to)[hi - event]

    itself = sums.rows.take(rows).each(np.negative)
    before = own.first_term[hi - event]
    out += moved(own.terms(), before, itself)
    afresh = lost_digits(own.terms(), before, itself)

    weights = sums.uncensored[0][stratum]
    later = full.terms(weights, backwards=True)
    count = len(later.a) - full.first_term[hi]
    by = sums.afterwards(stratum, rows)
    out += moved(later, count, by)
    afresh |= lost_digits(later, count, by)
    # the last of a stratum, censored alone: without it G is not 0 afterwards
    afresh |= (sums.at_own_instant(rows) == 1) & (count > 0)

    cell = hi[event] - 1
    out[event] += full.by_cell[cell] - own.without_death(rows[event], cell)
    tied = sets.deaths[cell] > 1
    dwarfs = sums.r[rows[event]] > (1 - 1e-6) * own.moments.r[cell]
    afresh[np.flatnonzero(event)[tied & dwarfs]] = True
    return out, afresh


@dataclass(frozen=True, eq=False)
class _Cells:
    """Event times with everybody in their sums."""

    sums: Sums
    moments: Moments

    @cached_property
    def _n_terms(self) -> np.ndarray:
        deaths = self.sums.sets.deaths
        return deaths if self.sums.efron else np.minimum(deaths, 1)

    @cached_property
    def first_term(self) -> np.ndarray:
        """The first term of each cell, (n_cells + 1,)."""
        return np.append(0, np.cumsum(self._n_terms))

    @cached_property
    def _by_term(self) -> tuple[np.ndarray, np.ndarray, Moments]:
        """The cell of each term, its coefficient a, and its moments."""
        cell, tie = expanded(self._n_terms)
        share = tie / self._n_terms[cell]
        a = (self.sums.W / self._n_terms)[cell]
        return cell, a, self.moments.take(cell) - self.sums.dying.take(cell).scaled(share)

    def terms(self, weights: np.ndarray | None = None, backwards: bool = False) -> Terms:
        """The terms, with a weight of the change for each cell; from the last one if backwards."""
        cell, a, moments = self._by_term
        h = (np.ones(len(cell)) if weights is None else weights[cell]) / moments.r
        mean, V = moments.mean(), moments.covariance(self.sums.columns)
        turn = slice(None, None, -1) if backwards else slice(None)
        return Terms(a[turn], h[turn], mean[turn], V[turn], self.sums.columns)

    @cached_property
    def by_cell(self) -> np.ndarray:
        """Sum of a m, or of a V, over the terms of each cell."""
        cell, a, moments = self._by_term
        return Bins(cell, len(self._n_terms)).sums(a[:, None] * _wanted(moments, self.sums))

    @cached_property
    def up_to(self) -> np.ndarray:
        """The same over the first 0, 1, ... cells."""
        return running(self.by_cell)

    def without_death(self, rows: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """What the own cell of each event row adds without it."""
        sums = self.sums
        left = sums.sets.deaths[cell] - 1
        n_terms = left if sums.efron else np.minimum(left, 1)
        out = np.zeros((len(rows), self.by_cell.shape[1]))
        for part in slices_of(n_terms, SLICE):
            item, tie = expanded(n_terms[part])
            at, row = cell[part][item], rows[part][item]
            a = (sums.W[at] - sums.w[row]) / n_terms[part][item]
            share = 1 - tie / n_terms[part][item]
            survive = self.moments.take(at) - sums.dying.take(at)
            others = (sums.dying.take(at) - sums.rows.take(row)).scaled(share)
            terms = a[:, None] * _wanted(survive + others, sums)
            out[part] = Bins(item, len(n_terms[part])).sums(terms)
        return out


def _wanted(moments: Moments, sums: Sums) -> np.ndarray:
    """Means, or where pairs of covariates are given covariances."""
    return moments.covariance(sums.columns) if len(sums.columns[0]) else moments.mean()
