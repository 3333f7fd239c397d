"""What least squares has in closed form: residual variances and residuals without single rows."""

from typing import Any

import numpy as np

from vifstats.inference.dispersion import dispersions_without, residual_counts
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals

__all__ = ["deletion_variances", "is_least_squares", "row_diagnostics"]

# Below this 1 - leverage a row is fitted exactly, and without it a column is lost.
LEVERAGE_ONE = 1e-12


def is_least_squares(fit: Any) -> bool:
    """Whether the dispersion is the residual variance of a least squares fit."""
    loss = fit.loss
    squares = isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)
    return squares and residual_counts(fit, loss) is not None


def deletion_variances(fit: Any, removals: Removals) -> np.ndarray:
    """The residual variance of least squares after each removal, shape (n_removals,).

    That of the refit, whatever approximation a result holds: in closed form for single rows, else
    after one Newton step, which is the refit.
    """
    loss = fit.loss
    if removals.single and loss.penalty is None:
        inside = removals.sizes > 0
        return np.where(inside, removals.sums(_variances(fit, loss)), fit.dispersion)
    slopes = loss.gradient_differences(fit.theta, removals)
    steps = loss.reduced_solves(fit.theta, removals, slopes)
    return np.squeeze(dispersions_without(fit, loss, fit.theta + steps, removals), axis=1)


def row_diagnostics(fit: Any) -> dict[str, np.ndarray] | None:
    """Residuals and their relatives of each object by name, shape (n_objects,).

    None for anything but least squares without a penalty.

    References
    ----------
    Belsley, Kuh & Welsch (1980), Regression Diagnostics, pp. 15-23; the names are statsmodels'
    and, of ``cov_ratio``, R's covratio.
    """
    loss = fit.loss
    if not is_least_squares(fit) or loss.penalty is not None:
        return None
    h, residuals = loss.leverages(fit.theta), _residuals(fit, loss)
    distance = np.where(1 - h > LEVERAGE_ONE, 1 - h, np.nan)
    without = _variances(fit, loss)
    student = residuals / np.sqrt(without * distance)
    return {
        "standard_resid": residuals / np.sqrt(fit.dispersion * distance),
        "hat_diag": h,
        "student_resid": student,
        "dffits": student * np.sqrt(h / distance),
        "cov_ratio": (without / fit.dispersion) ** len(fit.theta) / distance,
    }


def _residuals(fit: Any, loss: LinearPredictor) -> np.ndarray:
    """Residuals times the root of the weights."""
    slope = loss.row_loss.slope(loss.predictors.at(fit.theta), loss.y)[0]
    return -np.sqrt(loss.weights) * slope


def _variances(fit: Any, loss: LinearPredictor) -> np.ndarray:
    """(SSR - e^2 / (1 - h)) / (df - 1) without each object, nan where nothing is left."""
    counts = np.asarray(residual_counts(fit, loss))  # None only for other losses
    df = counts.sum() - len(fit.theta)
    if fit.perfect:
        return np.full(loss.n_objects, np.nan)
    distance = 1 - loss.leverages(fit.theta)
    usable = distance > LEVERAGE_ONE
    lost = _residuals(fit, loss) ** 2 / np.where(usable, distance, 1.0)
    left = np.where(usable & (df - counts > 0), df - counts, np.nan)
    return np.maximum(fit.dispersion * df - lost, 0.0) / left
