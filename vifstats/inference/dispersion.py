"""The dispersion after each removal: estimated again where the fit estimates it."""

from typing import Any

import numpy as np

from vifstats.inference.twins import expected_curvature
from vifstats.losses import LinearPredictor
from vifstats.losses.base import BLOCK_NUMBERS, Loss
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals

__all__ = ["dispersions_without", "residual_counts"]

# Relative to itself: a dispersion as near as this to Pearson's is that.
SAME = 1e-6


def residual_counts(fit: Any, loss: Loss) -> np.ndarray | None:
    """How many observations each row counts for in the degrees of freedom, shape (n_objects,).

    None where the dispersion is not Pearson's: sum of w (y - mu)^2 / V(mu) over n - p.
    """
    if not isinstance(loss, LinearPredictor) or len(loss.designs) > 1:
        return None
    if not isinstance(loss.row_loss, SquaredError) and not hasattr(loss.row_loss, "link"):
        return None
    # of edits, the rows as they are recorded
    everybody = getattr(fit, "as_recorded", None) or Removals.nobody(loss.n_objects)
    full, here = _pearson(loss, fit.theta[None], everybody), everybody.codes < 0
    # of single rows, and of rows that stand for as many as their weight says
    given = fit.inference.counts
    for counts in ([] if given is None else [given]) + [np.ones(loss.n_objects), loss.weights]:
        if np.allclose(
            full, fit.dispersion * (counts[here].sum() - len(fit.theta)), rtol=SAME, atol=0
        ):
            return counts
    return None


def dispersions_without(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals
) -> np.ndarray | float:
    """Pearson's dispersion after each removal, shape (n_removals, 1), where the fit has that.

    Any other dispersion is held. The residual variance of least squares is Pearson's.
    """
    counts = residual_counts(fit, loss)
    if counts is None or not isinstance(loss, LinearPredictor):
        return fit.dispersion
    left = counts.sum() - len(fit.theta) - removals.sums(counts)
    without = _pearson(loss, thetas, removals)
    return (without / np.where(left > 0, left, np.nan))[:, None]


def _pearson(loss: LinearPredictor, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Sum of w (y - mu)^2 / V(mu) = w slope^2 / E(curvature) after each removal: (k,)."""
    if isinstance(loss.row_loss, SquaredError):
        return _sums_of_squares(loss, thetas, removals)
    out = np.empty(len(removals))
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // loss.n_objects)):
        eta = loss.predictors.at(thetas[part])
        slope = loss.row_loss.slope(eta, loss.y)[0]
        squares = slope**2 / expected_curvature(loss.row_loss, eta, loss.y)[0, 0]
        gone = some.codes == np.arange(len(some))[:, None]
        out[part] = np.sum(np.where(gone, 0.0, loss.weights * squares), axis=1)
    return out


def _sums_of_squares(loss: LinearPredictor, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Weighted squares of the residuals after each removal, penalty left out: (n_removals,)."""
    values = 2 * loss.reduced_slopes(thetas, removals)[0]
    if loss.penalty is None:
        return values
    return values - np.einsum("kp,pq,kq->k", thetas, loss.penalty, thetas)
