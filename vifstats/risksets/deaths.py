"""Tied cells in which a removal has deaths of its own, before and after it leaves.

There the tie group itself changes: d, the mean weight and the fractions l/d.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.risksets.moments import Columns, Moments, moments_of
from vifstats.risksets.others import others_afresh
from vifstats.risksets.running import Bins
from vifstats.risksets.subjects import Deaths
from vifstats.risksets.sums import RiskSums
from vifstats.risksets.ties import efron_sums

__all__ = ["TieChange", "tie_changes"]


@dataclass(frozen=True, eq=False)
class Tie:
    """Sums of the cells of some deaths, shape (k,), (k, p) or, of packed pairs, (k, q).

    Attributes
    ----------
    a, n_terms : ndarray, shape (k,)
        Coefficient and number of the terms; 0 terms where no death remains.
    S0 : ndarray, shape (k,)
        r of all at risk, 1 where nobody is.
    m0, delta : ndarray, shape (k, p)
    C, Q : ndarray, shape (k,)
        Sums of f_l and f_l^2 over the terms.
    A0, AD : ndarray, shape (k, q)
        S2/S0 and S2D/S0D.
    """

    a: np.ndarray
    n_terms: np.ndarray
    S0: np.ndarray
    m0: np.ndarray
    delta: np.ndarray
    C: np.ndarray
    Q: np.ndarray
    A0: np.ndarray
    AD: np.ndarray

    @property
    def lean(self) -> np.ndarray:
        """a C delta: by how much Efron's terms lean to those that live on, shape (k, p)."""
        return (self.a * self.C)[:, None] * self.delta

    @property
    def hazard(self) -> np.ndarray:
        """a sum_l 1/phi_l, shape (k,)."""
        return self.a * (self.n_terms + self.C) / self.S0

    @property
    def hazard_mean(self) -> np.ndarray:
        """a sum_l m_l/phi_l, minus the derivative of the hazard in theta, shape (k, p)."""
        lean = (self.C + self.Q)[:, None] * self.delta
        total = (self.n_terms + self.C)[:, None] * self.m0 + lean
        return (self.a / self.S0)[:, None] * total

    def curvature(self, columns: Columns) -> np.ndarray:
        """a sum_l V_l, packed, shape (k, q)."""
        i, j = columns
        m0, delta, C, Q = self.m0, self.delta, self.C[:, None], self.Q[:, None]
        total = self.n_terms[:, None] * (self.A0 - m0[:, i] * m0[:, j])
        total += C * (self.A0 - self.AD - m0[:, i] * delta[:, j] - delta[:, i] * m0[:, j])
        total -= Q * delta[:, i] * delta[:, j]
        return self.a[:, None] * total


@dataclass(frozen=True, eq=False)
class TieChange:
    """The deaths that share their cell with others, and the tie with and without them.

    Attributes
    ----------
    at : ndarray of int, shape (k,)
        Positions among the deaths given.
    before, after : Tie
    W_left : ndarray, shape (k,)
        Weight of the deaths that remain.
    m0_change : ndarray, shape (k, p)
        m0 before minus after.
    """

    at: np.ndarray
    before: Tie
    after: Tie
    W_left: np.ndarray
    m0_change: np.ndarray


@dataclass(frozen=True, eq=False)
class _Masses:
    """What is at risk in each cell and does not die, what dies, its weight and its number."""

    alive: Moments
    dying: Moments
    W: np.ndarray
    N: np.ndarray

    @property
    def S0(self) -> np.ndarray:
        return self.alive.r + self.dying.r

    def tie(self, efron: bool) -> Tie:
        """The tie of these masses; every entry finite, also where nobody remains."""
        some = self.N > 0
        dying = np.where(some, self.dying.r, 1.0)
        S0 = np.where(self.S0 > 0, self.S0, 1.0)
        n_terms = self.N if efron else np.minimum(self.N, 1)
        xD = self.dying.rx / dying[:, None]
        C, Q = np.zeros((2, len(some)))
        if efron:
            C[some], Q[some] = efron_sums((S0 * self.N / dying)[some], self.N[some])
        return Tie(
            a=self.W / np.maximum(n_terms, 1),
            n_terms=n_terms,
            S0=S0,
            m0=(self.alive.rx + self.dying.rx) / S0[:, None],
            delta=(self.alive.rx - self.alive.r[:, None] * xD) / S0[:, None],
            C=C,
            Q=Q,
            A0=(self.alive.rxx + self.dying.rxx) / S0[:, None],
            AD=self.dying.rxx / dying[:, None],
        )


def tie_changes(
    sums: RiskSums, deaths: Deaths, row_code: np.ndarray, columns: Columns
) -> TieChange:
    """Sums of the tied cells with and without each removal that has deaths there.

    Parameters
    ----------
    sums : RiskSums
    deaths : Deaths
    row_code : ndarray of int, shape (n,)
    columns : pair of ndarray of int
        The second moments wanted.

    Returns
    -------
    TieChange
    """
    at, position = sums.tied.find(deaths.cell)
    cell = deaths.cell[at]
    dying = sums.dying(sums.tied.cells, columns).take(position)
    alive = _alive_in_ties(sums, columns).take(position)
    full = _Masses(alive, dying, sums.W[cell], sums.sets.deaths[cell])
    dying_left, W_left = _dying_left(sums, full, deaths, at, row_code, columns)
    alive_left = _alive_left(sums, full, deaths, at, row_code, columns)
    left = _Masses(alive_left, dying_left, W_left, full.N - deaths.d[at])
    before, after = full.tie(sums.efron), left.tie(sums.efron)
    return TieChange(at, before, after, W_left, _m0_change(full, left, before, after, deaths, at))


def _alive_in_ties(sums: RiskSums, columns: Columns) -> Moments:
    """Moments of the rows at risk in each tied cell that do not die there."""
    cells = sums.tied.cells
    if not len(columns[0]):
        return Moments(sums.R[cells], sums.tied.R1, np.empty((len(cells), 0)))
    exposed = sums.sets.exposed.restricted(cells)
    rxx = moments_of(sums.r, sums.X, columns).rxx
    return Moments(sums.R[cells], sums.tied.R1, exposed.scatter(rxx))


def _m0_change(
    full: _Masses, left: _Masses, before: Tie, after: Tie, deaths: Deaths, at: np.ndarray
) -> np.ndarray:
    """m0 - m0', small where the removal is, without the difference of two nearly equal means."""
    gone = deaths.dying.take(at)
    if deaths.alive is not None:
        gone = gone + deaths.alive.take(at)
    S0_left = np.where(left.S0 > 0, left.S0, 1.0)
    small = (gone.rx - before.m0 * gone.r[:, None]) / S0_left[:, None]
    return np.where((gone.r <= 0.5 * full.S0)[:, None], small, before.m0 - after.m0)


def _dying_left(
    sums: RiskSums,
    full: _Masses,
    deaths: Deaths,
    at: np.ndarray,
    row_code: np.ndarray,
    columns: Columns,
) -> tuple[Moments, np.ndarray]:
    """Moments and weight of the deaths that remain; summed afresh where most of it leaves."""
    left, W = full.dying - deaths.dying.take(at), full.W - deaths.w[at]
    most = np.flatnonzero((left.r < 0.5 * full.dying.r) | (W < 0.5 * full.W))
    item, row = sums.dead(deaths.cell[at[most]])
    stays = row_code[row] != deaths.code[at[most]][item]
    item, row = item[stays], row[stays]
    again = Bins(item, len(most))
    left.put(most, moments_of(sums.r[row], sums.X[row], columns).each(again.sums))
    W[most] = again.sums(sums.w[row])
    return left, W


def _alive_left(
    sums: RiskSums,
    full: _Masses,
    deaths: Deaths,
    at: np.ndarray,
    row_code: np.ndarray,
    columns: Columns,
) -> Moments:
    """Moments of the rows that neither die nor leave; afresh where most of them leave."""
    if deaths.alive is None:
        return full.alive
    left = full.alive - deaths.alive.take(at)
    most = np.flatnonzero(left.r < 0.5 * full.alive.r)
    most = most[np.argsort(deaths.cell[at[most]])]
    cell, code = deaths.cell[at[most]], deaths.code[at[most]]
    left.put(most, others_afresh(sums, cell, code, row_code, columns).moments)
    return left
