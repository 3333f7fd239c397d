"""Ways to solve with a Hessian: each solver is a small frozen value, factored once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from vifstats.errors import InvalidInputError, NotPositiveDefiniteError

__all__ = ["Cholesky", "Factor", "Solver"]

# Below this, relative to a unit diagonal, an eigenvalue of H cannot be told from rounding.
SINGULAR = 1e-12


class Factor(ABC):
    """A factored Hessian: solve for many right-hand sides."""

    @abstractmethod
    def solve(self, rows: np.ndarray) -> np.ndarray:
        """H^-1 applied to each row, shape (n_rows, n_params) or (n_params,)."""

    @abstractmethod
    def inverse(self) -> np.ndarray:
        """H^-1, shape (n_params, n_params)."""


class Solver(ABC):
    """A way to factor a Hessian."""

    @abstractmethod
    def factor(self, H: np.ndarray, names: Sequence[str] | None = None) -> Factor:
        """Factor a symmetric matrix.

        Parameters
        ----------
        H : ndarray, shape (n_params, n_params)
        names : sequence of str, optional
            Parameter names for the error text.

        Raises
        ------
        NotPositiveDefiniteError
            If the solver needs a positive definite matrix and this is none.
        """


@dataclass(frozen=True)
class Cholesky(Solver):
    """Dense Cholesky factorisation of H + damping * I.

    Parameters
    ----------
    damping : float, default 0
        Added to the diagonal. It makes a singular H solvable and shrinks every influence.

    Examples
    --------
    >>> factor = Cholesky().factor(np.diag([2.0, 4.0]))
    >>> factor.solve(np.array([2.0, 2.0]))
    array([1. , 0.5])
    """

    damping: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.damping) and self.damping >= 0):
            raise InvalidInputError(f"`damping` must be >= 0 and finite, but is {self.damping}.")

    def factor(self, H: np.ndarray, names: Sequence[str] | None = None) -> "CholeskyFactor":
        damped = H + self.damping * np.eye(len(H))
        _require_positive_definite(damped, names)
        # A unit diagonal first: parameters in different units are no ill-conditioning.
        scale = np.sqrt(np.diag(damped))
        lower = scipy.linalg.cholesky(damped / np.outer(scale, scale), lower=True)
        return CholeskyFactor(lower, scale)


@dataclass(frozen=True, eq=False)
class CholeskyFactor(Factor):
    """H = diag(scale) L L' diag(scale)."""

    lower: np.ndarray
    scale: np.ndarray

    def solve(self, rows: np.ndarray) -> np.ndarray:
        # In place in one array of our own: for many rows, fresh memory costs more than the solve.
        scaled = (rows / self.scale).T
        solved = scipy.linalg.cho_solve((self.lower, True), scaled, overwrite_b=True).T
        solved /= self.scale
        return solved

    def inverse(self) -> np.ndarray:
        inverse = self.solve(np.eye(len(self.scale)))
        return 0.5 * (inverse + inverse.T)


def _require_positive_definite(H: np.ndarray, names: Sequence[str] | None) -> None:
    names = [f"theta{k}" for k in range(len(H))] if names is None else list(names)
    diagonal = np.diag(H)
    if not np.isfinite(H).all():
        raise NotPositiveDefiniteError(
            "The Hessian must be finite, but it has nan or inf; check the data and the loss."
        )
    if (flat := diagonal <= 0).any():
        columns = [name for name, is_flat in zip(names, flat, strict=True) if is_flat]
        raise NotPositiveDefiniteError(
            f"The Hessian must be positive definite, but its diagonal is "
            f"{diagonal.min():.3g} at {columns}: the loss does not curve there. A column that is "
            "constant (in every risk set, for a Cox model) is the usual cause: drop it, "
            "or use Cholesky(damping=...)."
        )
    scale = np.sqrt(diagonal)
    eigenvalues, eigenvectors = np.linalg.eigh(H / np.outer(scale, scale))
    if eigenvalues[0] > SINGULAR:
        return
    weights = np.abs(eigenvectors[:, 0])
    involved = [name for name, w in zip(names, weights, strict=True) if w > 0.1 * weights.max()]
    raise NotPositiveDefiniteError(
        f"The Hessian must be positive definite, but its smallest eigenvalue (at unit diagonal) "
        f"is {eigenvalues[0]:.3g}, along {involved}. If these columns are collinear, drop one; "
        "if the estimate is no minimum, fit it to convergence; or use Cholesky(damping=...)."
    )
