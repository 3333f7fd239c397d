"""Where a loss hardly curves: whether it rises along a direction at all, or falls for ever."""

from typing import TYPE_CHECKING

import numpy as np

from vifstats.losses.base import Loss
from vifstats.solvers.linalg import pinned
from vifstats.solvers.quasi_newton import is_large

if TYPE_CHECKING:
    from vifstats.estimate.estimate import Estimate

__all__ = ["NOTHING", "rises", "runs_away"]

# From a minimum the loss rises by about 1/2 within a standard error; from none, by less than this.
RISE = 0.01
# So many standard errors away.
FAR = (1, 10, 100)
# A direction whose share of a parameter is below this does not name it.
NOTHING = 1e-2


def runs_away(est: "Estimate") -> np.ndarray | None:
    """The direction in which H is flattest, if the loss does not rise along it, (n_params,)."""
    if is_large(len(est.theta)) or not est.loss.minimised:
        return None
    H = pinned(est.hessian, est.loss.gauge(est.theta))
    size = np.sqrt(np.diag(H))
    if not (np.isfinite(H).all() and size.all()):
        return None
    direction = np.linalg.eigh(H / size / size[:, None])[1][:, 0] / size
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
