"""Minimisation from the factor of a related fit: for models too large to factor once a removal.

Steps start from the inverse Hessian of the fit to all data, which is nearly that without one
object, and are corrected by what the gradients since then have said (BFGS with limited memory).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.solvers.newton import ROUNDING, STALLED, Minima
from vifstats.solvers.steps import Slopes, decrement, line_search

__all__ = ["MEMORY", "is_large", "quasi_newton"]

# Parameters; see is_large.
LARGE = 500

# Steps that are remembered.
MEMORY = 12
# Where the minimum lies at infinity the gradient fades with the curvature: not a minimum where
# that is, along the last step, this share of the related fit's.
FADED = 1e-6


def is_large(n_params: int) -> bool:
    """Whether a Hessian for each problem costs more than the steps that it saves."""
    return n_params > LARGE


@np.errstate(all="ignore")
def quasi_newton(
    slopes: Slopes,
    solve: Callable[[np.ndarray], np.ndarray],
    starts: np.ndarray,
    *,
    fixed: np.ndarray | None = None,
    unit: float | None = None,
    diagonal: np.ndarray | None = None,
    tol: float = 1e-9,
    max_steps: int = 200,
) -> Minima:
    """Minimise k problems that are nearly one whose Hessian H can be solved with.

    `slopes`: values and gradients of the problems at positions ``rows``, as for `damped_newton`;
    `solve`: H^-1 applied to each row, shape (k, p); `starts` (k, p); `fixed` bool (k, p):
    parameters that stay where they start; `unit`: the decrement that is one standard error,
    sqrt(dispersion), default sqrt(abs(loss)); `diagonal` (p,): of H, what rounding of theta is
    measured by. A problem has converged once sqrt(g' H^-1 g) is at most `tol` units, for a step
    H^-1 g then moves no parameter by more standard errors of the related fit, by Cauchy and
    Schwarz; or once it is the rounding of theta, or next to nothing where no step lowers the loss.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 7.4.
    """
    free = np.ones(starts.shape, dtype=bool) if fixed is None else ~fixed
    thetas, last_step = starts.copy(), np.full(len(starts), np.inf)
    ended, flat = np.zeros(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
    active, memory = np.arange(len(starts)), Memory(())
    values, gradients = slopes(active, thetas)
    gradients = np.where(free, gradients, 0.0)
    solved = np.where(free, solve(gradients), 0.0)

    curvature = np.zeros(starts.shape[1]) if diagonal is None else np.abs(diagonal)

    def units() -> np.ndarray:
        return np.sqrt(np.abs(values)) if unit is None else np.full(len(values), unit)

    def short_enough() -> np.ndarray:
        rounding = ROUNDING * np.sqrt(thetas[active] ** 2 @ curvature)
        return last_step[active] <= np.maximum(tol * units()[active], rounding)

    for _ in range(max_steps):
        last_step[active] = decrement(gradients[active], solved[active])
        done = short_enough()
        thetas[active[done]] -= solved[active[done]]
        ended[active[done]] = True
        active = active[~done]
        if not len(active):
            break
        steps = memory.steps(active, gradients[active], solved[active])
        before = thetas[active], gradients[active], solved[active]
        moved = line_search(slopes, active, thetas, values, gradients, steps)
        gradients[active] = np.where(free[active], gradients[active], 0.0)
        ended[active] = ~moved & (last_step[active] <= STALLED * units()[active])
        solved[active] = np.where(free[active], solve(gradients[active]), 0.0)
        pair = Pair.between(active, len(starts), before, (thetas, gradients, solved))
        flat[active] = pair.faded[active] & moved
        memory = memory.then(pair)
        active = active[moved]
    relative = np.where(last_step > 0, last_step / units(), 0.0)
    converged = ended & ~flat
    # no Hessian tells of that
    nearly_flat = np.zeros(len(starts), dtype=bool)
    return Minima(thetas, relative, converged, values, converged, nearly_flat)


@dataclass(frozen=True, eq=False)
class Pair:
    """One step s of each problem, the change y of its gradient and of H^-1 gradient, Hy.

    Problems that took no such step, or along whose step the gradient did not grow, have 0.
    """

    s: np.ndarray
    y: np.ndarray
    Hy: np.ndarray
    sy: np.ndarray

    @classmethod
    def between(
        cls, active: np.ndarray, k: int, before: tuple[np.ndarray, ...], after: tuple
    ) -> "Pair":
        s, y, Hy = (np.zeros((k, before[0].shape[1])) for _ in range(3))
        for change, old, new in zip((s, y, Hy), before, after, strict=True):
            change[active] = new[active] - old
        sy = np.einsum("kp,kp->k", s, y)
        return cls(s, y, Hy, np.where(sy > 0, sy, 0.0))

    @property
    def faded(self) -> np.ndarray:
        """Whether the curvature along the step is a negligible part of H's, bool (k,)."""
        return np.einsum("kp,kp->k", self.y, self.Hy) < FADED * self.sy


@dataclass(frozen=True, eq=False)
class Memory:
    """The last steps, the oldest first."""

    pairs: tuple[Pair, ...]

    def then(self, pair: Pair) -> "Memory":
        """With one more pair, and without the oldest of too many."""
        return Memory((*self.pairs, pair)[-MEMORY:])

    def steps(self, rows: np.ndarray, gradients: np.ndarray, solved: np.ndarray) -> np.ndarray:
        """What to subtract from theta, shape (len(rows), p).

        The two loops of the reference; H^-1 of a sum of gradients is the sum of what H^-1 made
        of them, so no solve is needed here.
        """
        q, steps, weights = gradients.copy(), solved.copy(), []
        for pair in reversed(self.pairs):
            weight = _ratio(np.einsum("kp,kp->k", pair.s[rows], q), pair.sy[rows])
            q -= weight[:, None] * pair.y[rows]
            steps -= weight[:, None] * pair.Hy[rows]
            weights.append(weight)
        for pair, weight in zip(self.pairs, reversed(weights), strict=True):
            back = _ratio(np.einsum("kp,kp->k", pair.y[rows], steps), pair.sy[rows])
            steps += (weight - back)[:, None] * pair.s[rows]
        return steps


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b > 0, a / np.where(b > 0, b, 1.0), 0.0)
