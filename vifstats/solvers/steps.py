"""One step of many related minimisations: its direction, its length, and how much is taken."""

from collections.abc import Callable

import numpy as np

from vifstats.solvers.linalg import solve_each

__all__ = ["VALUE_ROUNDING", "Slopes", "decrement", "descent", "line_search"]

SUFFICIENT_DECREASE = 1e-4
MAX_HALVINGS = 40
# If a value rises by less than this share of itself, the rise may be rounding. Then the slope
# decides, because it keeps its digits longer.
VALUE_ROUNDING = 1e-8
SLOPE_DECREASE = 0.5
# Eigenvalues are made positive, and at least this share of the largest.
SMALLEST_EIGENVALUE = 1e-8

# rows, thetas (k, p) -> values (k,), gradients (k, p)
Slopes = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def decrement(gradients: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """sqrt(g' H^-1 g) of steps H^-1 g, shape (k,); inf where a step is not finite."""
    squared = np.einsum("ki,ki->k", gradients, steps)
    return np.where(np.isfinite(squared), np.sqrt(np.maximum(squared, 0.0)), np.inf)


def descent(H: np.ndarray, gradients: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Newton steps; if H is not positive definite, its eigenvalues are made positive."""
    steps = solve_each(H, gradients, fixed)
    steps = np.where(fixed, 0.0, steps)
    bad = ~np.isfinite(steps).all(axis=1) & np.isfinite(H).all(axis=(1, 2))
    for i in np.flatnonzero(bad):
        free = ~fixed[i]
        steps[i, free] = _made_positive(H[i][np.ix_(free, free)], gradients[i, free])
    return steps


def _made_positive(H: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """H^-1 g with the eigenvalues that H has on the scale of its own diagonal made positive."""
    scale = np.sqrt(np.abs(np.diag(H)))
    scale = np.where(scale > 0, scale, np.max(scale, initial=0.0) or 1.0)
    eigenvalues, V = np.linalg.eigh(H / np.outer(scale, scale))
    size = np.abs(eigenvalues)
    size = np.maximum(size, SMALLEST_EIGENVALUE * max(size.max(initial=0.0), 1e-280))
    return V @ ((V.T @ (gradient / scale)) / size) / scale


def line_search(
    slopes: Slopes,
    active: np.ndarray,
    thetas: np.ndarray,
    values: np.ndarray,
    gradients: np.ndarray,
    steps: np.ndarray,
) -> np.ndarray:
    """Halve each step until its loss falls enough; update in place; say which moved.

    If rounding hides whether the value falls, the slope along the step has to be halved instead.

    References
    ----------
    Hager & Zhang (2005), SIAM J. Optim. 16: the approximate Wolfe conditions.
    """
    slope = np.einsum("ki,ki->k", gradients[active], steps)
    t = np.ones(len(active))
    searching = np.isfinite(steps).all(axis=1)
    moved = np.zeros(len(active), dtype=bool)
    for _ in range(MAX_HALVINGS):
        rows = np.flatnonzero(searching)
        if not len(rows):
            break
        at = active[rows]
        trial = thetas[at] - t[rows, None] * steps[rows]
        new_values, new_gradients = slopes(at, trial)
        fallen = values[at] - new_values
        good = fallen >= SUFFICIENT_DECREASE * t[rows] * slope[rows]
        left = np.abs(np.einsum("ki,ki->k", new_gradients, steps[rows]))
        level = (fallen >= -VALUE_ROUNDING * np.abs(values[at])) & (
            left <= SLOPE_DECREASE * slope[rows]
        )
        good = np.isfinite(new_values) & (good | level)
        taken = rows[good]
        thetas[active[taken]] = trial[good]
        values[active[taken]] = new_values[good]
        gradients[active[taken]] = new_gradients[good]
        moved[taken] = True
        searching[taken] = False
        t[searching] *= 0.5
    return moved
