"""Hessians of Cox's loss without rows, and Newton steps by them, from what all removals change."""

from abc import abstractmethod
from functools import cached_property, partial

import numpy as np

from vifstats.losses.base import MANY_SOLVES
from vifstats.losses.cancellation import mended
from vifstats.losses.cox import hessian as curvature
from vifstats.losses.cox.hessian_changes import HessianKernel, hessian_differences
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.of_each import OfEach
from vifstats.losses.cox.partial_likelihood import PartialLikelihood
from vifstats.losses.cox.risk_sums import RiskSums, risk_sums
from vifstats.losses.cox.segment_sums import in_cache
from vifstats.removals import Removals
from vifstats.solvers.linalg import packed_place, solve_near

__all__ = ["ReducedHessians", "fewer_than"]

# Pairs of covariates are taken in blocks of about this many numbers (64 MB).
BLOCK_NUMBERS = 8_000_000
# Removals are solved with in blocks of about this many numbers (128 MB).
SOLVES_NUMBERS = 16_000_000


class ReducedHessians(PartialLikelihood):
    """The methods of Cox's loss about its Hessian after removals."""

    _last_kernel: HessianKernel | None

    @abstractmethod
    def sums(self, theta: np.ndarray) -> RiskSums:
        """The sums over the risk sets at theta, all rows present."""

    @cached_property
    def _of_each(self) -> OfEach:
        return OfEach()

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        if len(removals) <= fewer_than(len(theta)):
            return self._hessians_afresh(theta, removals)
        return self._hessians_less(theta, self._hessian_changes(theta, removals), removals)

    def _hessians_less(
        self, theta: np.ndarray, changes: np.ndarray, removals: Removals
    ) -> np.ndarray:
        """H less the changes by some removals, (k, p (p + 1)/2): as `reduced_hessians`."""
        full, place = self.hessian(theta), packed_place(len(theta))
        out = np.empty((len(removals), *full.shape))
        for rows in in_cache(len(out), full.size):
            np.subtract(full, changes[rows].take(place, axis=1), out=out[rows])
        return mended(out, full, removals, partial(self._hessians_afresh, theta))

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        # a subclass with Hessians of its own has no use for the changes of these
        plain = type(self).reduced_hessians is ReducedHessians.reduced_hessians
        if not plain or len(removals) <= MANY_SOLVES:
            return super().reduced_solves(theta, removals, rows)
        out, order = np.empty_like(rows), self._in_time(removals)
        size = SOLVES_NUMBERS // (len(theta) * (len(theta) + 1) // 2)
        for start in range(0, len(order), size):
            at = order[start : start + size]
            out[at] = self._near_solves(theta, removals.take(at), rows[at])
        return out

    def _near_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        """As `reduced_solves`, with a matrix for a removal only where the full H is not near."""
        changes = self._hessian_changes(theta, removals)

        def matrices(at: np.ndarray) -> np.ndarray:
            return self._hessians_less(theta, changes[at], removals.take(at))

        return solve_near(self.hessian(theta), changes.__getitem__, rows, matrices)

    def _in_time(self, removals: Removals) -> np.ndarray:
        """Positions of the removals, single rows in sorted order: so their sums need no sorting."""
        if not removals.single:
            return np.arange(len(removals))
        code = removals.codes[self.risk_sets.order]
        return np.append(code[code >= 0], np.flatnonzero(removals.sizes == 0))

    def _hessian_changes(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """H - H_-i of the pairs of covariates, (n_removals, p (p + 1)/2)."""
        sums, pairs = self.sums(theta), np.triu_indices(len(theta))
        n_pairs = len(pairs[0])
        # no fewer than the covariates: what is p wide is summed again with every block
        width = max(len(theta), BLOCK_NUMBERS // self.n_objects)
        in_blocks, parts = len(removals) < self.n_objects, []
        for start in range(0, n_pairs, width):
            i, j = (side[start : start + width] for side in pairs)
            kernel = self._hessian_kernel(sums, (i, j), keep=in_blocks and width >= n_pairs)
            compute = partial(hessian_differences, kernel)
            parts.append(self._of_each.of(f"H{start}", sums, removals, len(i), compute))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _hessian_kernel(self, sums: RiskSums, columns: Columns, keep: bool) -> HessianKernel:
        """Kept for some of the removals, all pairs: refits come in blocks, all from one theta."""
        last = self._last_kernel
        if keep and last is not None and last.sums is sums:
            return last
        kernel = HessianKernel(sums, columns)
        if keep:
            self._last_kernel = kernel
        return kernel

    def _hessians_afresh(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """H_-i from sums over the rows that remain, one removal at a time."""
        eta = self._X @ theta + self._offset
        out = np.zeros((len(removals), len(theta), len(theta)))
        code = removals.codes[self.risk_sets.order]
        for k in range(len(removals)):
            self._add_hessian_of(np.flatnonzero(code != k), eta, out[k])
        return out if self.penalty is None else out + self.penalty

    def _add_hessian_of(self, rows: np.ndarray, eta: np.ndarray, H: np.ndarray) -> None:
        """Add the part of some sorted rows to H; the copy of the rows is freed on return."""
        sets = self.risk_sets.take(rows)
        if sets.n_cells:
            X, w = self._X.take(rows, axis=0), self._weights[rows]
            # Their own, where a row that has left was far away; and where the most likely to die
            # are all alike, next to nothing is left of them.
            r = w * np.exp(eta[rows] - eta[rows].max())
            X -= np.average(X, axis=0, weights=r)
            H += curvature.hessian(risk_sums(sets, X, w, eta[rows], self.ties == "efron"))


def fewer_than(p: int) -> int:
    """The most removals that are summed afresh: for more, the differences of all rows cost less.

    Costs in nanoseconds per row: about 135 p^2 for the power sums of all pairs; for one removal
    0.3 p^2 for matrix products, 30 p for sums, and 500 for what does not depend on p.
    """
    return int(135 * p**2 / (0.3 * p**2 + 30 * p + 500))
