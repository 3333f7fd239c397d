"""The sums over risk sets at one theta, from which loss, derivatives and hazards are read.

Letters as in docs/mathematics.md, equation (16).

For each cell (event time of a stratum) r = w exp(x'theta) is summed over the risk set (S0, S1) and
over the rows that die there (S0D, S1D). Efron's terms l = 0 .. d - 1 have phi_l = S0 - (l/d) S0D
and mean m_l = m0 + delta f_l, where

    m0 = S1 / S0,    delta = m0 - S1D / S0D,    f_l = S0 / phi_l - 1.

So everything p-wide is kept per cell and only scalars per death. What dies is never subtracted
from what is at risk: R and R1 are sums over the rows at risk that do not die in the cell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

from vifstats.losses.cox.fast import loops
from vifstats.losses.cox.moments import Columns, Moments, moments_of
from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.cox.segment_sums import Bins, Segments, expanded, in_cache

__all__ = ["EveryTerm", "PowerSums", "RiskSums", "Tied", "risk_sums", "sums_at_risk"]


@dataclass(frozen=True, eq=False)
class Tied:
    """The cells with several deaths and their terms: d of them for Efron, one for Breslow."""

    cells: np.ndarray  # int (k,)
    # R1, S1D, delta (k, p): r x of the rows at risk that do not die; of those that do; delta as
    # above
    R1: np.ndarray
    S1D: np.ndarray
    delta: np.ndarray
    # int (k,): the first term of each cell
    first: np.ndarray
    # alive, phi, f (n_terms,): 1 - l/d, phi_l and f_l. Breslow's term has l = 0, hence f = 0
    alive: np.ndarray
    phi: np.ndarray
    f: np.ndarray

    def sums(self, terms: np.ndarray) -> np.ndarray:
        """Sum over the terms of each cell, shape (n_terms,) to (k,)."""
        return np.add.reduceat(terms, self.first) if len(self.first) else np.zeros(0)

    def find(self, cells: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Which of some cells are among these, and where: positions in ``cells`` and here."""
        if isinstance(cells, slice):
            first = 0 if cells.start is None else cells.start
            last = np.inf if cells.stop is None else cells.stop
            at = np.arange(*np.searchsorted(self.cells, [first, last]))
            return self.cells[at] - first, at
        if not len(self.cells):
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
        at = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        found = np.flatnonzero(self.cells[at] == cells)
        return found, at[found]


@dataclass(frozen=True, eq=False)
class PowerSums:
    """a sum_l phi_l^-k: Z of each cell; F and F2 of the tied cells, with factors f_l and f_l^2."""

    Z: np.ndarray
    F: np.ndarray
    F2: np.ndarray


@dataclass(frozen=True, eq=False)
class EveryTerm:
    """All terms, one by one, (n_terms,) each."""

    cell: np.ndarray  # int
    a: np.ndarray
    phi: np.ndarray
    f: np.ndarray


@dataclass(frozen=True, eq=False)
class RiskSums:
    """Sums over the risk sets at one theta."""

    sets: RiskSets
    # (n, p): covariates in sorted order, centred by stratum
    X: np.ndarray
    # w, z, r (n,): case weights, linear predictors less the largest of their stratum, w exp(z)
    w: np.ndarray
    z: np.ndarray
    r: np.ndarray
    # R, S0D, W (n_cells,): r of the rows at risk that do not die in the cell; r, and weight, of
    # those that do
    R: np.ndarray
    S0D: np.ndarray
    W: np.ndarray
    m0: np.ndarray  # (n_cells, p)
    tied: Tied
    # (n_cells,): coefficient of each term of a cell: W/d for Efron, W for Breslow's only term
    a: np.ndarray
    n_terms: np.ndarray  # int (n_cells,)
    efron: bool

    @cached_property
    def S0(self) -> np.ndarray:
        """r summed over each risk set, shape (n_cells,)."""
        return self.R + self.S0D

    @cached_property
    def phi_min(self) -> np.ndarray:
        """The smallest phi of each cell, shape (n_cells,)."""
        return self.R + self.S0D / self.n_terms if len(self.tied.phi) else self.S0

    @cached_property
    def shares(self) -> np.ndarray:
        """The largest eps = r/phi of each row where it is exposed, shape (n,)."""
        return self.r / self.sets.exposed.minimum(self.phi_min)

    @cached_property
    def dominated(self) -> tuple[np.ndarray, np.ndarray]:
        """Cells in which one row has more than half of S0, ascending, and that row.

        Where it is at the origin, x = 0, sums about the origin are already sums about that row.
        """
        sets, half = self.sets, 0.5 * self.S0
        may = self.shares > 0.5  # no phi is above S0
        may[sets.own] |= self.r[sets.own] > half[sets.cell_of_event]
        rows = np.flatnonzero(may)
        rows = rows[self.X[rows].any(axis=1)]
        at, cells = sets.ranges.take(rows).pairs_below(half, self.r[rows])
        order = np.argsort(cells)
        return cells[order], rows[at][order]

    def power_sums(self, k: int, scale: float = 1.0) -> PowerSums:
        """Sums of phi_l^-k over the terms of each cell, with phi in units of ``scale``."""
        tied = self.tied
        a = self.a[tied.cells]
        powers = (scale / tied.phi) ** k
        Z = self.a * (scale / self.S0) ** k
        Z[tied.cells] = a * tied.sums(powers)
        return PowerSums(Z, a * tied.sums(powers * tied.f), a * tied.sums(powers * tied.f**2))

    @property
    def terms(self) -> EveryTerm:
        """All terms one by one."""
        if not len(self.tied.cells):
            return EveryTerm(self.sets.cell_of_event, self.a, self.S0, np.zeros(len(self.a)))
        cell, tie = expanded(self.n_terms)
        dying = tie / self.n_terms[cell]
        phi = self.R[cell] + (1 - dying) * self.S0D[cell]
        return EveryTerm(cell, self.a[cell], phi, dying * self.S0D[cell] / phi)

    def term_means(self, cells: np.ndarray, f: np.ndarray) -> np.ndarray:
        """m_l = m0 + delta f_l for terms of some cells, shape (k, p)."""
        means = self.m0.take(cells, axis=0)
        found, at = self.tied.find(cells)
        means[found] += f[found, None] * self.tied.delta[at]
        return means

    def dead(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The deaths of some cells: the position in ``cells``, and the row, of each."""
        item, number = expanded(self.sets.deaths[cells])
        return item, self.sets.own[self.sets.first_death[cells][item] + number]

    def dying(self, cells: np.ndarray, columns: Columns) -> Moments:
        """Moments of the deaths of some cells."""
        item, row = self.dead(cells)
        return moments_of(self.r[row], self.X[row], columns).each(Bins(item, len(cells)).sums)

    def value(self) -> float:
        """The loss without its penalty."""
        tied, own = self.tied, self.sets.own
        logs = np.log(self.S0)
        logs[tied.cells] = tied.sums(np.log(tied.phi))
        return float(self.a @ logs - self.w[own] @ self.z[own])

    def gradient(self) -> np.ndarray:
        """Gradient of the loss without its penalty, shape (p,)."""
        tied, own = self.tied, self.sets.own
        expected = self.W @ self.m0 + (self.a[tied.cells] * tied.sums(tied.f)) @ tied.delta
        parts = (own[some] for some in in_cache(len(own), len(expected)))  # no copy of all rows
        return expected - sum(self.w[rows] @ self.X.take(rows, axis=0) for rows in parts)

    def own_hazard(self) -> np.ndarray:
        """a sum_l (1 - l/d) / phi_l of each cell: what a row that dies there adds to its m_l."""
        own = self.a / self.S0
        tied = self.tied
        own[tied.cells] = self.a[tied.cells] * tied.sums(tied.alive / tied.phi)
        return own


def risk_sums(
    sets: RiskSets, X: np.ndarray, w: np.ndarray, eta: np.ndarray, efron: bool
) -> RiskSums:
    """Sum over the risk sets.

    `X` (n, p): in sorted order, centred by stratum; `w`, `eta` (n,): case weights and linear
    predictors, in sorted order.
    """
    largest = np.maximum.reduceat(eta, sets.row_bounds[:-1])
    z = eta - np.repeat(largest, np.diff(sets.row_bounds))
    r = w * np.exp(z)
    W = sets.by_death.sums(w[sets.own])
    n_terms = sets.deaths if efron else np.ones(sets.n_cells, dtype=np.intp)
    R, S0D, m0, *tied = _first_moments(sets, X, r)
    return RiskSums(
        sets=sets,
        X=X,
        w=w,
        z=z,
        r=r,
        R=R,
        S0D=S0D,
        W=W,
        m0=m0,
        tied=_tied(sets, n_terms, R, S0D, *tied),
        a=W / n_terms if len(sets.tied) else W,
        n_terms=n_terms,
        efron=efron,
    )


def _first_moments(sets: RiskSets, X: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, ...]:
    """R, S0D (n_cells,), m0 (n_cells, p), and R1, S1D of the cells with several deaths, (k, p)."""
    if (compiled := loops(X.size)) is not None:
        return _compiled_moments(compiled, sets, X, r)
    if sets.late:
        R, R1 = sets.exposed.scatter_moments(r, X)
    else:
        R = sums_at_risk(sets, lambda rows: r[rows, None].copy(), 1)[:, 0]
        R1 = sums_at_risk(sets, lambda rows: X[rows] * r[rows, None], X.shape[1])
    S1D = X.take(sets.own, axis=0)
    S1D *= r[sets.own, None]
    S0D, S1D = (sets.by_death.sums(dying) for dying in (r[sets.own], S1D))
    tied = R1[sets.tied], S1D[sets.tied]
    S0 = R + S0D
    for cells in in_cache(*R1.shape):
        R1[cells] += S1D[cells]
        R1[cells] /= S0[cells, None]
    return R, S0D, R1, *tied


def _compiled_moments(
    compiled: ModuleType, sets: RiskSets, X: np.ndarray, r: np.ndarray
) -> tuple[np.ndarray, ...]:
    exposed, m0 = sets.exposed, np.zeros((sets.n_cells, X.shape[1]))
    if sets.late:
        rows = exposed.lo, exposed.hi, exposed.by_start, exposed.by_end, sets.own
        R, S0D, *tied = compiled.late_moments(m0, X, r, rows, sets.deaths, exposed.chunks)
    else:
        ends, cells = (exposed.hi, sets.own, sets.row_bounds), (sets.deaths, exposed.bounds)
        R, S0D, *tied = compiled.first_moments(m0, X, r, ends, cells)
    return R, S0D, m0, *tied


def sums_at_risk(sets: RiskSets, of_rows: Callable[[slice], np.ndarray], width: int) -> np.ndarray:
    """What rows have, summed over those who are at risk in a cell and do not die: (n_cells, width).

    `of_rows`: from some of the sorted rows to what they have, (some, width), to be written over.
    """
    bounds, n = sets.row_bounds, sets.row_bounds[-1]
    if sets.late:
        return sets.exposed.scatter(of_rows(slice(0, n)))
    # Without delayed entry, all later rows of the stratum are at risk after the deaths of a cell:
    # a running sum from the last row back, in blocks that stay in cache.
    out = np.empty((sets.n_cells, width))
    after = sets.own[sets.first_death + sets.deaths - 1] + 1
    later = np.zeros(width)
    for rows in reversed(list(in_cache(n, width))):
        begin, end = np.searchsorted(bounds, [rows.start, rows.stop], side="right")
        inside = np.unique(np.clip(bounds[begin - 1 : end + 1], rows.start, rows.stop))
        running = of_rows(rows)
        if bounds[end - 1] < rows.stop:
            running[-1] += later
        running = Segments(inside - rows.start).accumulate(running, reverse=True)
        cells = slice(*np.searchsorted(after, [rows.start, rows.stop]))
        running.take(after[cells] - rows.start, axis=0, out=out[cells], mode="clip")
        later = running[0]
    # nobody is left after the last deaths
    last = sets.ranges.bounds[1:][np.diff(sets.ranges.bounds) > 0] - 1
    out[last[np.isin(after[last], bounds)]] = 0.0
    return out


def _tied(
    sets: RiskSets,
    n_terms: np.ndarray,
    R: np.ndarray,
    S0D: np.ndarray,
    R1: np.ndarray,
    S1D: np.ndarray,
) -> Tied:
    cells = sets.tied
    item, tie = expanded(n_terms[cells])
    alive = 1 - tie / n_terms[cells][item]
    at_risk, dying = R[cells], S0D[cells]
    # delta = m0 - xD; where almost all die these means are nearly equal, so they are not subtracted
    xD = S1D / dying[:, None]
    delta = (R1 - at_risk[:, None] * xD) / (at_risk + dying)[:, None]
    phi = at_risk[item] + alive * dying[item]
    return Tied(
        cells=cells,
        R1=R1,
        S1D=S1D,
        delta=delta,
        first=np.flatnonzero(tie == 0),
        alive=alive,
        phi=phi,
        f=(1 - alive) * dying[item] / phi,
    )
