"""The loss and its derivatives on many reduced data sets at once, each at its own theta.

Exact refits take a block of removals together: a column for each, in which the removed rows have
r = 0. The gradient needs no mean of a risk set: it is X' rho less a constant, with rho_j = r_j
times the hazard that row j was exposed to; so a block costs a few sums and one matrix product.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from vifstats.losses.cox.fast import loops
from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.cox.segment_sums import CACHE, add_rows, expanded, gram, in_cache, slices_of
from vifstats.removals import Removals

__all__ = ["Batch"]

# Pairs of covariates by row, and means by removal, are held in blocks of this many numbers (4 MB).
BLOCK_NUMBERS = 500_000
# Fewer removals take one matrix product each; from this number on they share the products of
# covariates.
FEW = 8
# A refit evaluates the loss about this often, which counts for whether loading loops pays.
EVALUATIONS = 10


@dataclass(frozen=True, eq=False)
class Batch:
    """k reduced data sets at k thetas.

    Attributes
    ----------
    sets : RiskSets
    X : ndarray, shape (n, p)
        In sorted order, centred by stratum.
    w, offset : ndarray, shape (n,)
    efron : bool
    thetas : ndarray, shape (k, p)
    removals : Removals
        Of rows in the user's order.
    """

    sets: RiskSets
    X: np.ndarray
    w: np.ndarray
    offset: np.ndarray
    efron: bool
    thetas: np.ndarray
    removals: Removals
    # whether risk sets are sums of r over those who are at risk, and no more
    sweeps: ClassVar[bool] = True

    @cached_property
    def _gone(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorted row and column of every removed row."""
        code = self.removals.codes[self.sets.order]
        row = np.flatnonzero(code >= 0)
        return row, code[row]

    @cached_property
    def _gone_deaths(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, column and cell of every removed death."""
        row, column = self._gone
        died = self.sets.event[row]
        return row[died], column[died], self.sets.ranges.hi[row[died]] - 1

    @cached_property
    def _of_rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """r (n, k), `shifts`, and w z summed over the deaths that are left, (k,).

        z is the linear predictor less the shift. It becomes r where it stands: another array of
        this size takes as long as what is computed.
        """
        eta, shifts = self._predictors()
        died, weighted = np.where(self.sets.event, self.w, 0.0), bool((self.w != 1).any())
        observed = np.zeros(len(self.thetas))
        for some in in_cache(*eta.shape):
            z = eta[some]
            z -= shifts if len(shifts) == 1 else shifts.take(self.sets.stratum[some], axis=0)
            observed += died[some] @ z
            np.exp(z, out=z)
            if weighted:
                z *= self.w[some, None]
        eta[self._gone] = 0.0
        return eta, shifts, observed

    def _predictors(self) -> tuple[np.ndarray, np.ndarray]:
        """Linear predictors (n, k), the shift where the row is gone, and `shifts`."""
        eta, begins = self.X @ self.thetas.T, self.sets.row_bounds[:-1]
        if self.offset.any():
            eta += self.offset[:, None]
        eta[self._gone] = -np.inf
        one = len(begins) == 1
        largest = eta.max(axis=0)[None] if one else np.maximum.reduceat(eta, begins, axis=0)
        shifts = np.where(np.isfinite(largest), largest, 0.0)
        row, column = self._gone
        eta[row, column] = shifts[self.sets.stratum[row], column]
        return eta, shifts

    @property
    def shifts(self) -> np.ndarray:
        """The largest linear predictor of the rows present in each stratum, shape (n_strata, k)."""
        return self._of_rows[1]

    @property
    def _r(self) -> np.ndarray:
        return self._of_rows[0]

    def _risk_sums(self, rows: np.ndarray, part: slice = slice(None)) -> np.ndarray:
        """Sums of rows (n, k) over who is at risk and does not die, (n_cells, k)."""
        return self.sets.exposed.scatter(rows)

    def _exposures(self, cells: np.ndarray) -> np.ndarray:
        """Its transpose: sums of cells (n_cells, k) over those at which each row is, (n, k)."""
        return self.sets.exposed.gather(cells)

    @cached_property
    def _R(self) -> np.ndarray:
        return self._risk_sums(self._r)

    @cached_property
    def _S0D(self) -> np.ndarray:
        return self.sets.dying.sums(self._r)

    @cached_property
    def _W(self) -> np.ndarray:
        W = np.repeat(self.sets.by_death.sums(self.w[self.sets.own])[:, None], len(self.thetas), 1)
        row, column, cell = self._gone_deaths
        np.subtract.at(W, (cell, column), self.w[row])
        W[self._N == 0] = 0.0
        return W

    @cached_property
    def _N(self) -> np.ndarray:
        """Deaths of each cell that remain."""
        N = np.repeat(self.sets.deaths[:, None], len(self.thetas), 1)
        _, column, cell = self._gone_deaths
        np.subtract.at(N, (cell, column), 1)
        return N

    @cached_property
    def _a(self) -> np.ndarray:
        return self._W / np.maximum(self._N, 1) if self.efron else self._W

    @cached_property
    def _tied(self) -> "_TiedBatch":
        """The terms of all tied cells."""
        return self._terms(self._tied_cells)

    @property
    def _tied_cells(self) -> np.ndarray:
        return self.sets.tied if self.efron else self.sets.tied[:0]

    def _terms(self, cells: np.ndarray) -> "_TiedBatch":
        """The terms of some tied cells, int (m,)."""
        deaths, N, dying = (values[cells] for values in (self.sets.deaths, self._N, self._S0D))
        item, tie = expanded(deaths)
        gone = (dying / np.maximum(N, 1)).take(item, axis=0)
        gone *= tie[:, None]
        phi = (self._R[cells] + dying).take(item, axis=0)
        phi -= gone
        # of cells with fewer deaths left, the last terms are no more; they are few
        cell, column = np.nonzero(deaths[:, None] > N)
        fewer, number = expanded(deaths[cell] - N[cell, column])
        first = np.cumsum(deaths) - deaths
        none = first[cell][fewer] + N[cell, column][fewer] + number, column[fewer]
        phi[none], gone[none] = 1.0, 0.0
        inverse = 1 / phi
        gone *= inverse
        inverse[none] = 0.0
        return _TiedBatch(cells, first, phi, inverse, gone)

    @cached_property
    def _S0(self) -> np.ndarray:
        """S0, and 1 where nobody is left."""
        S0 = self._R + self._S0D
        return np.where(self._N > 0, S0, 1.0)

    @cached_property
    def values(self) -> np.ndarray:
        """The losses, without penalty, shape (k,)."""
        return np.einsum("tk,tk->k", self._a, self._of_cells[0]) - self._of_rows[2]

    @property
    def hazards(self) -> np.ndarray:
        """a sum_l 1/phi_l, what each cell adds to the cumulative hazard, shape (n_cells, k).

        For the stratum's mean covariates, and in units of exp(-shift).
        """
        return self._of_cells[1]

    def _rho(self, some: slice = slice(None)) -> np.ndarray:
        """r times the hazard that each of some rows was exposed to, shape (m, k)."""
        if self._of_cells[3] is not None:
            return self._of_cells[3][some]
        rho = self._met.take(self.sets.end[some], axis=0)
        rho *= self._r[some]
        return rho

    @cached_property
    def _met(self) -> np.ndarray:
        """The hazard met by who lives on in each cell, by who dies there, and by nobody.

        Of rows that are at risk from the beginning, shape (2 n_cells + 1, k): see `RiskSets.end`.
        """
        segments, n = self.sets.exposed.segments, self.sets.n_cells
        met = np.zeros((2 * n + 1, len(self.thetas)))
        alive, dying = met[:n], met[n : 2 * n]
        alive[:] = segments.accumulate(self.hazards)
        dying[1:] = alive[:-1]
        dying[segments.bounds[:-1][np.diff(segments.bounds) > 0]] = 0.0
        dying += self._of_cells[2]
        return met

    @cached_property
    def _of_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """sum_l log phi_l, a sum_l 1/phi_l and a sum_l (1 - l/d)/phi_l, (n_cells, k), and rho.

        The third is what each cell adds for its own deaths. rho is None where some rows at a time
        read it from the others.
        """
        sets, compiled = self.sets, loops(EVALUATIONS * self._r.size)
        early = self.sweeps and not sets.late
        if compiled is None or not early:
            logs, hazards, own = self._of_ties()
            return logs, hazards, own, None if early else self._rho_of(hazards, own)
        n_terms, N = sets.deaths, self._N
        if not self.efron:
            n_terms, N = np.minimum(n_terms, 1), np.minimum(N, 1)
        S0, logs, hazards, own, rho = compiled.swept(
            self._r,
            (sets.exposed.hi, sets.own, sets.row_bounds),
            (n_terms, sets.deaths, sets.exposed.bounds),
            N,
            self._a,
        )
        logs += N * np.log(S0)
        return logs, hazards, own, rho

    def _rho_of(self, hazards: np.ndarray, own: np.ndarray) -> np.ndarray:
        """rho of all rows, wherever their ranges begin."""
        rho = self._exposures(hazards)
        add_rows(rho, self.sets.own, own.take(self.sets.cell_of_event, axis=0))
        rho *= self._r
        return rho

    def _of_ties(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As the first three of `_of_cells`: one term a cell, then those of cells with several."""
        logs, hazards = np.log(self._S0), self._a / self._S0
        own, cells = hazards.copy(), self._tied_cells
        # a dozen steps, each over terms that stay in cache
        for some in slices_of(self.sets.deaths[cells], CACHE // max(1, len(self.thetas))):
            tied = self._terms(at := cells[some])
            a, dying = self._a[at], self._S0D[at]
            logs[at] = tied.sums(np.log(tied.phi))
            hazards[at] = a * tied.sums(tied.inverse)
            # (1 - l/d)/phi_l = (1 - f_l R/S0D)/phi_l is summed as (1/phi_l - (l/d)/phi_l)
            own[at] = hazards[at] - a * tied.sums(tied.f) / np.where(dying > 0, dying, 1.0)
        return logs, hazards, own

    @cached_property
    def gradients(self) -> np.ndarray:
        """Gradients, without penalty, shape (k, p)."""
        own = self.sets.own
        observed = np.repeat((self.w[own] @ self.X.take(own, axis=0))[None], len(self.thetas), 0)
        row, column, _ = self._gone_deaths
        np.subtract.at(observed, column, self.w[row, None] * self.X[row])
        out = -observed
        for some in in_cache(*self._r.shape):
            out += self._rho(some).T @ self.X[some]
        return out

    def hessians(self) -> np.ndarray:
        """Hessians, without penalty, shape (k, p, p)."""
        H = self._second_moments()
        size = max(1, BLOCK_NUMBERS // (self.sets.n_cells * self.X.shape[1]))
        for start in range(0, len(H), size):
            part = slice(start, start + size)
            H[part] -= self._squared_means(part)
        return H

    def _second_moments(self) -> np.ndarray:
        """X' diag(rho) X of each, shape (k, p, p)."""
        k, p = self.thetas.shape
        if k < FEW:
            return np.stack([gram(self.X, rho) for rho in self._rho().T])
        i, j = np.triu_indices(p)
        packed = np.zeros((k, len(i)))
        size = max(1, BLOCK_NUMBERS // len(i))
        for start in range(0, len(self.X), size):
            some = slice(start, start + size)
            x = self.X[some]
            packed += self._rho(some).T @ (x[:, i] * x[:, j])
        H = np.empty((k, p, p))
        H[:, i, j] = H[:, j, i] = packed
        return H

    def _squared_means(self, part: slice) -> np.ndarray:
        """a sum_l m_l m_l' over all cells, of some removals, shape (k, p, p)."""
        m0, xD = self._means(part)
        squares = (m0 * self._W.T[part, :, None]).swapaxes(1, 2) @ m0
        tied = self._tied
        if not len(tied.cells):
            return squares
        m0 = m0[:, tied.cells]
        delta = m0 - xD[:, tied.cells]
        a = self._a[tied.cells]
        C, Q = ((a * tied.sums(tied.f**power)).T[part, :, None] for power in (1, 2))
        cross = (m0 * C).swapaxes(1, 2) @ delta
        return squares + cross + cross.swapaxes(1, 2) + (delta * Q).swapaxes(1, 2) @ delta

    def scores(self) -> np.ndarray:
        """The derivative of the gradient in the presence of each row that is left: (k, n, p).

        It is r times the sum of a/phi (x - m) over the terms at which a row is exposed; a death
        has r a (1 - l/d)/phi (x - m) - w (x - m)/d of each term of its own tie besides.
        """
        own, cell, tied = self.sets.own, self.sets.cell_of_event, self._tied
        m0, xD = (means.transpose(2, 1, 0) for means in self._means(slice(None)))
        a, dying = self._a[tied.cells], self._S0D[tied.cells]
        share = a * tied.sums(tied.f * tied.inverse)
        alive = share - a * tied.sums(tied.f**2) / np.where(dying > 0, dying, 1.0)
        mean_f = tied.sums(tied.f) / np.maximum(self._N[tied.cells], 1)
        left = np.ones_like(self._r)
        left[self._gone] = 0.0
        w, r = self.w[own, None] * left.take(own, axis=0), self._r.take(own, axis=0)
        out, rho = np.empty((len(self.thetas), *self.X.shape)), self._rho()
        for column, x in enumerate(self.X.T):
            m = m0[column]
            exposed, met, mean = self.hazards * m, self._of_cells[2] * m, m.copy()
            delta = m[tied.cells] - xD[column][tied.cells]
            for cells, weight in ((exposed, share), (met, alive), (mean, mean_f)):
                cells[tied.cells] += weight * delta
            rows = rho * x[:, None] - self._r * self._exposures(exposed)
            rows[own] += w * (mean.take(cell, axis=0) - x[own, None]) - r * met.take(cell, axis=0)
            out[:, :, column] = rows.T
        return out

    def _means(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """m0 and xD of every cell, of some removals, shape (k, n_cells, p)."""
        sets, r = self.sets, self._r[:, part]
        m0, xD = np.empty((2, r.shape[1], sets.n_cells, self.X.shape[1]))
        S0, S0D = self._S0[:, part], self._S0D[:, part]
        dying = np.where(S0D > 0, S0D, 1.0)
        for column, x in enumerate(self.X.T):
            rx = r * x[:, None]
            S1D = sets.dying.sums(rx)
            m0[:, :, column] = ((self._risk_sums(rx, part) + S1D) / S0).T
            xD[:, :, column] = (S1D / dying).T
        return m0, xD


@dataclass(frozen=True, eq=False)
class _TiedBatch:
    """Efron's terms of tied cells, a column for each removal."""

    cells: np.ndarray
    first: np.ndarray  # int (n_cells,): of each cell
    # (n_terms, k): phi_l, 1/phi_l and f_l; 1, 0 and 0 of terms that are no more
    phi: np.ndarray
    inverse: np.ndarray
    f: np.ndarray

    def sums(self, terms: np.ndarray) -> np.ndarray:
        """Sum over the terms of each cell."""
        if not len(self.first):
            return np.zeros((0, terms.shape[1]))
        return np.add.reduceat(terms, self.first, axis=0)
