"""The dense Cholesky factorisation: exact, and the default."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from vifstats import checks
from vifstats.errors import NotPositiveDefiniteError
from vifstats.solvers.base import Factor, Solution, Solver

__all__ = ["SINGULAR", "Cholesky", "CholeskyFactor", "require_finite"]

# Below this, relative to a unit diagonal, an eigenvalue of H cannot be told from rounding.
SINGULAR = 1e-12


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
        checks.non_negative_number(self.damping, "damping")

    def factor(self, H: np.ndarray, names: Sequence[str] | None = None) -> "CholeskyFactor":
        names = [f"theta{k}" for k in range(len(H))] if names is None else list(names)
        require_finite(H)
        diagonal = np.diag(H) + self.damping
        _require_curvature(diagonal, names)
        scale = np.sqrt(diagonal)
        try:
            lower = scipy.linalg.cholesky(
                _scaled(H, scale), lower=True, overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            _require_eigenvalues(_scaled(H, scale), names, above=np.inf)
        # 1/|H^-1|, of which LAPACK's estimate is at most a few times too large.
        if scipy.linalg.lapack.dpocon(lower, 1.0, uplo="L")[0] < 10 * SINGULAR:
            _require_eigenvalues(_scaled(H, scale), names, above=SINGULAR)
        return CholeskyFactor(lower, scale)


@dataclass(frozen=True, eq=False)
class CholeskyFactor(Factor):
    """H = diag(scale) L L' diag(scale)."""

    lower: np.ndarray
    scale: np.ndarray

    def solution(self, rows: np.ndarray) -> Solution:
        if len(rows) > self.n_params:
            # Far faster than two triangular solves, and with a unit diagonal as accurate.
            return Solution(rows @ self.inverse())
        # In place in one array of our own: fresh memory costs more than the solve.
        scaled = (rows / self.scale).T
        solved = scipy.linalg.cho_solve(
            (self.lower, True), scaled, overwrite_b=True, check_finite=False
        ).T
        solved /= self.scale
        return Solution(solved)

    @property
    def n_params(self) -> int:
        return len(self.scale)


def require_finite(H: np.ndarray) -> None:
    """No nan and no inf."""
    if not np.isfinite(H).all():
        raise NotPositiveDefiniteError(
            "The Hessian must be finite, but it has nan or inf; check the data and the loss."
        )


def _require_curvature(diagonal: np.ndarray, names: list[str]) -> None:
    if (flat := diagonal <= 0).any():
        columns = [name for name, is_flat in zip(names, flat, strict=True) if is_flat]
        raise NotPositiveDefiniteError(
            f"The Hessian must be positive definite, but its diagonal is "
            f"{diagonal.min():.3g} at {columns}: the loss does not curve there. A column that is "
            "constant (in every risk set, for a Cox model) is the usual cause: drop it, "
            "or use Cholesky(damping=...)."
        )


def _scaled(H: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """H with a unit diagonal, damped so: parameters in different units are not ill-conditioning.

    One new matrix, by columns, which is then the factor: more do not fit for 10^4 parameters.
    """
    scaled = np.divide(H, scale, order="F")
    scaled /= scale[:, None]
    np.fill_diagonal(scaled, 1.0)
    return scaled


def _require_eigenvalues(scaled: np.ndarray, names: list[str], above: float) -> None:
    eigenvalues, eigenvectors = np.linalg.eigh(scaled)
    if eigenvalues[0] > above:
        return
    weights = np.abs(eigenvectors[:, 0])
    involved = [name for name, w in zip(names, weights, strict=True) if w > 0.1 * weights.max()]
    raise NotPositiveDefiniteError(
        f"The Hessian must be positive definite, but its smallest eigenvalue (at unit diagonal) "
        f"is {eigenvalues[0]:.3g}, along {involved}. If these columns are collinear, drop one; "
        "if the estimate is not a minimum, fit it to convergence; if the loss does not change "
        "along this direction, as with rotations of an embedding, say so in its `gauge`; or use "
        "Cholesky(damping=...) or Eigen() with Estimate(..., tol=inf)."
    )
