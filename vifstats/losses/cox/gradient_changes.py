"""The change of the gradient when rows leave: finite (VIF) and as a derivative (classical IF).

See docs/mathematics.md, equations (19) to (22).
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from vifstats.losses.cox.explicit_pairs import Terms, geometric, left_over
from vifstats.losses.cox.fast import loops
from vifstats.losses.cox.kernels import OnePass
from vifstats.losses.cox.leaving import Deaths, Pieces, leaving
from vifstats.losses.cox.moments import NO_PAIRS
from vifstats.losses.cox.power_series import exposure
from vifstats.losses.cox.risk_sums import EveryTerm, RiskSums
from vifstats.losses.cox.segment_sums import Bins, add_rows, in_cache, permute
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tie_changes import tied_deaths
from vifstats.losses.cox.tiles import Columns, Powers, TermColumns, TileTerms, Weights
from vifstats.removals import Removals

__all__ = ["OwnChange", "by_removal", "gradient_differences", "mean_hazards", "weight_gradients"]

# From some of the deaths to the changes in their own cells, (some, width)
OwnChange = Callable[[slice], np.ndarray]


@dataclass(frozen=True, eq=False)
class GradientKernel:
    """a u eps/(1 - eps), with u = x - m."""

    sums: RiskSums
    columns = NO_PAIRS
    in_two_passes = True

    @property
    def width(self) -> int:
        """Number of covariates."""
        return self.sums.X.shape[1]

    @property
    def table_width(self) -> int:
        """One column for 1, and p for m."""
        return self.width + 1

    def one_pass(self, compiled: ModuleType, pieces: Pieces) -> OnePass | None:
        """That of gradients, where no range begins late."""
        return compiled.exposed_gradients if pieces.ranges.all_prefix else None

    def of_terms(self, terms: EveryTerm) -> Columns:
        """a eps/(1 - eps) [1, m_l]; made once where blocks are read from both ends."""
        columns = _MeanColumns(self.table_width, self.sums, terms)
        return columns.of_all() if self.sums.sets.late else columns

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """x G - M, with G and M the sums of r^k G_k and r^k M_k."""
        part = pieces.x[rows] * sums[:, :1]
        part -= sums[:, 1:]
        return part

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """a u eps^(K+1)/(1 - eps), or where eps > 1/2 the whole less the powers summed."""
        x, eps, K = pieces.x[terms.piece], terms.eps, terms.K
        u = x - self.sums.term_means(terms.cell, terms.f)
        plain = terms.other < 0
        tail = np.where(plain, eps ** (K + 1) / np.where(plain, 1 - eps, 1.0), 0.0)
        out = (terms.a * tail)[:, None] * u
        big = np.flatnonzero(~plain)
        if len(big):
            # u/(1 - eps) = x - m' exactly, m' being the mean of those who stay. It is summed over
            # them, so no 1 - eps is formed from an eps near 1; then the powers already added are
            # taken off.
            mean = left_over(self.sums, terms, big, others, NO_PAIRS).mean()
            done, _ = geometric(eps[big], K[big])
            out[big] = terms.a[big, None] * (
                eps[big, None] * (x[big] - mean) - done[:, None] * u[big]
            )
        return out


@dataclass(frozen=True, eq=False)
class _MeanColumns:
    """a [1, m_l] of terms, made for some tiles at a time: those of all would be as large as X."""

    width: int
    sums_of_cells: RiskSums
    terms: EveryTerm

    def sums(self, weights: Weights | Powers, terms: TileTerms) -> np.ndarray:
        """As of `Columns`."""
        columns = self._of(terms.at.ravel())
        return weights.plain_sums(columns.reshape(*terms.at.shape, -1))

    def of_all(self) -> TermColumns:
        """Made for all terms."""
        columns = np.empty((len(self.terms.a), self.width))
        for some in in_cache(*columns.shape):
            columns[some] = self._of(np.arange(some.start, some.stop))
        return TermColumns(self.width, columns)

    def _of(self, at: np.ndarray) -> np.ndarray:
        """Of some terms, int (k,), shape (k, width)."""
        a, cell = self.terms.a.take(at)[:, None], self.terms.cell.take(at)
        columns = np.empty((len(at), self.width))
        columns[:, :1] = a
        means = self.sums_of_cells.term_means(cell, self.terms.f.take(at))
        np.multiply(means, a, out=columns[:, 1:])
        return columns


def gradient_differences(sums: RiskSums, removals: Removals) -> np.ndarray:
    """D_i = grad L(theta, 1) - grad L(theta, 1_-i), shape (n_removals, p)."""
    row_code = removals.codes_in(sums.sets.order)
    pieces, deaths = leaving(sums, row_code, removals.single, NO_PAIRS)
    taken = exposure(sums, pieces, GradientKernel(sums), row_code)
    own = _own_gradient(sums, deaths, row_code)
    return by_removal(taken, pieces, own, deaths, len(removals))


def _own_gradient(sums: RiskSums, deaths: Deaths, row_code: np.ndarray) -> OwnChange:
    """-sum w (x - m0), and in a tie W' (m0 - m0') + a C delta - a' C' delta'."""
    ties = tied_deaths(sums, deaths, row_code, NO_PAIRS)

    def change(some: slice) -> np.ndarray:
        own = deaths.w[some, None] * sums.m0.take(deaths.cell[some], axis=0)
        own -= deaths.wx(some)
        tied = ties.among(some)
        if tied.start < tied.stop:
            tie = ties.changes(tied)
            in_tie = tie.W_left[:, None] * tie.m0_change - tie.after.lean
            in_tie += ties.tie.lean.take(ties.position[tied], axis=0)
            own[tie.at - some.start] += in_tie
        return own

    return change


def mean_hazards(sums: RiskSums) -> np.ndarray:
    """a sum_l [1, m_l]/phi_l of each cell, shape (n_cells, 1 + p)."""
    tied, powers = sums.tied, sums.power_sums(1)
    out = np.empty((sums.sets.n_cells, 1 + sums.X.shape[1]))
    out[:, 0] = powers.Z
    np.multiply(sums.m0, powers.Z[:, None], out=out[:, 1:])
    # m_l = m0 + delta f_l: only a tie has a second part.
    out[tied.cells, 1:] += powers.F[:, None] * tied.delta
    return out


def weight_gradients(sums: RiskSums, removals: Removals) -> np.ndarray:
    """d/db_i of grad L at b = 1 with the tie counts held, summed by removal: (n_removals, p)."""
    rows, own = _exposed_weight_gradient(sums), sums.sets.own
    of_cells = _own_sums(sums)
    for some in in_cache(len(own), rows.shape[1]):
        add_rows(rows, own[some], _own_weight_gradient(sums, some, *of_cells))
    permute(rows, sums.sets.order)
    return removals.sums(rows)


def _exposed_weight_gradient(sums: RiskSums) -> np.ndarray:
    """r a sum_l (x - m_l)/phi_l over the cells at which each row is exposed, (n, p)."""
    G, rows = sums.sets.exposed.gather(mean_hazards(sums)), np.empty_like(sums.X)
    for some in in_cache(len(rows), rows.shape[1]):
        part = sums.X[some] * G[some, :1]
        part -= G[some, 1:]
        np.multiply(part, sums.r[some, None], out=rows[some])
    return rows


def _own_sums(sums: RiskSums) -> tuple[np.ndarray, ...]:
    """a sum_l (1 - l/d)/phi_l of each cell; the mean of f_l, and a sum_l (1 - l/d) f_l/phi_l, of
    the tied ones.
    """
    tied = sums.tied
    mean_f = tied.sums(tied.f) / sums.n_terms[tied.cells]
    return sums.own_hazard(), mean_f, sums.a[tied.cells] * tied.sums(tied.alive * tied.f / tied.phi)


def _own_weight_gradient(
    sums: RiskSums, some: slice, hazard: np.ndarray, mean_f: np.ndarray, share_f: np.ndarray
) -> np.ndarray:
    """w (mean of m_l - x) + a sum_l (1 - l/d) eps_l (x - m_l) of some deaths, (k, p)."""
    own, cell, tied = sums.sets.own[some], sums.sets.cell_of_event[some], sums.tied
    w, r = sums.w[own], sums.r[own]
    # With m_l = m0 + delta f_l both sums part into one along x - m0, which every cell has, and one
    # along delta, which only a tie has.
    out = sums.X.take(own, axis=0)
    out -= sums.m0.take(cell, axis=0)
    out *= (r * hazard[cell] - w)[:, None]
    found, at = tied.find(cell)
    along = w[found] * mean_f[at] - r[found] * share_f[at]
    out[found] += along[:, None] * tied.delta[at]
    return out


def by_removal(
    taken: np.ndarray, pieces: Pieces, own: OwnChange, deaths: Deaths, n: int
) -> np.ndarray:
    """Add up what the pieces and the deaths of each removal change, shape (n, width)."""
    if deaths.piece is None:
        every = own(slice(0, len(deaths.code)))
        return Bins(pieces.code, n).sums(taken) + Bins(deaths.code, n).sums(every)
    for some in in_cache(len(deaths.piece), taken.shape[1]):
        taken[deaths.piece[some]] += own(some)
    if not pieces.distinct:
        return Bins(pieces.code, n).sums(taken)
    if len(taken) < n:
        out = np.zeros((n, taken.shape[1]))
        out[pieces.code] = taken
        return out
    if (pieces.code[1:] > pieces.code[:-1]).all():
        return taken
    compiled = loops(taken.size)
    (permute if compiled is None else compiled.permute)(taken, pieces.code)
    return taken
