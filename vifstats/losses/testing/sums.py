"""The rule that a loss is a sum: who leaves must not rescale the terms of those who stay."""

from collections.abc import Callable

import numpy as np

from vifstats.errors import LossError
from vifstats.losses.testing.trial import Trial

__all__ = ["is_a_sum"]

# A mean over half the objects curves like the mean over all of them: two halves give 2, for a sum
# of terms exactly and always. Cox sums give 0.3 to 1.1; now and then one of eight random splits
# takes out the row that dominates and gives 3, but never all eight (0 of 1200 problems).
MEAN = 1.5


def is_a_sum(trial: Trial) -> str:
    """Removing objects does not rescale the rest."""
    if trial.loss.fractional:
        _require_weights(trial)
    full = _curve(trial, np.ones(trial.loss.n_objects))
    if not full > 0 or trial.loss.n_objects < 4 or not trial.halves:
        return "not told from a mean: no curvature along the direction tried, or too few objects"
    halves = [_curve(trial, half) for half in trial.halves]
    ratios = np.add(halves[::2], halves[1::2]) / full
    if ratios.min() > MEAN:
        raise LossError(
            f"{trial.noun} must be a sum over the present objects, but two halves of them together "
            f"curve {ratios.mean():.3g} times as much as all of them, as a mean does (2); take the "
            "sum. If a mean is meant, or the objects repeat one another, pass skip=['sum']."
        )
    return f"two halves curve {ratios.mean():.3g} times as much as all objects"


def _curve(trial: Trial, presence: np.ndarray) -> float:
    """Second derivative along `direction`, without that of the penalty."""
    return float((trial.bend(presence) - _left(trial, trial.bend)) @ trial.direction)


def _left(trial: Trial, derivative: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | float:
    """A derivative without objects, 0 where it is 0/0 in a mean, or the loss not defined."""
    return np.nan_to_num(derivative(trial.none)) if trial.defined(trial.none) else 0.0


def _require_weights(trial: Trial) -> None:
    def derivatives(b: np.ndarray) -> np.ndarray:
        return np.concatenate([trial.gradient(b), trial.curvature(b)])

    half = trial.halves[0] if trial.halves else np.ones(trial.loss.n_objects)
    nobody = _left(trial, derivatives)
    some, shrunk = derivatives(half) - nobody, derivatives(0.5 * half) - nobody
    if some.any() and np.abs(shrunk - some).max() <= 1e-6 * np.abs(some).max():
        raise LossError(
            f"{trial.noun} must be a sum in which b[i] multiplies the weight of object i, but "
            "halving every presence leaves the derivatives as they are "
            f"({np.abs(some).max():.6g}): it is a mean over the present objects, or reads "
            "presence as a mask only. Take the sum, "
            "multiply by b; or set `fractional = False` on a loss that has no meaning between 0 "
            "and 1."
        )
