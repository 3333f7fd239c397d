"""What a solver is: a way to factor a Hessian, and what its factor then does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

__all__ = ["Factor", "HessianProduct", "RowByRow", "Solution", "Solver"]


@dataclass(frozen=True, eq=False)
class HessianProduct:
    """A Hessian known by its products only.

    Attributes
    ----------
    times : callable
        ``times(v)``: H v, for v of shape (n_params,).
    n_params : int

    Examples
    --------
    >>> H = HessianProduct(lambda v: 2 * v, 3)
    >>> H.damped(1.0).times(np.ones(3))
    array([3., 3., 3.])
    """

    times: Callable[[np.ndarray], np.ndarray]
    n_params: int

    @classmethod
    def of(cls, H: "np.ndarray | HessianProduct") -> "HessianProduct":
        """A dense matrix by its products; products as they are."""
        return H if isinstance(H, HessianProduct) else cls(lambda v: H @ v, len(H))

    def damped(self, damping: float) -> "HessianProduct":
        """H + damping * I."""
        if damping == 0:
            return self
        return HessianProduct(lambda v: self.times(v) + damping * v, self.n_params)


@dataclass(frozen=True, eq=False)
class Solution:
    """H^-1 applied to rows, and notes on how it went.

    Attributes
    ----------
    rows : ndarray, shape (n_rows, n_params)
    residual : ndarray, shape (n_rows,), or None
        |H x - r| / |r| of each row, where the solver iterates.
    note : str
        What was left out and how far it was iterated; empty for an exact solve.

    Examples
    --------
    >>> from vifstats.solvers import ConjugateGradient
    >>> solution = ConjugateGradient().factor(np.eye(2)).solution(np.ones((3, 2)))
    >>> solution.residual
    array([0., 0., 0.])
    """

    rows: np.ndarray
    residual: np.ndarray | None = None
    note: str = ""


class Factor(ABC):
    """A factored Hessian: solve for many right-hand sides."""

    @abstractmethod
    def solution(self, rows: np.ndarray) -> Solution:
        """H^-1 applied to each row, shape (n_rows, n_params), with notes on how it went."""

    def solve(self, rows: np.ndarray) -> np.ndarray:
        """H^-1 applied to each row, shape (n_rows, n_params) or (n_params,)."""
        return self.solution(np.atleast_2d(rows)).rows.reshape(np.shape(rows))

    def inverse(self) -> np.ndarray:
        """H^-1, shape (n_params, n_params)."""
        inverse = self.solve(np.eye(self.n_params))
        return 0.5 * (inverse + inverse.T)

    @property
    @abstractmethod
    def n_params(self) -> int:
        """Number of parameters."""


class RowByRow(Factor):
    """Products with H, one right-hand side after the other until its residual is small.

    `called`: what the note of a solution calls it.
    """

    H: HessianProduct
    called: ClassVar[str]

    @abstractmethod
    def one(self, row: np.ndarray) -> tuple[np.ndarray, float, int]:
        """H^-1 applied to a row (n_params,), its residual and the products it took."""

    def solution(self, rows: np.ndarray) -> Solution:
        solved, steps = np.zeros_like(rows, dtype=float), np.zeros(len(rows), dtype=int)
        residual = np.zeros(len(rows))
        for k, row in enumerate(rows):
            solved[k], residual[k], steps[k] = self.one(row)
        note = (
            f"{self.called}: at most {steps.max(initial=0)} products with H a row, "
            f"relative residual at most {residual.max(initial=0.0):.1e}"
        )
        return Solution(solved, residual, note)

    @property
    def n_params(self) -> int:
        return self.H.n_params


class Solver(ABC):
    """A way to factor a Hessian.

    Attributes
    ----------
    matrix_free : bool
        Whether products with H are enough: then H is never formed.
    """

    matrix_free: bool = False

    @abstractmethod
    def factor(self, H: Any, names: Sequence[str] | None = None) -> Factor:
        """Factor a symmetric matrix.

        Parameters
        ----------
        H : ndarray, shape (n_params, n_params), or HessianProduct
            The latter for a solver that is ``matrix_free``.
        names : sequence of str, optional
            Parameter names for the error text.

        Raises
        ------
        NotPositiveDefiniteError
            If the solver needs a positive definite matrix and this is not one.
        """
