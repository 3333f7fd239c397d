"""The rule that a loss is a sum: who leaves must not rescale the terms of those who stay."""

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
    if not full > 0 or trial.loss.n_objects < 4:
        return "not told from a mean: no curvature along the direction tried, or few objects"
    halves = [_curve(trial, half) for half in trial.halves]
    ratios = np.add(halves[::2], halves[1::2]) / full
    if ratios.min() > MEAN:
        raise LossError(
            "A loss must be a sum over the present objects, but two halves of them together curve "
            f"{ratios.mean():.3g} times as much as all of them, as a mean does (2); take the sum. "
            "If a mean is meant, or the objects repeat one another, pass skip=['sum']."
        )
    return f"two halves curve {ratios.mean():.3g} times as much as all objects"


def _curve(trial: Trial, presence: np.ndarray) -> float:
    """Second derivative along `direction`, the penalty's left out."""
    change = trial.curvature(presence) - np.nan_to_num(trial.curvature(trial.none))
    return float(change @ trial.direction)


def _require_weights(trial: Trial) -> None:
    def derivatives(b: np.ndarray) -> np.ndarray:
        return np.concatenate([trial.gradient(b), trial.curvature(b)])

    nobody = np.nan_to_num(derivatives(trial.none))  # 0/0 in a mean
    some = derivatives(trial.halves[0]) - nobody
    shrunk = derivatives(0.5 * trial.halves[0]) - nobody
    if some.any() and np.abs(shrunk - some).max() <= 1e-6 * np.abs(some).max():
        raise LossError(
            "A loss must be a sum in which b[i] multiplies the weight of object i, but halving "
            f"every presence leaves its derivatives as they are ({np.abs(some).max():.6g}): it is "
            "a mean over the present objects, or reads presence as a mask only. Take the sum, "
            "multiply by b; or set `fractional = False` on a loss that has no meaning between 0 "
            "and 1."
        )
