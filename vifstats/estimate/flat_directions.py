"""Where a loss hardly curves: whether it rises along a direction at all, or falls for ever.

And whether it would still curve at the minimum, to which parameters are only near.
"""

from typing import TYPE_CHECKING

import numpy as np

from vifstats.losses.base import Loss
from vifstats.solvers.linalg import pinned
from vifstats.solvers.quasi_newton import is_large

if TYPE_CHECKING:
    from vifstats.estimate.estimate import Estimate

__all__ = ["NOTHING", "nearby_hessian", "rises", "runs_away"]

# From a minimum the loss rises by about 1/2 within a standard error; from none, by less than this.
RISE = 0.01
# So many standard errors away.
FAR = (1, 10, 100)
# A direction whose share of a parameter is below this does not name it.
NOTHING = 1e-2
# Beside the minimum the slope adds to the curvature. An eigenvalue of H at unit diagonal may be due
# to that alone if it is below LENT, and below PER_LENGTH times the distance from the minimum.
LENT, PER_LENGTH = 1e-2, 10.0
# Each Newton step doubles the digits: a few lead from the tolerance of `Estimate` to rounding. If
# the last is longer than ARRIVED, no minimum is near.
STEPS, ARRIVED = 6, 1e-6
# No step is taken along eigenvectors whose eigenvalue, at unit diagonal, is below this.
FLAT = 1e-8


def runs_away(est: "Estimate") -> np.ndarray | None:
    """The direction in which H is flattest, if the loss does not rise along it, (n_params,)."""
    if is_large(len(est.theta)) or not est.loss.minimised:
        return None
    H = pinned(est.hessian, est.loss.gauge(est.theta))
    if (parts := _scaled(H)) is None:
        return None
    size, _, V = parts
    direction = V[:, 0] / size
    curvature = direction @ H @ direction
    if not curvature > 0:
        return None
    # a standard error, at which the loss rises by half the dispersion, whatever its units
    direction *= np.sqrt(est.dispersion / curvature)
    slope = direction @ est.loss.gradient(est.theta)
    rise = RISE * est.dispersion
    # elsewhere than near a minimum the loss falls anyway
    if abs(slope) > rise or rises(est.loss, est.theta, direction, rise):
        return None
    direction *= -np.sign(slope) or 1.0
    share = np.abs(direction) * size
    return np.where(share > NOTHING * share.max(), direction, 0.0)


def rises(loss: Loss, theta: np.ndarray, step: np.ndarray, rise: float = RISE) -> bool:
    """Whether the loss rises on both sides, a standard error away (from a minimum by 1/2) or more.

    It may fall into a lower minimum next to it; towards infinity it never rises again.
    """
    everyone = loss.everyone()

    def falls(sign: int) -> bool:
        return all(loss.value(theta + sign * far * step, everyone) < bound for far in FAR)

    with np.errstate(all="ignore"):  # far off a loss may be infinite
        bound = loss.value(theta, everyone) + rise
        return not (falls(-1) or falls(1))


@np.errstate(all="ignore")  # a loss may be undefined beside theta: nan is not a finding
def nearby_hessian(est: "Estimate", H: np.ndarray) -> np.ndarray | None:
    """H at the minimum, (p, p), if an eigenvalue of H at theta may be due to the slope there.

    If the loss is the same along a curve, as with a product of two parameters, H at the minimum is
    0 along it. Beside the minimum the loss slopes across the curve, and H along it is positive or
    negative by chance. None if the eigenvalues are larger than that, or if no minimum is near.
    """
    if is_large(len(est.theta)) or not est.loss.minimised:
        return None
    if (parts := _scaled(H)) is None or parts[1][0] > LENT:
        return None
    size, smallest = parts[0], parts[1][0]
    unit = min(np.sqrt(est.dispersion), np.linalg.norm(size * est.theta))
    theta, step = est.theta, _step(H, est.loss.gradient(est.theta))
    length = np.linalg.norm(size * step)
    if not smallest * unit <= PER_LENGTH * length:
        return None
    for _ in range(STEPS):
        theta = theta - step
        H = est.loss.pinned_hessian(theta)
        before, step = length, _step(H, est.loss.gradient(theta))
        length = np.linalg.norm(size * step)
        if not length < 0.5 * before:
            break
    return H if length <= ARRIVED * unit else None


def _step(H: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The Newton step, but 0 along flat directions, where the slope is rounding; or nan."""
    if (parts := _scaled(H)) is None:
        return np.full(len(gradient), np.nan)
    size, values, V = parts
    V, values = V[:, values > FLAT], values[values > FLAT]
    return V @ ((gradient / size) @ V / values) / size


def _scaled(H: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Square roots of the diagonal, and eigenvalues and vectors with a diagonal of 1."""
    with np.errstate(invalid="ignore"):  # not of a minimum
        size = np.sqrt(np.diag(H))
    if not (np.isfinite(H).all() and (size > 0).all()):
        return None
    return size, *np.linalg.eigh(H / size / size[:, None])
