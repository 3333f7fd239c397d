"""All eigenvalues of a Hessian, and a cut-off below which a direction is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vifstats import checks
from vifstats.errors import NotPositiveDefiniteError
from vifstats.solvers.base import Factor, Solution, Solver
from vifstats.solvers.cholesky import require_finite

__all__ = ["Eigen", "EigenFactor"]


@dataclass(frozen=True)
class Eigen(Solver):
    """Dense eigendecomposition of H + damping * I, without its flat directions.

    This is the solver for a loss that does not change along some directions, such as rotations of
    an embedding: it solves on their complement. The result says how many directions are left out.

    Parameters
    ----------
    cutoff : float, default 1e-9
        Directions whose eigenvalue is below this share of the largest are left out.
    damping : float, default 0
        Added to the eigenvalues that stay.

    Examples
    --------
    A loss of theta_0 + theta_1 alone: the solve moves both alike.

    >>> factor = Eigen().factor(np.array([[1.0, 1.0], [1.0, 1.0]]))
    >>> factor.solve(np.array([2.0, 2.0])).round(9)
    array([1., 1.])
    >>> factor.solution(np.ones((1, 2))).note
    '1 of 2 directions left out (eigenvalues below 1e-09 of the largest)'
    """

    cutoff: float = 1e-9
    damping: float = 0.0

    def __post_init__(self) -> None:
        checks.non_negative_number(self.damping, "damping")
        checks.small_number(self.cutoff, "cutoff")

    def factor(self, H: np.ndarray, names: Sequence[str] | None = None) -> "EigenFactor":
        require_finite(H)
        eigenvalues, V = np.linalg.eigh(H)
        bound = self.cutoff * np.abs(eigenvalues).max(initial=0.0)
        if len(eigenvalues) and eigenvalues[0] < -bound:
            raise NotPositiveDefiniteError(
                f"The Hessian must have no negative eigenvalue, but its smallest is "
                f"{eigenvalues[0]:.3g} where the largest is {eigenvalues[-1]:.3g}: the estimate is "
                "a saddle point; fit it to convergence from another start."
            )
        stays = eigenvalues > bound
        return EigenFactor(eigenvalues[stays] + self.damping, V[:, stays], self.cutoff)


@dataclass(frozen=True, eq=False)
class EigenFactor(Factor):
    """H = V diag(eigenvalues) V' on the directions that stay, the columns of V."""

    eigenvalues: np.ndarray
    V: np.ndarray
    cutoff: float

    def solution(self, rows: np.ndarray) -> Solution:
        solved = ((rows @ self.V) / self.eigenvalues) @ self.V.T
        n, kept = self.V.shape
        if kept == n:
            return Solution(solved)
        return Solution(
            solved,
            note=f"{n - kept} of {n} directions left out (eigenvalues below {self.cutoff:g} of "
            "the largest)",
        )

    @property
    def n_params(self) -> int:
        return len(self.V)
