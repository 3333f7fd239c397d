"""Conjugate gradients: products with H are enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vifstats import checks
from vifstats.errors import ConvergenceError, NotPositiveDefiniteError
from vifstats.solvers.base import HessianProduct, RowByRow, Solver

__all__ = ["ConjugateGradient", "ConjugateGradientFactor"]


@dataclass(frozen=True)
class ConjugateGradient(Solver):
    """Conjugate gradients on H + damping * I, until the residual is small.

    H is never formed. The number of products for a row grows with the square root of the
    condition number.

    Parameters
    ----------
    tol : float, default 1e-8
        The residual |H x - r| / |r| at which a row is done.
    max_steps : int, optional
        Products for a row; default twice the number of parameters.
    damping : float, default 0
    preconditioner : callable, optional
        ``preconditioner(r)``: a symmetric, positive definite approximation of H^-1 r.

    Notes
    -----
    A row that does not reach the tolerance is an error, never a result.

    Examples
    --------
    >>> factor = ConjugateGradient().factor(np.diag([2.0, 4.0]))
    >>> solution = factor.solution(np.array([[2.0, 2.0]]))
    >>> solution.rows.round(6), bool(solution.residual[0] <= 1e-8)
    (array([[1. , 0.5]]), True)
    """

    tol: float = 1e-8
    max_steps: int | None = None
    damping: float = 0.0
    preconditioner: Callable[[np.ndarray], np.ndarray] | None = None
    matrix_free = True

    def __post_init__(self) -> None:
        checks.non_negative_number(self.damping, "damping")
        checks.small_number(self.tol, "tol")
        if self.max_steps is not None:
            checks.counting_number(self.max_steps, "max_steps")
        if self.preconditioner is not None:
            checks.function(self.preconditioner, "preconditioner", "preconditioner(r)")

    def factor(
        self, H: np.ndarray | HessianProduct, names: Sequence[str] | None = None
    ) -> "ConjugateGradientFactor":
        return ConjugateGradientFactor(HessianProduct.of(H).damped(self.damping), self)


@dataclass(frozen=True, eq=False)
class ConjugateGradientFactor(RowByRow):
    """Products with H, and when to stop."""

    H: HessianProduct
    solver: ConjugateGradient
    called = "conjugate gradients"

    def one(self, row: np.ndarray) -> tuple[np.ndarray, float, int]:
        x, r = np.zeros(len(row)), row.astype(float)
        size = float(np.linalg.norm(row))
        most = self.solver.max_steps or 2 * len(row)
        precondition = self.solver.preconditioner or (lambda r: r)
        z = precondition(r)
        direction, rz = z, float(r @ z)
        residual = float(size > 0)
        for step in range(most + 1):
            if residual <= self.solver.tol:
                return x, residual, step
            if step == most:
                break
            Hd = self.H.times(direction)
            t = rz / _curvature(direction, Hd)
            x, r = x + t * direction, r - t * Hd
            residual = float(np.linalg.norm(r)) / size
            z = precondition(r)
            rz, before = float(r @ z), rz
            direction = z + (rz / before) * direction
        raise ConvergenceError(
            f"Conjugate gradients must reach a residual of {self.solver.tol:g}, but after {most} "
            f"products it is {residual:.2g}; allow more with max_steps, give a preconditioner, "
            "or add damping."
        )


def _curvature(direction: np.ndarray, Hd: np.ndarray) -> float:
    curvature = float(direction @ Hd)
    if not curvature > 0:
        square = float(direction @ direction)
        raise NotPositiveDefiniteError(
            f"The Hessian must be positive definite, but along a direction that conjugate "
            f"gradients tried its curvature is {curvature / square:.3g}; fit the estimate to "
            "convergence, or use ConjugateGradient(damping=...)."
        )
    return curvature
