"""Directions on which the data without a removal are silent, found by the curvature that is left.

This is for losses without linear predictors. Where there are linear predictors, their faces say
more (`vifstats.losses.separation`). See docs/mathematics.md, the end of "Estimates at infinity".
"""

from typing import TYPE_CHECKING

import numpy as np

from vifstats.losses.separation import factored
from vifstats.removals import Removals
from vifstats.solvers.quasi_newton import is_large

if TYPE_CHECKING:  # which asks for what is here
    from vifstats.losses.base import Loss

__all__ = ["unidentified", "unknown_parameters"]

# Gradients are differenced over this share of a standard error.
STEP = 1e-4
# A removal that takes all curvature along a direction has a share of 1. From this share on, a
# removal is looked at more closely.
SUSPECT = 0.9
# Such a removal has more than this share in three random directions, but for one case in 1e5.
PROBES, HINT = 3, 1e-3
# Curvature, or a change of slope, below this share of that of all rows counts as none.
NOTHING = 1e-6
# The slope is computed at these distances from theta, in standard errors, on both sides.
AWAY = (0.25, 1.0, 10.0)
# If more numbers are needed, or more gradients of single removals, the status stays unknown: it is
# not worth the time.
MOST_NUMBERS, MOST_GRADIENTS = 16_000_000, 1_000


@np.errstate(all="ignore")  # a loss may be undefined beside theta: nan is not a finding
def unidentified(loss: "Loss", theta: np.ndarray, removals: Removals) -> np.ndarray:
    """Which removals leave a direction along which nothing changes, bool (n_removals,).

    Differences of gradients find the removals that take enough curvature. Of these, a removal
    counts if the slope without it stays the same along the direction in which its Hessian is flat.
    """
    found = np.zeros(len(removals), dtype=bool)
    # a parameter that vanishes with an object takes its own curvature with it
    owns = loss.with_owned(np.zeros((len(removals), len(theta))), removals, 1.0).any(axis=1)
    asked = np.flatnonzero((removals.sizes > 0) & ~owns)
    if len(asked) and _affordable(loss, theta, removals.take(asked)):
        found[asked] = _unidentified(loss, theta, removals.take(asked))
    return found


def _unidentified(loss: "Loss", theta: np.ndarray, removals: Removals) -> np.ndarray:
    found = np.zeros(len(removals), dtype=bool)
    D = loss.gradient_differences(theta, removals)
    units = _units(loss, theta, D)
    if units is None:
        return found
    to_units, directions = units
    probes, least = np.eye(len(theta)), SUSPECT**2
    if len(theta) > PROBES:
        probes, least = np.random.default_rng(0).normal(size=(len(theta), PROBES)), HINT
    taken = np.zeros(len(removals))
    for direction in STEP * (directions @ probes).T:
        change = loss.gradient_differences(theta + direction, removals) - D
        taken += ((change @ to_units.T / STEP) ** 2).sum(axis=1)
    suspects = np.flatnonzero(~(taken < least))
    if not len(suspects):
        return found
    H = to_units @ loss.pinned_reduced_hessians(theta, removals.take(suspects)) @ directions
    for k, left in zip(suspects.tolist(), H, strict=True):
        found[k] = _is_level(loss, theta, removals.take(np.array([k])), left, to_units, directions)
    return found


def unknown_parameters(loss: "Loss", theta: np.ndarray) -> np.ndarray:
    """The parameters that change along a direction in which H is 0, bool (n_params,)."""
    H = loss.pinned_hessian(theta)
    size = np.sqrt(np.abs(np.diag(H)))
    size = np.where(size > 0, size, 1.0)
    if not np.isfinite(H).all():
        return np.zeros(len(theta), dtype=bool)
    _, values, V = np.linalg.svd(H / size / size[:, None])
    null = V[values <= NOTHING * values.max(initial=0.0)]
    return (np.abs(null) > NOTHING).any(axis=0)


def _affordable(loss: "Loss", theta: np.ndarray, removals: Removals) -> bool:
    p = len(theta)
    numbers = len(removals) * p * p
    by_gradients = len(removals) * p if loss.differs_by_gradients else 0
    return not is_large(p) and numbers <= MOST_NUMBERS and by_gradients <= MOST_GRADIENTS


def _units(loss: "Loss", theta: np.ndarray, D: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A and B (p, p) with A H B = 1, columns of B about a standard error long; or None."""
    H = loss.pinned_hessian(theta)
    if not np.isfinite(H).all():
        return None
    if loss.minimised:
        root = factored(H)
        if root is None:
            return None
        length = np.sqrt(np.nanmean(np.nansum((D @ root) ** 2, axis=0)))
        length = length if length > 0 else 1.0
        return root.T / length, root * length
    try:
        inverse = np.linalg.inv(H)
    except np.linalg.LinAlgError:
        return None
    errors = np.sqrt(np.nansum((D @ inverse.T) ** 2, axis=0))
    errors = np.where(errors > 0, errors, 1.0)
    return inverse / errors[:, None], np.diag(errors)


def _is_level(
    loss: "Loss",
    theta: np.ndarray,
    removal: Removals,
    H: np.ndarray,
    to_units: np.ndarray,
    directions: np.ndarray,
) -> bool:
    """Whether the slope without the removal is the same all along its flattest direction.

    `H` (p, p): without it, in units.
    """
    if not np.isfinite(H).all():
        return False
    _, values, V = np.linalg.svd(H)
    if values[-1] > NOTHING * max(1.0, values[0]):
        return False
    flat = directions @ V[-1]
    # one place after another: a removal has one theta in each call
    places = [theta, *(theta + sign * away * flat for away in AWAY for sign in (1.0, -1.0))]
    here, *slopes = (loss.reduced_slopes(place[None], removal)[1][0] for place in places)
    changes = [np.abs(to_units @ (slope - here)).max() for slope in slopes]
    near, far = changes[:2], changes[2:]
    return any(change <= NOTHING for change in near) and not any(
        change > NOTHING * AWAY[-1] for change in (*near, *far)
    )
