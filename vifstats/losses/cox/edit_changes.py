"""What edits change in Cox's gradient: a row leaves and its edited version arrives, term by term.

At a term with sums phi and psi, m = psi/phi, from which an edit takes the mass rho and the moment
q (of the row, less that of its edited version; rho may be negative), the gradient changes by

    a m - a (psi - q)/(phi - rho) = a (q - rho m)/(phi - rho).

The cells at which the row and its version are at risk make few intervals of constant (rho, q); over
those the powers of rho/phi separate, as in `power_series`, and pairs where rho is not a small part
are added one by one. Cells in which one of the two is an event are summed anew: their ties change.
See docs/mathematics.md, equation (34).
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from vifstats.checks import SurvivalInput
from vifstats.losses.cox.plans import LOG10_RANGE
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sets import RiskSets, gathered, risk_sets
from vifstats.losses.cox.segment_sums import expanded, slices_of

__all__ = ["EditKernel"]

# If less than this share of a sum is left, it has lost digits: such edits are computed afresh.
LEFT = 1e-3
# For eps up to EXPLICIT, eps^POWERS is below rounding; pairs with more are taken one by one.
POWERS, EXPLICIT = 7, 1e-2
# Pairs of an interval and a term handled at once.
SLICE = 1 << 15


@dataclass(frozen=True, eq=False)
class EditKernel:
    """The stacked rows, sorted once, whatever theta."""

    # Rows, followed by edited versions
    data: SurvivalInput
    # int (k,): the row that each version replaces, -1 for one to add
    rows: np.ndarray
    efron: bool

    @property
    def n_rows(self) -> int:
        """Rows before the edited versions."""
        return len(self.data.time) - len(self.rows)

    def part(self, rows: np.ndarray) -> SurvivalInput:
        """Some rows of the stack."""
        names = {field.name for field in fields(self.data)} - {"names", "stratum_names"}
        data = replace(self.data, **{name: getattr(self.data, name)[rows] for name in names})
        # risk sets number the strata by what is there
        return replace(data, strata=np.unique(data.strata, return_inverse=True)[1])

    @cached_property
    def changed(self) -> np.ndarray:
        """Whether each version differs from its row, shape (k,)."""
        old, new, d = self.rows, self.n_rows + np.arange(len(self.rows)), self.data
        same = (d.X[old] == d.X[new]).all(axis=1)
        for column in (d.time, d.event, d.entry, d.weights, d.strata, d.offset):
            same &= column[old] == column[new]
        return ~same | (old < 0)

    @cached_property
    def sets(self) -> RiskSets:
        """Risk sets with a cell for every event of a row or of a version."""
        return risk_sets(self.data)

    @cached_property
    def _position(self) -> np.ndarray:
        """The sorted position of each row of the stack."""
        position = np.empty(len(self.sets.order), dtype=np.intp)
        position[self.sets.order] = np.arange(len(position))
        return position

    @cached_property
    def _X(self) -> np.ndarray:
        return gathered(self.data.X, self.sets.order, self.sets.row_bounds)[0]

    def gradient_changes(
        self, theta: np.ndarray, edits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """grad L(theta, 1) - grad L(theta, 1_-i) of single edits.

        Shapes: `theta` (p,); `edits` int (k,). Returns `changes` (k, p); `cancelled` bool (k,):
        where next to nothing of a sum is left, and digits with it.
        """
        sums = self._sums(theta)
        out, cancelled = np.zeros((len(edits), len(theta))), np.zeros(len(edits), dtype=bool)
        at = np.flatnonzero(self.changed[edits])
        if len(at):
            moves = self._moves(edits[at], sums)
            out[at], cancelled[at] = _exposed(sums, moves, len(theta))
            own, lost = _own_cells(sums, moves, self.efron)
            out[at] += own
            cancelled[at] |= lost
        return out, cancelled

    def _sums(self, theta: np.ndarray) -> "_Sums":
        sets, order = self.sets, self.sets.order
        eta = self._X @ theta + self.data.offset[order]
        largest = np.maximum.reduceat(eta, sets.row_bounds[:-1])
        r = self.data.weights[order] * np.exp(eta - largest[sets.stratum])
        here = order < self.n_rows
        mass = np.where(here, r, 0.0)
        died = sets.own[here[sets.own]]
        cell = sets.ranges.hi[died] - 1
        masses = np.column_stack([mass, mass[:, None] * self._X])
        w = self.data.weights[order]
        by_cell = np.zeros((sets.n_cells, 2 + self._X.shape[1]))
        np.add.at(by_cell, cell, np.column_stack([w[died], masses[died]]))
        # a row that dies in a cell is exposed in all before it, also where only versions die
        alive = sets.exposed.scatter(masses)
        deaths = np.bincount(cell, minlength=sets.n_cells)
        return _Sums(sets, self._X, r, w, alive, by_cell, deaths, self.efron)

    def _moves(self, edits: np.ndarray, sums: "_Sums") -> "_Moves":
        new = self._position[self.n_rows + edits]
        old = np.where(self.rows[edits] >= 0, self._position[self.rows[edits]], -1)
        return _Moves.of(sums, old, new)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over the risk sets of the rows as they are.

    alive (m, 1 + p) are r and r x of those who do not die in the cell, by_cell (m, 2 + p) w, r and
    r x of those who do, deaths (m,) their number.
    """

    sets: RiskSets
    X: np.ndarray
    r: np.ndarray
    w: np.ndarray
    alive: np.ndarray
    by_cell: np.ndarray
    deaths: np.ndarray
    efron: bool

    @cached_property
    def n_terms(self) -> np.ndarray:
        """Terms of each cell; a cell where only edited versions die has none."""
        return self.deaths if self.efron else np.minimum(self.deaths, 1)

    @cached_property
    def first_term(self) -> np.ndarray:
        """The first term of each cell, and the number of terms: shape (m + 1,)."""
        return np.append(0, np.cumsum(self.n_terms))

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """a, phi (n_terms,) and m (n_terms, p) of every term."""
        cell, tie = expanded(self.n_terms)
        share = 1 - tie / np.maximum(self.n_terms[cell], 1)
        sums = self.alive[cell] + share[:, None] * self.by_cell[cell, 1:]
        a = self.by_cell[cell, 0] / self.n_terms[cell]
        return a, sums[:, 0], sums[:, 1:] / sums[:, :1]

    @cached_property
    def cell_gradient(self) -> np.ndarray:
        """a sum_l m_l of each cell, shape (m, p)."""
        a, _, m = self.terms
        out = np.zeros((len(self.deaths), m.shape[1]))
        some = np.flatnonzero(self.n_terms)
        if len(some):
            out[some] = np.add.reduceat(a[:, None] * m, self.first_term[some], axis=0)
        return out

    def over_terms(self, start: np.ndarray, stop: np.ndarray) -> Ranges:
        """Ranges of cells as ranges of terms."""
        first = self.first_term
        return Ranges(first[start], first[stop], first[self.sets.ranges.bounds])


@dataclass(frozen=True, eq=False)
class _Moves:
    """k edits: the sorted rows that leave (-1: none) and arrive, and the intervals they make."""

    # old, new: int (k,)
    old: np.ndarray
    new: np.ndarray
    # edit, start, stop int (n_intervals,): intervals of cells without deaths of the edit
    edit: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    # rho, q: (n_intervals,), (n_intervals, p)
    rho: np.ndarray
    q: np.ndarray
    # int (k, 2): cells in which the old and the new row die; -1 for none
    own: np.ndarray

    @classmethod
    def of(cls, sums: _Sums, old: np.ndarray, new: np.ndarray) -> "_Moves":
        ranges, event = sums.sets.ranges, sums.sets.event
        sides = [(old, old >= 0), (new, new >= 0)]
        lo, hi = (
            np.stack([np.where(here, bound[row], 0) for row, here in sides], axis=1)
            for bound in (ranges.lo, ranges.hi)
        )
        dies = np.stack([here & event[row] for row, here in sides], axis=1)
        own = np.where(dies, hi - 1, -1)
        # constant between where one begins, ends, or dies
        breaks = np.concatenate([lo, hi, np.where(dies, own, hi)], axis=1)
        breaks.sort(axis=1)
        edit, part = np.nonzero(breaks[:, :-1] < breaks[:, 1:])
        start, stop = breaks[edit, part], breaks[edit, part + 1]
        inside = (lo[edit] <= start[:, None]) & (start[:, None] < hi[edit])
        r = [
            np.where(inside[:, side], sums.r[row[edit]], 0.0) for side, (row, _) in enumerate(sides)
        ]
        q = r[0][:, None] * sums.X[old[edit]] - r[1][:, None] * sums.X[new[edit]]
        rho = r[0] - r[1]
        moved = (rho != 0) | (q != 0).any(axis=1)
        moved &= (start[:, None] != own[edit]).all(axis=1)
        return cls(old, new, edit[moved], start[moved], stop[moved], rho[moved], q[moved], own)


def _exposed(sums: _Sums, moves: _Moves, p: int) -> tuple[np.ndarray, np.ndarray]:
    """a (q - rho m)/(phi - rho) over the terms of every interval, added up by edit."""
    a, phi, m = sums.terms
    out, cancelled = np.zeros((len(moves.old), p)), np.zeros(len(moves.old), dtype=bool)
    ranges = sums.over_terms(moves.start, moves.stop)
    some = np.flatnonzero(ranges.lo < ranges.hi)
    if not len(some):
        return out, cancelled
    ranges, edit, rho, q = ranges.take(some), moves.edit[some], moves.rho[some], moves.q[some]
    eps = np.abs(rho) / ranges.minimum(phi)
    powers = (eps <= EXPLICIT) & (np.log10(phi.max() / phi.min()) * POWERS < LOG10_RANGE)
    near, far = np.flatnonzero(~powers), np.flatnonzero(powers)
    if len(far):
        np.add.at(out, edit[far], _by_powers(ranges.take(far), rho[far], q[far], a, phi, m))
    for part in slices_of((ranges.hi - ranges.lo)[near], SLICE):
        few = near[part]
        item, offset = expanded((ranges.hi - ranges.lo)[few])
        term = ranges.lo[few][item] + offset
        left = phi[term] - rho[few][item]
        np.logical_or.at(cancelled, edit[few][item], left < LEFT * phi[term])
        factor = a[term] / np.where(left > 0, left, 1.0)
        change = factor[:, None] * (q[few][item] - rho[few][item, None] * m[term])
        np.add.at(out, edit[few][item], change)
    return out, cancelled


def _by_powers(
    ranges: Ranges, rho: np.ndarray, q: np.ndarray, a: np.ndarray, phi: np.ndarray, m: np.ndarray
) -> np.ndarray:
    """sum_k rho^(k-1) (q G_k - rho M_k), G_k and M_k the sums of a phi^-k and a m phi^-k."""
    scale = phi.max()
    out = np.zeros_like(q)
    for k in range(1, POWERS + 1):
        weight = a * (phi / scale) ** -k
        sums = ranges.gather(np.column_stack([weight, weight[:, None] * m]))
        part = q * sums[:, :1] - rho[:, None] * sums[:, 1:]
        out += ((rho / scale) ** (k - 1) / scale)[:, None] * part
    return out


def _own_cells(sums: _Sums, moves: _Moves, efron: bool) -> tuple[np.ndarray, np.ndarray]:
    """The cells in which an edit has a death, before less after, and the deaths' own covariates."""
    k, p = len(moves.old), sums.X.shape[1]
    own = moves.own.copy()
    own[own[:, 0] == own[:, 1], 1] = -1  # the same cell is summed once
    edit, side = np.nonzero(own >= 0)
    cell = own[edit, side]
    alive, dying, deaths = sums.alive[cell], sums.by_cell[cell], sums.deaths[cell].copy()
    before = alive[:, 0] + dying[:, 1]
    gone = np.zeros(len(edit))
    for rows, sign in ((moves.old, -1.0), (moves.new, 1.0)):
        row = rows[edit]
        there = (row >= 0) & (sums.sets.ranges.lo[row] <= cell) & (cell < sums.sets.ranges.hi[row])
        dies = there & sums.sets.event[row] & (sums.sets.ranges.hi[row] - 1 == cell)
        mass = np.column_stack([sums.r[row], sums.r[row, None] * sums.X[row]])
        alive = alive + sign * mass * (there & ~dies)[:, None]
        dying = dying + sign * np.column_stack([sums.w[row], mass]) * dies[:, None]
        deaths += int(sign) * dies
        gone += (sign < 0) * there * sums.r[row]
    after = _cell_gradients(alive, dying, deaths, efron)
    out = np.zeros((k, p))
    np.add.at(out, edit, sums.cell_gradient[cell] - after)
    for rows, sign in ((moves.old, -1.0), (moves.new, 1.0)):
        died = (rows >= 0) & sums.sets.event[rows]
        out += (sign * died * sums.w[rows])[:, None] * sums.X[rows]
    cancelled = np.zeros(k, dtype=bool)
    np.logical_or.at(cancelled, edit, gone > (1 - LEFT) * before)
    return out, cancelled


def _cell_gradients(
    alive: np.ndarray, dying: np.ndarray, deaths: np.ndarray, efron: bool
) -> np.ndarray:
    """a sum_l m_l of cells with these masses, shape (k, p); 0 where nobody dies."""
    n_terms = deaths if efron else np.minimum(deaths, 1)
    item, tie = expanded(n_terms)
    share = 1 - tie / np.maximum(n_terms[item], 1)
    sums = alive[item] + share[:, None] * dying[item, 1:]
    a = dying[item, 0] / n_terms[item]
    out = np.zeros((len(deaths), alive.shape[1] - 1))
    phi = np.where(sums[:, 0] > 0, sums[:, 0], 1.0)
    np.add.at(out, item, (a / phi)[:, None] * sums[:, 1:])
    return out
