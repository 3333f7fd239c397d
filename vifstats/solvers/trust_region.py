"""A few Newton steps of limited length, for losses that are not convex."""

import numpy as np

from vifstats.solvers.newton import Curvatures
from vifstats.solvers.steps import Slopes

__all__ = ["trust_region_step", "trust_region_steps"]

# Halvings of the interval of the multiplier: to the last digit.
BISECTIONS = 100
SHRINK = 0.25
MAX_SHRINKS = 20
# Of a value: near the minimum a step lowers it by less than its last digits.
ROUNDING = 1e-13


# Outside the domain of a loss a trial is nan, and the step shrinks.
@np.errstate(all="ignore")
def trust_region_steps(
    slopes: Slopes,
    curvatures: Curvatures,
    starts: np.ndarray,
    *,
    steps: int,
    radius: float,
    fixed: np.ndarray | None = None,
    scale: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Take some steps, each the best for the quadratic model of the loss within a radius.

    If a loss does not fall, its radius shrinks to a quarter for all later steps.

    `slopes`, `curvatures`: values and gradients, and Hessians, of the problems at positions
    ``rows``; `starts` (k, p); `radius`: euclidean, in units of `scale` (p,); `fixed` bool (k, p):
    parameters that stay where they start. Returns (k, p).

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 4.3.

    Examples
    --------
    >>> def slopes(rows, x):
    ...     return (x**2).sum(axis=1), 2 * x
    >>> def curvatures(rows, x):
    ...     return np.tile(2 * np.eye(2), (len(x), 1, 1))
    >>> starts = np.array([[3.0, 4.0]])
    >>> trust_region_steps(slopes, curvatures, starts, steps=2, radius=2.0).round(6)
    array([[0.6, 0.8]])
    """
    thetas, active = starts.copy(), np.arange(len(starts))
    radii = np.full(len(starts), radius)
    held = np.zeros(starts.shape, dtype=bool) if fixed is None else fixed
    levels, gradients = slopes(active, thetas)
    for _ in range(steps):
        if not len(active):
            break
        H = _scaled(curvatures(active, thetas[active]), held[active], scale)
        left = np.arange(len(active))
        for _ in range(MAX_SHRINKS):
            rows = active[left]
            slope = np.where(held[rows], 0.0, gradients[rows] * scale)
            ways = map(trust_region_step, slope, H[left], radii[rows])
            trials = thetas[rows] + scale * np.stack(list(ways))
            reached, there = slopes(rows, trials)
            good = reached <= levels[rows] + ROUNDING * np.abs(levels[rows])
            thetas[rows[good]], levels[rows[good]] = trials[good], reached[good]
            gradients[rows[good]] = there[good]
            left = left[~good]
            radii[active[left]] *= SHRINK
            if not len(left):
                break
        # those left: no shorter step lowers the loss either, as low as rounding lets it
        active = np.delete(active, left)
    return thetas


def _scaled(H: np.ndarray, held: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """Hessians in units of the scale, the identity where parameters are held."""
    units = np.broadcast_to(scale, held.shape[1:])
    H = H * units[:, None] * units
    return np.where(held[:, :, None] | held[:, None, :], np.eye(held.shape[1]), H)


def trust_region_step(g: np.ndarray, H: np.ndarray, radius: float) -> np.ndarray:
    """The step s of at most this length that minimises g's + s'Hs/2, shape (p,).

    With eigenvalues w of H it is -g / (w + m) with the smallest multiplier m >= 0 that makes all
    of w + m positive and the step short enough.
    """
    w, V = np.linalg.eigh(H)
    gv = V.T @ g

    def step(m: float) -> np.ndarray:
        return -gv / np.where(gv == 0, 1.0, w + m)  # 0 where there is no slope, not 0/0

    if w[0] > 0 and np.linalg.norm(step(0.0)) <= radius:
        return V @ step(0.0)
    low = max(0.0, -float(w[0]))
    high = low + float(np.linalg.norm(g)) / radius
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if np.linalg.norm(step(middle)) > radius:
            low = middle
        else:
            high = middle
    return V @ step(high)
