"""Tied cells in which a removal has deaths of its own, before and after it leaves.

There the tie group itself changes: d, the mean weight and the fractions l/d. See
docs/mathematics.md, equations (21) and (22).
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from vifstats.losses.cox.efron_sums import efron_logs, efron_squares, efron_sums
from vifstats.losses.cox.leaving import Deaths
from vifstats.losses.cox.moments import Columns, Moments, moments_of
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import Bins
from vifstats.losses.cox.sums_afresh import others_afresh

__all__ = ["TieChange", "TiedDeaths", "tie_changes", "tied_deaths"]


@dataclass(frozen=True, eq=False)
class Tie:
    """Sums of the cells of some deaths, shape (k,), (k, p) or, of packed pairs, (k, q)."""

    # a, n_terms (k,): coefficient and number of the terms; 0 terms where no death remains
    a: np.ndarray
    n_terms: np.ndarray
    # S0, S0D (k,): r of all at risk, and of those that die; 1 where nobody is
    S0: np.ndarray
    S0D: np.ndarray
    # m0, delta: (k, p)
    m0: np.ndarray
    delta: np.ndarray
    # A0, AD (k, q): S2/S0 and S2D/S0D
    A0: np.ndarray
    AD: np.ndarray

    def take(self, at: np.ndarray) -> "Tie":
        """Some of them."""
        return Tie(*(getattr(self, field.name).take(at, axis=0) for field in fields(self)))

    @cached_property
    def C(self) -> np.ndarray:
        """Sum of f_l over the terms, shape (k,): 0 for Breslow's only term."""
        return efron_sums(self.S0 * self.n_terms / self.S0D, self.n_terms)

    @cached_property
    def Q(self) -> np.ndarray:
        """Sum of f_l^2 over the terms, shape (k,)."""
        return efron_squares(self.S0 * self.n_terms / self.S0D, self.n_terms)

    @cached_property
    def lean(self) -> np.ndarray:
        """a C delta: by how much Efron's terms lean to those that live on, shape (k, p)."""
        return (self.a * self.C)[:, None] * self.delta

    @property
    def logs(self) -> np.ndarray:
        """a sum_l log phi_l, shape (k,)."""
        N = np.maximum(self.n_terms, 1)
        # phi_l = (S0D/N) (g - l) with g = N S0/S0D, so that the logarithms add up to N log(S0D/N)
        # and a quotient of gamma functions. Breslow's only term is log S0: unit S0, g = 1.
        unit = np.where(self.n_terms > 1, self.S0D / N, self.S0)
        return self.a * (self.n_terms * np.log(unit) + efron_logs(self.S0 / unit, self.n_terms))

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
        n = self.n_terms[:, None]
        # n m0 m0' + C (m0 delta' + delta m0') + Q delta delta' is of two products
        total = self.A0 - self.AD
        total *= C
        total += n * self.A0
        total -= m0.take(i, axis=1) * (n * m0 + C * delta).take(j, axis=1)
        total -= delta.take(i, axis=1) * (C * m0 + Q * delta).take(j, axis=1)
        total *= self.a[:, None]
        return total


@dataclass(frozen=True, eq=False)
class TieChange:
    """The deaths that share their cell with others, and the tie with and without them."""

    # int (k,): positions among the deaths given, and among the tied cells
    at: np.ndarray
    position: np.ndarray
    tie: Tie  # of the tied cells
    after: Tie
    # (k,): weight of the deaths that remain
    W_left: np.ndarray
    # (k, p): m0 before minus after
    m0_change: np.ndarray

    @property
    def before(self) -> Tie:
        """The tie with them."""
        return self.tie.take(self.position)


@dataclass(frozen=True, eq=False)
class _Masses:
    """What is at risk in each cell and does not die, what dies, its weight and its number."""

    alive: Moments
    dying: Moments
    W: np.ndarray
    N: np.ndarray

    def take(self, at: np.ndarray) -> "_Masses":
        return _Masses(self.alive.take(at), self.dying.take(at), self.W[at], self.N[at])

    @property
    def S0(self) -> np.ndarray:
        return self.alive.r + self.dying.r

    def tie(self, efron: bool) -> Tie:
        """The tie of these masses; every entry finite, also where nobody remains."""
        some = self.N > 0
        # If nobody dies any more, N = 0 makes every sum 0, as long as no 0/0 comes before it.
        dying = np.where(some, self.dying.r, 1.0)
        S0 = np.where(self.S0 > 0, self.S0, 1.0)
        n_terms = self.N if efron else np.minimum(self.N, 1)
        xD = self.dying.rx / dying[:, None]
        return Tie(
            a=self.W / np.maximum(n_terms, 1),
            n_terms=n_terms,
            S0=S0,
            S0D=dying,
            m0=(self.alive.rx + self.dying.rx) / S0[:, None],
            # m0 - S1D/S0D = (R1 - R S1D/S0D)/S0, for S0 - S0D = R: where almost all who are at risk
            # die, the two means are nearly equal, and R and R1 are small as they should be.
            delta=(self.alive.rx - self.alive.r[:, None] * xD) / S0[:, None],
            A0=(self.alive.rxx + self.dying.rxx) / S0[:, None],
            AD=self.dying.rxx / dying[:, None],
        )


def tie_changes(
    sums: RiskSums, deaths: Deaths, row_code: np.ndarray, columns: Columns
) -> TieChange:
    """Sums of the tied cells with and without each removal that has deaths there.

    `row_code` int (n,); `columns`: the second moments wanted.
    """
    return tied_deaths(sums, deaths, row_code, columns).changes(slice(None))


@dataclass(frozen=True, eq=False)
class TiedDeaths:
    """The deaths that share their cell with others, of which some are taken at once."""

    sums: RiskSums
    deaths: Deaths
    row_code: np.ndarray
    columns: Columns
    # int (k,): positions among the deaths, ascending, and among the tied cells
    at: np.ndarray
    position: np.ndarray
    # of the tied cells: the origin of x, and what is at risk and the tie, all rows present
    origin: np.ndarray
    masses: "_Masses"
    tie: Tie

    def among(self, deaths: slice) -> slice:
        """Which of these are among some of the deaths."""
        return slice(*np.searchsorted(self.at, [deaths.start, deaths.stop]).tolist())

    def changes(self, some: slice) -> TieChange:
        """The sums with and without some of these."""
        sums, at, position = self.sums, self.at[some], self.position[some]
        full, m0 = self.masses.take(position), self.tie.m0.take(position, axis=0)
        origin = self.origin.take(position, axis=0)
        gone = _Gone(self.deaths, at, origin, self.row_code, self.columns)
        dying_left, W_left = gone.from_dying(sums, full)
        alive_left, N_left = gone.from_alive(sums, full), full.N - self.deaths.d[at]
        left = _Masses(alive_left, dying_left, W_left, N_left)
        after = left.tie(sums.efron)
        m0_change = gone.m0_change(full, left, m0, after.m0)
        return TieChange(at, position, self.tie, after, W_left, m0_change)


def tied_deaths(
    sums: RiskSums, deaths: Deaths, row_code: np.ndarray, columns: Columns
) -> TiedDeaths:
    """What `tie_changes` needs of the tied cells, which is made once for each cell."""
    at, position = sums.tied.find(deaths.cell)
    cells = sums.tied.cells
    alive, dying, origin = _ties_about_origins(sums, columns)
    masses = _Masses(alive, dying, sums.W[cells], sums.sets.deaths[cells])
    tie = masses.tie(sums.efron)
    return TiedDeaths(sums, deaths, row_code, columns, at, position, origin, masses, tie)


def _ties_about_origins(sums: RiskSums, columns: Columns) -> tuple[Moments, Moments, np.ndarray]:
    """Who lives on and who dies in each tied cell, with x measured from an origin of the cell.

    The origin affects digits, not results: if one row dominates the cell, the origin is its x.
    """
    cells = sums.tied.cells
    origin = np.zeros((len(cells), sums.X.shape[1]))
    alive = Moments(sums.R[cells], sums.tied.R1.copy(), _second_alive(sums, columns))
    rxx = sums.dying(cells, columns).rxx if len(columns[0]) else np.empty((len(cells), 0))
    dying = Moments(sums.S0D[cells], sums.tied.S1D.copy(), rxx)
    dominated, top = sums.dominated
    here = np.flatnonzero(np.isin(dominated, cells))
    if len(here):
        dominated, top = dominated[here], top[here]
        at = np.searchsorted(cells, dominated)
        origin[at] = sums.X[top]
        others = others_afresh(sums, dominated, top, np.arange(len(sums.r)), columns).moments
        about = others.about(origin[at], columns)
        alive.put(at, Moments(sums.R[dominated], about.rx, about.rxx))
        item, row = sums.dead(dominated)
        moments = moments_of(sums.r[row], sums.X[row] - origin[at[item]], columns)
        dying.put(at, moments.each(Bins(item, len(at)).sums))
    return alive, dying, origin


def _second_alive(sums: RiskSums, columns: Columns) -> np.ndarray:
    """r x x' of the rows at risk in each tied cell that do not die there."""
    cells = sums.tied.cells
    if not len(cells) or not len(columns[0]):
        return np.empty((len(cells), len(columns[0])))
    # Only over the tied cells: (n_cells, q) second moments of all would be the largest array here.
    exposed = sums.sets.exposed.restricted(cells)
    return exposed.scatter(moments_of(sums.r, sums.X, columns).rxx)


@dataclass(frozen=True, eq=False)
class _Gone:
    """What leaves the tied cells, and what is left of who dies and who lives on."""

    deaths: Deaths
    at: np.ndarray
    origin: np.ndarray
    row_code: np.ndarray
    columns: Columns

    @cached_property
    def dying(self) -> Moments:
        return self.deaths.dying(self.at).about(self.origin, self.columns)

    @cached_property
    def alive(self) -> Moments | None:
        if self.deaths.alive is None:
            return None
        return self.deaths.alive.take(self.at).about(self.origin, self.columns)

    def from_dying(self, sums: RiskSums, full: _Masses) -> tuple[Moments, np.ndarray]:
        """Moments and weight of the deaths that remain; afresh where most of it leaves."""
        left, W = full.dying - self.dying, full.W - self.deaths.w[self.at]
        # A difference of sums loses digits only once it is smaller than what was taken away. Only
        # one removal of a cell can hold more than half of the risk, and one of the weight, so
        # summing those afresh stays near-linear.
        most = np.flatnonzero((left.r < 0.5 * full.dying.r) | (W < 0.5 * full.W))
        item, row = sums.dead(self.deaths.cell[self.at[most]])
        stays = self.row_code[row] != self.deaths.code[self.at[most]][item]
        item, row = item[stays], row[stays]
        again = Bins(item, len(most))
        moments = moments_of(sums.r[row], sums.X[row] - self.origin[most[item]], self.columns)
        left.put(most, moments.each(again.sums))
        W[most] = again.sums(sums.w[row])
        return left, W

    def from_alive(self, sums: RiskSums, full: _Masses) -> Moments:
        """Moments of the rows that neither die nor leave; afresh where most of them leave."""
        if self.alive is None:
            return full.alive
        left = full.alive - self.alive
        most = np.flatnonzero(left.r < 0.5 * full.alive.r)
        # `others_afresh` wants distinct ascending cells, and they are distinct: two removals cannot
        # both hold more than half of a cell.
        most = most[np.argsort(self.deaths.cell[self.at[most]])]
        cell, code = self.deaths.cell[self.at[most]], self.deaths.code[self.at[most]]
        others = others_afresh(sums, cell, code, self.row_code, self.columns).moments
        left.put(most, others.about(self.origin[most], self.columns))
        return left

    def m0_change(
        self, full: _Masses, left: _Masses, m0: np.ndarray, m0_left: np.ndarray
    ) -> np.ndarray:
        """m0 - m0', small where the removal is, not by the difference of nearly equal means."""
        gone = self.dying if self.alive is None else self.dying + self.alive
        S0_left = np.where(left.S0 > 0, left.S0, 1.0)
        # m0 - m0' = (g1 - m0 g0)/S0', with g what leaves: as small as that, and right to its last
        # digit. Where most leaves, m0' is summed afresh and the plain difference is exact enough.
        small = (gone.rx - m0 * gone.r[:, None]) / S0_left[:, None]
        return np.where((gone.r <= 0.5 * full.S0)[:, None], small, m0 - m0_left)
