"""The LU factorisation, for the Jacobian of estimating equations, which is not symmetric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from vifstats.errors import NotPositiveDefiniteError
from vifstats.solvers.base import Factor, Solution, Solver
from vifstats.solvers.cholesky import SINGULAR, require_finite

__all__ = ["LU", "solve_each_square"]

# Parameters with less than this share of a null direction are not named.
NAMED = 0.1


@dataclass(frozen=True)
class LU(Solver):
    """Dense LU factorisation of a square matrix, symmetric or not.

    Examples
    --------
    >>> factor = LU().factor(np.array([[2.0, 0.0], [1.0, 4.0]]))
    >>> factor.solve(np.array([2.0, 5.0]))
    array([1., 1.])
    """

    def factor(self, H: np.ndarray, names: Sequence[str] | None = None) -> "LUFactor":
        names = [f"theta{k}" for k in range(len(H))] if names is None else list(names)
        require_finite(H)
        rows, columns = _scales(H)
        scaled = H / rows[:, None] / columns
        U, sizes, V = np.linalg.svd(scaled)
        if not sizes[-1] > SINGULAR * sizes[0]:
            share = np.abs(V[-1])
            involved = [n for n, s in zip(names, share, strict=True) if s > NAMED * share.max()]
            raise NotPositiveDefiniteError(
                "The Jacobian of the equations must be regular, but its smallest singular value "
                f"(at unit rows and columns) is {sizes[-1]:.3g}, along {involved}. Drop one of "
                "the columns if they are collinear, or the parameter that no equation reads."
            )
        return LUFactor(scipy.linalg.lu_factor(scaled, check_finite=False), rows, columns)


@dataclass(frozen=True, eq=False)
class LUFactor(Factor):
    """diag(rows) P L U diag(columns)."""

    lu: tuple[np.ndarray, np.ndarray]
    rows: np.ndarray
    columns: np.ndarray

    def solution(self, rows: np.ndarray) -> Solution:
        solved = scipy.linalg.lu_solve(self.lu, (rows / self.rows).T, check_finite=False)
        return Solution(solved.T / self.columns)

    def inverse(self) -> np.ndarray:
        return self.solve(np.eye(self.n_params)).T

    @property
    def n_params(self) -> int:
        return len(self.columns)


def _scales(H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sizes of rows, and then of columns: parameters and equations have units of their own."""
    rows = np.abs(H).max(axis=-1)
    rows = np.where(rows > 0, rows, 1.0)
    columns = np.abs(H / rows[..., None]).max(axis=-2)
    return rows, np.where(columns > 0, columns, 1.0)


def solve_each_square(J: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Solve with each of a stack of square matrices, nan where one is singular or not finite.

    Shapes: `J` (k, p, p); `rows` (k, p).
    """
    out = np.full_like(rows, np.nan)
    finite = np.isfinite(J).all(axis=(1, 2)) & np.isfinite(rows).all(axis=1)
    at = np.flatnonzero(finite)
    r, c = _scales(J[at])
    scaled = J[at] / r[:, :, None] / c[:, None, :]
    sizes = np.linalg.svd(scaled, compute_uv=False)
    regular = sizes[:, -1] > SINGULAR * sizes[:, 0]
    at = at[regular]
    if len(at):
        solved = np.linalg.solve(scaled[regular], (rows[at] / r[regular])[..., None])[..., 0]
        out[at] = solved / c[regular]
    return out
