"""Tied cells in which a removal has deaths of its own, before and after it leaves.

There the tie group itself changes: d, the mean weight and the fractions l/d.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.risksets.exposure import others_afresh
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
    m0, delta : ndarray, shape (k, p)
    C, Q : ndarray, shape (k,)
        Sums of f_l and f_l^2 over the terms.
    A0, AD : ndarray, shape (k, q) or None
        S2/S0 and S2D/S0D.
    """

    a: np.ndarray
    n_terms: np.ndarray
    m0: np.ndarray
    delta: np.ndarray
    C: np.ndarray
    Q: np.ndarray
    A0: np.ndarray | None
    AD: np.ndarray | None

    @property
    def lean(self) -> np.ndarray:
        """a C delta: by how much Efron's terms lean to those that live on, shape (k, p)."""
        return (self.a * self.C)[:, None] * self.delta

    def curvature(self, columns: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
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
    """Sums of r, r x and r x x' over the rows at risk that do not die, and over those that do."""

    R: np.ndarray
    R1: np.ndarray
    R2: np.ndarray | None
    S0D: np.ndarray
    S1D: np.ndarray
    S2D: np.ndarray | None
    W: np.ndarray
    N: np.ndarray

    @property
    def S0(self) -> np.ndarray:
        return self.R + self.S0D

    def tie(self, efron: bool) -> Tie:
        """The tie of these masses; every entry finite, also where nobody remains."""
        some = self.N > 0
        dying = np.where(some, self.S0D, 1.0)
        S0 = np.where(self.S0 > 0, self.S0, 1.0)
        n_terms = self.N if efron else np.minimum(self.N, 1)
        xD = self.S1D / dying[:, None]
        C, Q = np.zeros((2, len(some)))
        if efron:
            C[some], Q[some] = efron_sums((S0 * self.N / dying)[some], self.N[some])
        return Tie(
            a=self.W / np.maximum(n_terms, 1),
            n_terms=n_terms,
            m0=(self.R1 + self.S1D) / S0[:, None],
            delta=(self.R1 - self.R[:, None] * xD) / S0[:, None],
            C=C,
            Q=Q,
            A0=None if self.R2 is None else (self.R2 + self.S2D) / S0[:, None],
            AD=None if self.S2D is None else self.S2D / dying[:, None],
        )


def tie_changes(
    sums: RiskSums,
    deaths: Deaths,
    row_code: np.ndarray,
    packed: np.ndarray | None = None,
    R2: np.ndarray | None = None,
) -> TieChange:
    """Sums of the tied cells with and without each removal that has deaths there.

    Parameters
    ----------
    sums : RiskSums
    deaths : Deaths
    row_code : ndarray of int, shape (n,)
    packed : ndarray, shape (n, q), optional
        r x x' of each row, for the curvature.
    R2 : ndarray, shape (n_cells, q), optional
        Its sum over the rows at risk that do not die.

    Returns
    -------
    TieChange
    """
    at, position = sums.tied.find(deaths.cell)
    cell = deaths.cell[at]
    full = _Masses(
        R=sums.R[cell],
        R1=sums.tied.R1[position],
        R2=None if R2 is None else R2[cell],
        S0D=sums.S0D[cell],
        S1D=sums.tied.S1D[position],
        S2D=None if packed is None else sums.sets.by_death.sums(packed[sums.sets.own])[cell],
        W=sums.W[cell],
        N=sums.sets.deaths[cell],
    )
    left = _without(sums, full, deaths, at, row_code, packed)
    before, after = full.tie(sums.efron), left.tie(sums.efron)
    return TieChange(at, before, after, left.W, _m0_change(full, left, before, after, deaths, at))


def _m0_change(
    full: _Masses, left: _Masses, before: Tie, after: Tie, deaths: Deaths, at: np.ndarray
) -> np.ndarray:
    """m0 - m0', small where the removal is, without the difference of two nearly equal means."""
    r, rx = deaths.r[at], deaths.rx[at]
    if deaths.r_other is not None:
        r, rx = r + deaths.r_other[at], rx + deaths.rx_other[at]
    S0_left = np.where(left.S0 > 0, left.S0, 1.0)
    small = (rx - before.m0 * r[:, None]) / S0_left[:, None]
    return np.where((r <= 0.5 * full.S0)[:, None], small, before.m0 - after.m0)


def _without(
    sums: RiskSums,
    full: _Masses,
    deaths: Deaths,
    at: np.ndarray,
    row_code: np.ndarray,
    packed: np.ndarray | None,
) -> _Masses:
    dead = _dead_left(sums, full, deaths, at, row_code, packed)
    alive = _alive_left(sums, full, deaths, at, row_code, packed)
    return _Masses(*alive, *dead, N=full.N - deaths.d[at])


def _dead_left(
    sums: RiskSums,
    full: _Masses,
    deaths: Deaths,
    at: np.ndarray,
    row_code: np.ndarray,
    packed: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """S0D, S1D, S2D and W of the deaths that remain; summed afresh where most of it leaves."""
    S0D, W = full.S0D - deaths.r[at], full.W - deaths.w[at]
    S1D = full.S1D - deaths.rx[at]
    S2D = None if packed is None else full.S2D - deaths.rxx[at]
    most = np.flatnonzero((S0D < 0.5 * full.S0D) | (W < 0.5 * full.W))
    item, row = sums.dead(deaths.cell[at[most]])
    stays = row_code[row] != deaths.code[at[most]][item]
    item, row = item[stays], row[stays]
    again = Bins(item, len(most))
    S0D[most], W[most] = again.sums(sums.r[row]), again.sums(sums.w[row])
    S1D[most] = again.sums(sums.r[row, None] * sums.X[row])
    if packed is not None:
        S2D[most] = again.sums(packed[row])
    return S0D, S1D, S2D, W


def _alive_left(
    sums: RiskSums,
    full: _Masses,
    deaths: Deaths,
    at: np.ndarray,
    row_code: np.ndarray,
    packed: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """R, R1, R2 of the rows that neither die nor leave."""
    if deaths.r_other is None:
        return full.R, full.R1, full.R2
    R, R1 = full.R - deaths.r_other[at], full.R1 - deaths.rx_other[at]
    R2 = None if packed is None else full.R2 - deaths.rxx_other[at]
    most = np.flatnonzero(R < 0.5 * full.R)
    most = most[np.argsort(deaths.cell[at[most]])]
    cell, code = deaths.cell[at[most]], deaths.code[at[most]]

    def moments(rows: np.ndarray) -> list[np.ndarray]:
        rx = sums.r[rows, None] * sums.X[rows]
        return [rx] if packed is None else [rx, packed[rows]]

    afresh = others_afresh(sums, cell, code, row_code, moments).sums
    R[most], R1[most] = afresh[0], afresh[1]
    if packed is not None:
        R2[most] = afresh[2]
    return R, R1, R2
