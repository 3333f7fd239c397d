"""Damped Newton minimisation of many related problems at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.solvers.linalg import positive_definite, solve_each

__all__ = ["Minima", "Slopes", "damped_newton", "descent", "line_search"]

SUFFICIENT_DECREASE = 1e-4
MAX_HALVINGS = 40
# Where the loss is all but straight a Newton step is endless: it is cut to this many units, which
# for parameters of an unknown size (1 + abs(theta)) still grow a hundredfold each step.
LONGEST = 100.0
# Where the minimum lies at infinity the gradient rounds to 0 before the steps get short. There
# the curvature, 1 or more in standard errors of the related fit, has all but gone.
FLAT = 1e-10
# A Hessian is kept while each step with it is at least this much shorter than the last.
CHORD_CONTRACTION = 0.1

# rows, thetas (k, p) -> values (k,), gradients (k, p);  rows, thetas -> Hessians (k, p, p)
Slopes = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Curvatures = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Minima:
    """Where each problem ended.

    Attributes
    ----------
    thetas : ndarray, shape (k, p)
    last_step : ndarray, shape (k,)
        The largest entry of the last step, in units of the scale.
    converged : ndarray of bool, shape (k,)
        The last step was short and, where a scale is given, the loss is not flat.
    """

    thetas: np.ndarray
    last_step: np.ndarray
    converged: np.ndarray


# A trial outside the domain of a loss is nan there, and the line search refuses it.
@np.errstate(all="ignore")
def damped_newton(
    slopes: Slopes,
    curvatures: Curvatures,
    starts: np.ndarray,
    *,
    scale: np.ndarray | None = None,
    fixed: np.ndarray | None = None,
    tol: float = 1e-9,
    max_steps: int = 50,
) -> Minima:
    """Minimise k problems, each from its own start, by Newton steps with a line search.

    Parameters
    ----------
    slopes, curvatures : callable
        Values and gradients, and Hessians, of the problems at positions ``rows``.
    starts : ndarray, shape (k, p)
    scale : ndarray, shape (p,), optional
        What a step is measured in, usually standard errors of a related fit: a scale that
        grows with the estimate would take a diverging one for converged. Default 1 + abs(theta).
    fixed : ndarray of bool, shape (k, p), optional
        Parameters that stay where they start.
    tol : float
        A problem has converged once a full step is at most this long.
    max_steps : int

    Returns
    -------
    Minima
    """
    k, p = starts.shape
    thetas = starts.copy()
    held = np.zeros((k, p), dtype=bool) if fixed is None else fixed
    last_step = np.full(k, np.inf)
    active = np.arange(k)
    values, gradients = slopes(active, thetas)
    H = curvatures(active, thetas)
    stale = np.zeros(k, dtype=bool)
    flat = _flat(H, held, scale)
    for _ in range(max_steps):
        steps = descent(H, gradients[active], held[active])
        lengths = _length(steps, thetas[active], scale)
        slow = stale[active] & (lengths > CHORD_CONTRACTION * last_step[active])
        if slow.any():
            H[slow] = curvatures(active[slow], thetas[active[slow]])
            stale[active[slow]] = False
            flat[active[slow]] = _flat(H[slow], held[active[slow]], scale)
            steps[slow] = descent(H[slow], gradients[active[slow]], held[active[slow]])
            lengths[slow] = _length(steps[slow], thetas[active[slow]], scale)
        done = lengths <= tol
        thetas[active[done]] -= steps[done]
        last_step[active[done]] = lengths[done]
        active, H, steps, lengths = active[~done], H[~done], steps[~done], lengths[~done]
        if not len(active):
            break
        steps *= np.minimum(1.0, LONGEST / np.maximum(lengths, LONGEST))[:, None]
        moved = line_search(slopes, active, thetas, values, gradients, steps)
        last_step[active] = np.where(moved, lengths, np.inf)
        stale[active] = True
        active, H = active[moved], H[moved]
    if len(ended := np.flatnonzero((last_step <= tol) & flat)):
        # where a Hessian that was kept is flat, the one where the problem ended need not be
        flat[ended] = _flat(curvatures(ended, thetas[ended]), held[ended], scale)
    return Minima(thetas, last_step, (last_step <= tol) & ~flat)


def _length(steps: np.ndarray, thetas: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    unit = 1 + np.abs(thetas) if scale is None else scale
    return np.max(np.abs(steps) / unit, axis=1, initial=0.0)


def _flat(H: np.ndarray, fixed: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """Whether the loss hardly curves along some free direction, for steps of the scale."""
    if scale is None:
        return np.zeros(len(H), dtype=bool)
    free = ~fixed[:, :, None] & ~fixed[:, None, :]
    scaled = np.where(free, H * np.outer(scale, scale), np.eye(len(scale)))
    return ~positive_definite(scaled, FLAT)


def descent(H: np.ndarray, gradients: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Newton steps; where H is not positive definite, with its eigenvalues made so."""
    steps = solve_each(H, gradients, fixed)
    steps = np.where(fixed, 0.0, steps)
    bad = ~np.isfinite(steps).all(axis=1) & np.isfinite(H).all(axis=(1, 2))
    for i in np.flatnonzero(bad):
        free = ~fixed[i]
        eigenvalues, V = np.linalg.eigh(H[i][np.ix_(free, free)])
        size = np.abs(eigenvalues)
        size = np.maximum(size, 1e-8 * max(size.max(initial=0.0), 1e-280))
        steps[i, free] = V @ ((V.T @ gradients[i, free]) / size)
    return steps


def line_search(
    slopes: Slopes,
    active: np.ndarray,
    thetas: np.ndarray,
    values: np.ndarray,
    gradients: np.ndarray,
    steps: np.ndarray,
) -> np.ndarray:
    """Halve each step until its loss falls enough; update in place; say which moved."""
    slope = np.einsum("ki,ki->k", gradients[active], steps)
    rounding = 1e-13 * np.abs(values[active]) + 1e-14
    t = np.ones(len(active))
    searching = np.isfinite(steps).all(axis=1)
    moved = np.zeros(len(active), dtype=bool)
    for _ in range(MAX_HALVINGS):
        rows = np.flatnonzero(searching)
        if not len(rows):
            break
        trial = thetas[active[rows]] - t[rows, None] * steps[rows]
        new_values, new_gradients = slopes(active[rows], trial)
        bound = values[active[rows]] - SUFFICIENT_DECREASE * t[rows] * slope[rows] + rounding[rows]
        good = np.isfinite(new_values) & (new_values <= bound)
        taken = rows[good]
        thetas[active[taken]] = trial[good]
        values[active[taken]] = new_values[good]
        gradients[active[taken]] = new_gradients[good]
        moved[taken] = True
        searching[taken] = False
        t[searching] *= 0.5
    return moved
