"""The largest eigenvalues of a Hessian by Lanczos iterations: a solve of low rank."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, NotPositiveDefiniteError
from vifstats.solvers.base import Factor, HessianProduct, Solution, Solver

__all__ = ["Lanczos", "LanczosFactor", "largest_eigenpairs"]


@dataclass(frozen=True)
class Lanczos(Solver):
    """The directions in which H + damping * I curves most, and one curvature for the rest.

    H is never formed. After the factorisation a solve costs two thin matrix products: right for
    many rows. It is as exact as the rest of H is a multiple of the identity: with a ridge on
    all parameters and a likelihood that curves in few directions, ``rest`` is the ridge.

    Parameters
    ----------
    rank : int
        Eigenpairs to find.
    rest : float, optional
        The curvature of H in all other directions; None: they are left out, which is not exact
        for any row that has a part in them.
    damping : float, default 0

    Examples
    --------
    >>> H = 0.5 * np.eye(4) + np.diag([3.0, 1.5, 0.0, 0.0])
    >>> Lanczos(rank=2, rest=0.5).factor(H).solve(np.ones(4)).round(6)
    array([0.285714, 0.5     , 2.      , 2.      ])
    """

    rank: int
    rest: float | None = None
    damping: float = 0.0
    matrix_free = True

    def __post_init__(self) -> None:
        checks.non_negative_number(self.damping, "damping")
        checks.counting_number(self.rank, "rank")
        if self.rest is not None:
            checks.positive_number(self.rest, "rest")

    def factor(
        self, H: np.ndarray | HessianProduct, names: Sequence[str] | None = None
    ) -> "LanczosFactor":
        product = HessianProduct.of(H)
        if self.rank >= product.n_params:
            raise InvalidInputError(
                f"`rank` must be below the number of parameters, {product.n_params}, but is "
                f"{self.rank}; use Cholesky or Eigen."
            )
        eigenvalues, V = largest_eigenpairs(product, self.rank)
        if not eigenvalues.min() + self.damping > 0:
            raise NotPositiveDefiniteError(
                f"The eigenvalues that Lanczos solves with must be positive, but of the largest "
                f"{self.rank} one is {eigenvalues.min():.3g}; ask for a lower rank."
            )
        rest = np.inf if self.rest is None else self.rest + self.damping
        return LanczosFactor(eigenvalues + self.damping, V, rest)


@dataclass(frozen=True, eq=False)
class LanczosFactor(Factor):
    """H = V diag(eigenvalues) V' + rest (I - V V'); an infinite rest leaves the others out."""

    eigenvalues: np.ndarray
    V: np.ndarray
    rest: float

    def solution(self, rows: np.ndarray) -> Solution:
        inside = rows @ self.V
        solved = (inside * (1 / self.eigenvalues - 1 / self.rest)) @ self.V.T + rows / self.rest
        n, rank = self.V.shape
        others = "left out" if np.isinf(self.rest) else f"taken to curve by {self.rest:g}"
        note = (
            f"Lanczos: {rank} of {n} directions, eigenvalues {self.eigenvalues.max():.3g} to "
            f"{self.eigenvalues.min():.3g}; the others {others}"
        )
        return Solution(solved, note=note)

    @property
    def n_params(self) -> int:
        return len(self.V)


def largest_eigenpairs(H: HessianProduct, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (rank,) and their vectors, the columns of (n_params, rank)."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = H.n_params
    operator = LinearOperator((n, n), matvec=lambda v: H.times(v.ravel()), dtype=float)
    # the same start each time: a result may not depend on chance
    return eigsh(operator, rank, which="LA", v0=np.random.default_rng(0).normal(size=n))
