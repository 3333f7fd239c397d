"""Linear predictors: theta is cut into consecutive blocks, one for the design of each."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import autograd.numpy as anp
import numpy as np

__all__ = ["Predictors", "solves_without_rows"]


@dataclass(frozen=True, eq=False)
class Predictors:
    """Designs X_1, ..., X_q with offsets; for row i, J_i (q, p) has its rows of them as blocks."""

    designs: tuple[np.ndarray, ...]  # (n, p_k)
    offsets: tuple[np.ndarray, ...]  # (n,)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where in theta the parameters of each predictor are."""
        stops = np.cumsum([X.shape[1] for X in self.designs]).tolist()
        return tuple(slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False))

    @property
    def n_params(self) -> int:
        """Parameters of all predictors together."""
        return self.blocks[-1].stop

    def traced(self, theta: Any, rows: Any) -> Any:
        """Linear predictors of some rows in autograd.numpy, shape (q, n_rows)."""
        return anp.stack(
            [
                anp.dot(X[rows], theta[block]) + offset[rows]
                for X, block, offset in zip(self.designs, self.blocks, self.offsets, strict=True)
            ]
        )

    def at(self, thetas: Any) -> Any:
        """Linear predictors at one theta (p,) or several (k, p), shape (q, ..., n)."""
        return anp.stack(
            [
                thetas[..., block] @ X.T + offset
                for X, block, offset in zip(self.designs, self.blocks, self.offsets, strict=True)
            ]
        )

    def scores(self, slopes: np.ndarray) -> np.ndarray:
        """J_i' s_i of each row, from slopes (q, n): shape (n, p)."""
        parts = [s[:, None] * X for s, X in zip(slopes, self.designs, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def total(self, slopes: np.ndarray) -> np.ndarray:
        """Sum of J_i' s_i over the rows, from slopes (q, ..., n): shape (..., p)."""
        parts = [s @ X for s, X in zip(slopes, self.designs, strict=True)]
        return np.concatenate(parts, axis=-1)

    def gram(self, curvatures: np.ndarray, rows: Any = slice(None)) -> np.ndarray:
        """Sum of J_i' C_i J_i over some rows, from curvatures (q, q, n): shape (p, p)."""
        out = np.empty((self.n_params, self.n_params))
        designs = [X[rows] for X in self.designs]
        for k, j in combinations_with_replacement(range(len(designs)), 2):
            block = designs[k].T @ (curvatures[k, j, rows, None] * designs[j])
            out[self.blocks[k], self.blocks[j]] = block
            out[self.blocks[j], self.blocks[k]] = block.T
        return out

    def project(
        self, inverse: np.ndarray, rows: Any = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """J_i H^-1, shape (q, n_rows, p), and J_i H^-1 J_i', shape (q, q, n_rows)."""
        designs = [X[rows] for X in self.designs]
        K = np.stack([X @ inverse[block] for X, block in zip(designs, self.blocks, strict=True)])
        quadratic = [
            np.einsum("kni,ni->kn", K[:, :, block], X)
            for X, block in zip(designs, self.blocks, strict=True)
        ]
        return K, np.stack(quadratic, axis=1)

    def apply(self, vectors: np.ndarray, rows: Any) -> np.ndarray:
        """J_i v_i, from one vector for each of some rows (n_rows, p): shape (q, n_rows)."""
        return np.stack(
            [
                np.einsum("ni,ni->n", X[rows], vectors[:, block])
                for X, block in zip(self.designs, self.blocks, strict=True)
            ]
        )


def solves_without_rows(
    predictors: Predictors,
    inverse: np.ndarray,
    curvatures: np.ndarray,
    rows: np.ndarray,
    right: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(H - J_i' C_i J_i)^-1 v_i for single rows i, by the rank-q formula, in O(n p^2) in all.

    (H - J'CJ)^-1 = H^-1 + H^-1 J' (I - C J H^-1 J')^-1 C J H^-1.

    `inverse` (p, p): H^-1; `curvatures` (q, q, n); `rows` int (k,): the row that leaves in each
    solve; `right` (k, p): the right-hand sides v_i. Returns `solved` (k, p); `distance` (k,): how
    far each matrix is from singular, relative to H: 1 - leverage for one predictor.
    """
    solved = right @ inverse
    K, G = predictors.project(inverse, rows)
    C = curvatures[:, :, rows]
    reduced = np.eye(len(C))[:, :, None] - np.einsum("kjn,jln->kln", C, G)
    z, distance = _solve_small(reduced, np.einsum("kln,ln->kn", C, predictors.apply(solved, rows)))
    return solved + np.einsum("kn,kni->ni", z, K), distance


def _solve_small(matrices: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve with n matrices (q, q, n) for (q, n); also their smallest eigenvalues (n,)."""
    if len(matrices) == 1:
        smallest = matrices[0, 0]
        return right / np.where(smallest == 0, 1.0, smallest), smallest
    stacked = np.moveaxis(matrices, -1, 0)
    # Similar to symmetric matrices, so real but for rounding.
    smallest = np.linalg.eigvals(stacked).real.min(axis=1, initial=np.inf)
    usable = smallest > 0
    z = np.zeros_like(right)
    z[:, usable] = np.linalg.solve(stacked[usable], right.T[usable][:, :, None])[..., 0].T
    return z, smallest
