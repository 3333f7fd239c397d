"""LiSSA: the Neumann series of H^-1, on all of the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vifstats import checks
from vifstats.errors import ConvergenceError, InvalidInputError
from vifstats.solvers.base import HessianProduct, RowByRow, Solver
from vifstats.solvers.lanczos import largest_eigenpairs

__all__ = ["LiSSA", "LiSSAFactor"]

# Above the largest eigenvalue as Lanczos finds it, from below.
MARGIN = 1.01


@dataclass(frozen=True)
class LiSSA(Solver):
    """x <- r/s + (I - (H + damping * I)/s) x, until the residual is small.

    The series converges if and only if all eigenvalues lie between 0 and 2 s: that is checked.
    It needs about as many products as H is ill-conditioned, where `ConjugateGradient` needs the
    square root: it is here because the literature on influence uses it. There its products are
    estimated from random parts of the data, which a loss that is not a sum over objects does not
    allow; here they are exact.

    Parameters
    ----------
    scale : float, optional
        The s of the series; default just above the largest eigenvalue.
    tol : float, default 1e-6
        The residual |H x - r| / |r| at which a row is done.
    max_steps : int, default 10000
    damping : float, default 0

    References
    ----------
    Agarwal, Bullins & Hazan (2017), J. Mach. Learn. Res. 18; Koh & Liang (2017), section 3.

    Examples
    --------
    >>> LiSSA().factor(np.diag([2.0, 4.0])).solve(np.array([2.0, 2.0])).round(4)
    array([1. , 0.5])
    """

    scale: float | None = None
    tol: float = 1e-6
    max_steps: int = 10_000
    damping: float = 0.0
    matrix_free = True

    def __post_init__(self) -> None:
        checks.non_negative_number(self.damping, "damping")
        checks.small_number(self.tol, "tol")
        checks.counting_number(self.max_steps, "max_steps")
        if self.scale is not None:
            checks.positive_number(self.scale, "scale")

    def factor(
        self, H: np.ndarray | HessianProduct, names: Sequence[str] | None = None
    ) -> "LiSSAFactor":
        product = HessianProduct.of(H).damped(self.damping)
        largest = _largest_eigenvalue(product)
        scale = MARGIN * largest if self.scale is None else self.scale
        if not 2 * scale > largest:
            raise InvalidInputError(
                f"`scale` must be more than half the largest eigenvalue, {largest:.4g}, or the "
                f"series diverges, but is {scale:.4g}; leave it to the default."
            )
        return LiSSAFactor(product, scale, self)


@dataclass(frozen=True, eq=False)
class LiSSAFactor(RowByRow):
    """Products with H, the scale of the series, and when to stop."""

    H: HessianProduct
    scale: float
    solver: LiSSA
    called = "LiSSA"

    def one(self, row: np.ndarray) -> tuple[np.ndarray, float, int]:
        x, size = np.zeros(len(row)), float(np.linalg.norm(row))
        if size == 0:
            return x, 0.0, 0
        for step in range(1, self.solver.max_steps + 1):
            r = row - self.H.times(x)
            residual = float(np.linalg.norm(r)) / size
            if residual <= self.solver.tol:
                return x, residual, step
            if residual > 1e6:
                break
            x = x + r / self.scale
        raise ConvergenceError(
            f"The series must reach a residual of {self.solver.tol:g}, but after {step} products "
            f"it is {residual:.2g}: a condition number near that asks for ConjugateGradient, a "
            "residual that grows for an estimate at a minimum, or for damping."
        )


def _largest_eigenvalue(H: HessianProduct) -> float:
    if H.n_params == 1:
        return float(H.times(np.ones(1))[0])
    return float(largest_eigenpairs(H, 1)[0][0])
