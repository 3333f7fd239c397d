"""Roots of many related systems of equations at once, by damped Newton steps.

A step is accepted by the natural monotonicity test (Deuflhard 2011, Newton Methods for Nonlinear
Problems, section 3.3): with J and the full step s = J^-1 psi at theta,

    |J^-1 psi(theta - t s)| <= (1 - t/4) |s|.

Both sides are steps of theta, so the equations may have any units, and be combined in any way.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.solvers.lu import solve_each_square

__all__ = ["Roots", "newton_roots"]

# A step halved so often leads nowhere.
MAX_HALVINGS = 30
# A step this short, in standard errors, that gets no shorter is rounding.
STALLED, STANDSTILL = 1e-7, 0.5
# The last digits of theta make steps of this length.
ROUNDING = 16 * np.finfo(float).eps

# rows, thetas (k, p) -> psi (k, p);  rows, thetas -> Jacobians (k, p, p)
Systems = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Roots:
    """Where each system ended."""

    thetas: np.ndarray
    # the longest entry of the last full step, in units of the scale
    last_step: np.ndarray
    converged: np.ndarray

    @property
    def tame(self) -> np.ndarray:
        """Whether the way to it was straight: each step passed the test of monotonicity."""
        return self.converged


@np.errstate(all="ignore")  # a trial outside the domain is nan there, and is refused
def newton_roots(
    equations: Systems,
    jacobians: Systems,
    starts: np.ndarray,
    *,
    scale: np.ndarray,
    tol: float = 1e-9,
    max_steps: int = 50,
) -> Roots:
    """Solve k systems of p equations, each from its own start.

    `equations`, `jacobians`: of the systems at positions ``rows``; `scale` (p,): the unit of each
    parameter, its standard error. A system is solved once its full step is at most `tol` of it in
    every entry, or cannot be told from rounding.
    """
    thetas, k = starts.copy(), len(starts)
    last, converged = np.full(k, np.inf), np.zeros(k, dtype=bool)
    active = np.arange(k)
    psi = equations(active, thetas)
    for _ in range(max_steps + 1):
        J = jacobians(active, thetas[active])
        steps = solve_each_square(J, psi)
        length = np.abs(steps / scale).max(axis=1, initial=0.0)
        floor = ROUNDING * np.abs(thetas[active] / scale).max(axis=1, initial=0.0)
        still = (length <= STALLED) & (length >= STANDSTILL * last[active])
        done = (length <= np.maximum(tol, floor)) | still
        last[active] = length
        # the last step is taken too: it is there, and the root is nearer behind it
        ended = np.flatnonzero(done)
        thetas[active[ended]] -= steps[ended]
        converged[active[ended]] = True
        on = np.flatnonzero(~done & np.isfinite(length))
        if not len(on):
            break
        some = active[on]
        moved, psi, ok = _damped(equations, some, thetas[some], steps[on], J[on], scale)
        thetas[some] = moved
        active, psi = some[ok], psi[ok]
        if not len(active):
            break
    return Roots(thetas, last, converged)


def _damped(
    equations: Systems,
    rows: np.ndarray,
    thetas: np.ndarray,
    steps: np.ndarray,
    J: np.ndarray,
    scale: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The end of each damped step, psi there, and whether a step passes the test."""
    size = np.linalg.norm(steps / scale, axis=1)
    moved, found = thetas.copy(), np.full_like(steps, np.nan)
    waiting, t = np.arange(len(rows)), 1.0
    for _ in range(MAX_HALVINGS):
        trial = thetas[waiting] - t * steps[waiting]
        psi = equations(rows[waiting], trial)
        after = np.linalg.norm(solve_each_square(J[waiting], psi) / scale, axis=1)
        passes = after <= (1 - t / 4) * size[waiting]
        at = waiting[passes]
        moved[at], found[at] = trial[passes], psi[passes]
        waiting = waiting[~passes]
        if not len(waiting):
            break
        t /= 2
    ok = np.ones(len(rows), dtype=bool)
    ok[waiting] = False
    return moved, found, ok
