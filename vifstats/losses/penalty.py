"""0.5 theta' P theta, which no object owns, added to what a loss says of its objects."""

from typing import Any

import autograd.numpy as anp
import numpy as np

__all__ = ["penalised", "penalised_slopes", "untold"]


def penalised(value: Any, theta: Any, penalty: np.ndarray | None) -> Any:
    """A value at theta (p,) with the penalty P (p, p); autograd can follow it."""
    if penalty is None:
        return value
    return value + 0.5 * anp.dot(theta, anp.dot(penalty, theta))


def penalised_slopes(
    values: np.ndarray, gradients: np.ndarray, thetas: np.ndarray, penalty: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Values (k,) and gradients (k, p), each at its own theta (k, p), with the penalty P (p, p)."""
    if penalty is None:
        return values, gradients
    pull = thetas @ penalty
    return values + 0.5 * np.einsum("kp,kp->k", pull, thetas), gradients + pull


def untold(flat: np.ndarray, penalty: np.ndarray | None) -> np.ndarray:
    """Positions of parameters that data tell nothing of, bool (p,), nor does the penalty P."""
    return np.flatnonzero(flat if penalty is None else flat & ~penalty.any(axis=0))
