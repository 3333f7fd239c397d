"""The change of the Hessian when rows leave, for the Newton step on the reduced data.

See docs/mathematics.md, equation (20).

Symmetric matrices are packed: only the pairs (i, j) of covariates in ``columns`` are computed,
so that many covariates can be taken a block of pairs at a time.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType

import numpy as np

from vifstats.losses.cox.cell_blocks import short_segments
from vifstats.losses.cox.explicit_pairs import Terms, geometric, left_over
from vifstats.losses.cox.fast import loops
from vifstats.losses.cox.gradient_changes import OwnChange, by_removal
from vifstats.losses.cox.hessian import covariances_about_top
from vifstats.losses.cox.kernels import OnePass
from vifstats.losses.cox.leaving import Deaths, Pieces, leaving
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.power_series import exposure
from vifstats.losses.cox.risk_sums import EveryTerm, RiskSums, sums_at_risk
from vifstats.losses.cox.segment_sums import add_rows, in_cache, put_rows
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tie_changes import tied_deaths
from vifstats.losses.cox.tiles import TermColumns
from vifstats.removals import Removals

__all__ = ["HessianKernel", "hessian_differences"]


@dataclass(frozen=True, eq=False)
class HessianKernel:
    """a [u u' eps/(1 - eps)^2 + (C - V) eps/(1 - eps)], with C the scatter within the piece."""

    sums: RiskSums
    columns: Columns
    in_two_passes = False

    @property
    def width(self) -> int:
        """Number of pairs of covariates."""
        return len(self.columns[0])

    @property
    def table_width(self) -> int:
        """A column for 1, one for each pair, one for k, and p for k m."""
        return 2 + self.sums.X.shape[1] + self.width

    @cached_property
    def A0(self) -> np.ndarray:
        """S2 / S0, shape (n_cells, q)."""
        sums = self.sums
        sets = sums.sets
        compiled = None if sets.late else loops(len(sums.r) * self.width)
        if compiled is not None:
            rows = sets.exposed.hi, sets.own, sets.row_bounds
            cells = sets.deaths, sets.ranges.bounds
            return compiled.second_moments(sums.X, sums.r, self.columns, rows, cells)
        S2 = sums_at_risk(sets, self._squares, self.width)
        first = np.append(sets.first_death, len(sets.own))
        for some in in_cache(*S2.shape):
            start, stop = first[some.start], first[some.stop]
            dying = self._squares(sets.own[start:stop])
            if stop - start > some.stop - some.start:  # ties
                dying = np.add.reduceat(dying, first[some] - start, axis=0)
            S2[some] += dying
            S2[some] /= sums.S0[some, None]
        return S2

    def _squares(self, rows: np.ndarray | slice) -> np.ndarray:
        """r x x' of some rows."""
        i, j = self.columns
        x = self.sums.X[rows]
        squares = x.take(i, axis=1)
        squares *= x.take(j, axis=1)
        squares *= self.sums.r[rows, None]
        return squares

    @cached_property
    def tied_lean(self) -> np.ndarray:
        """A0 - AD of the tied cells."""
        sums = self.sums
        cells = sums.tied.cells
        return self.A0[cells] - sums.dying(cells, self.columns).rxx / sums.S0D[cells, None]

    def one_pass(self, compiled: ModuleType, pieces: Pieces) -> OnePass | None:
        """That of Hessians, of pieces of one x, where no range begins late or is short."""
        ranges, sums = pieces.ranges, self.sums
        if pieces.scatter is not None or not ranges.all_prefix:
            return None
        if short_segments(ranges.bounds, sums.n_terms).any():
            return None
        return partial(compiled.exposed_hessians, (self.A0, self.tied_lean, *self.columns))

    def of_terms(self, terms: EveryTerm) -> TermColumns:
        """a [eps/(1 - eps), (g + eps/(1 - eps)) m m' - eps/(1 - eps) psi2/phi, g, g m].

        g is eps/(1 - eps)^2. This follows from V = psi2/phi - m m', and because g u u' contains
        g m m' once more. It is the same for all removals, which may come in many blocks.
        """
        return self._columns

    @cached_property
    def _columns(self) -> TermColumns:
        i, j = self.columns
        terms = self.sums.terms
        m, q = self.sums.term_means(terms.cell, terms.f), self.width
        plain, grown = np.empty((len(m), 1 + q)), np.empty((len(m), q + 1 + m.shape[1]))
        for some in in_cache(len(m), self.table_width):
            x, squares, a = m[some], grown[some, :q], terms.a[some, None]
            np.multiply(x.take(i, axis=1), x.take(j, axis=1), out=squares)
            np.subtract(squares, self._second(terms.cell[some], terms.f[some]), out=plain[some, 1:])
            plain[some, 0] = grown[some, q] = 1.0
            grown[some, q + 1 :] = x
            plain[some] *= a
            grown[some] *= a
        return TermColumns(self.table_width, plain, grown)

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """x x' kG - x kM' - kM x' + the sums of the last columns + C G."""
        i, j = self.columns
        q, x = self.width, pieces.x[rows]
        G, kG, kM = sums[:, :1], sums[:, 1 + q : 2 + q], sums[:, 2 + q :]
        # eps/(1 - eps)^2 = eps + 2 eps^2 + 3 eps^3 + ...: the part with u u' has a factor k, and
        # that with V has none, so they are summed apart and only read together.
        part = sums[:, 1 : 1 + q].copy()
        half = 0.5 * kG * x - kM  # (half x' + x half') is x x' kG - x kM' - kM x'
        part += half.take(i, axis=1) * x.take(j, axis=1)
        part += x.take(i, axis=1) * half.take(j, axis=1)
        if pieces.scatter is not None:
            part += pieces.scatter[rows] * G
        return part

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, or where eps > 1/2 the whole less those powers."""
        i, j = self.columns
        eps, K = terms.eps, terms.K
        m = self.sums.term_means(terms.cell, terms.f)
        u = pieces.x[terms.piece] - m
        uu = u[:, i] * u[:, j]
        V = self._second(terms.cell, terms.f) - m[:, i] * m[:, j]
        spread = -V if pieces.scatter is None else pieces.scatter[terms.piece] - V
        plain = terms.other < 0
        rest = np.where(plain, 1 - eps, 1.0)
        tail = np.where(plain, eps ** (K + 1) / rest, 0.0)
        # sum of k eps^k over k > K = ((K + 1) - K eps) eps^(K + 1)/(1 - eps)^2
        tail_uu = np.where(plain, ((K + 1) - K * eps) * eps ** (K + 1) / rest**2, 0.0)
        out = tail_uu[:, None] * uu + tail[:, None] * spread
        big = np.flatnonzero(~plain)
        if len(big):
            # V - V' itself where one piece is most of the term: (C - V) eps/(1 - eps) and the u u'
            # part would be two large numbers of opposite sign.
            V_left = left_over(self.sums, terms, big, others, self.columns).covariance(self.columns)
            done, done_uu = geometric(eps[big], K[big])
            out[big] = V[big] - V_left - done_uu[:, None] * uu[big] - done[:, None] * spread[big]
        return terms.a[:, None] * out

    def _second(self, cells: np.ndarray, f: np.ndarray) -> np.ndarray:
        """psi2/phi = A0 + (A0 - AD) f of terms."""
        second = self.A0.take(cells, axis=0)
        found, at = self.sums.tied.find(cells)
        lean = self.tied_lean.take(at, axis=0)
        lean *= f[found, None]
        add_rows(second, found, lean)
        return second


def hessian_differences(kernel: HessianKernel, removals: Removals) -> np.ndarray:
    """H - H_-i for the pairs of covariates of the kernel, shape (n_removals, q)."""
    sums = kernel.sums
    row_code = removals.codes_in(sums.sets.order)
    pieces, deaths = leaving(sums, row_code, removals.single, kernel.columns)
    taken = exposure(sums, pieces, kernel, row_code)
    own = _own_hessian(kernel, deaths, row_code)
    return by_removal(taken, pieces, own, deaths, len(removals))


def _own_hessian(kernel: HessianKernel, deaths: Deaths, row_code: np.ndarray) -> OwnChange:
    """a sum_l V_l of the cells of the deaths, before less after."""
    i, j = kernel.columns
    sums = kernel.sums
    ties = tied_deaths(sums, deaths, row_code, kernel.columns)
    whole = ties.tie.curvature(kernel.columns)  # one for all deaths of a cell
    dominated, top = sums.dominated
    # A0 - m0 m0' is next to nothing where one row is nearly all of the risk set.
    exact = np.empty((0, len(i)))
    if len(dominated):
        exact = covariances_about_top(sums, dominated, top, kernel.columns)

    def alone(cell: np.ndarray) -> np.ndarray:
        # A cell with one death: a V, all of which goes, for without its death there is no term.
        m0, own = sums.m0.take(cell, axis=0), kernel.A0.take(cell, axis=0)
        own -= m0.take(i, axis=1) * m0.take(j, axis=1)
        own *= sums.a[cell, None]
        if len(dominated):
            at = np.minimum(np.searchsorted(dominated, cell), len(dominated) - 1)
            found = np.flatnonzero(dominated[at] == cell)
            own[found] = exact[at[found]]
        return own

    def change(some: slice) -> np.ndarray:
        cell, tied = deaths.cell[some], ties.among(some)
        if tied.start == tied.stop:
            return alone(cell)
        tie, own = ties.changes(tied), np.empty((len(cell), len(i)))
        at = tie.at - some.start
        put_rows(own, at, whole.take(tie.position, axis=0) - tie.after.curvature(kernel.columns))
        others = np.delete(np.arange(len(cell)), at)
        put_rows(own, others, alone(cell[others]))
        return own

    return change
