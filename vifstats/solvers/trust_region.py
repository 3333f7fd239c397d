"""A few Newton steps of limited length, for losses that are not convex."""

from collections.abc import Callable

import numpy as np

__all__ = ["trust_region_step", "trust_region_steps"]

# Halvings of the interval of the multiplier: to the last digit.
BISECTIONS = 100
SHRINK = 0.25
MAX_SHRINKS = 20
# Of a value: near the minimum a step lowers it by less than its last digits.
ROUNDING = 1e-13


def trust_region_steps(
    value: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], np.ndarray],
    hessian: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    steps: int,
    radius: float,
) -> np.ndarray:
    """Go so many steps, each the best within a radius for the quadratic model of the loss.

    Where the loss does not fall the radius shrinks to a quarter, and stays so.

    `value`, `gradient`, `hessian`: of the loss at theta; `start` (p,); `radius`: euclidean, in
    units of the parameters. Returns (p,).

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 4.3.

    Examples
    --------
    >>> bowl = lambda x: float(x @ x), lambda x: 2 * x, lambda x: 2 * np.eye(2)
    >>> trust_region_steps(*bowl, np.array([3.0, 4.0]), steps=2, radius=2.0).round(6)
    array([0.6, 0.8])
    """
    theta, level = start, value(start)
    for _ in range(steps):
        g, H = gradient(theta), hessian(theta)
        for _ in range(MAX_SHRINKS):
            trial = theta + trust_region_step(g, H, radius)
            reached = value(trial)
            if reached <= level + ROUNDING * abs(level):
                theta, level = trial, reached
                break
            radius *= SHRINK
        else:
            break  # no shorter step lowers the loss either: as low as rounding lets it
    return theta


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
