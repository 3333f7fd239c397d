"""Rules on what a loss says of its parameters: which vanish with an object, which are gauge."""

import numpy as np

from vifstats.errors import LossError
from vifstats.losses.testing.trial import Trial

__all__ = ["gauge_has_no_slope", "owned_parameters_vanish"]

# What cancels, relative to what it cancelled from.
ROUNDING = 1e-10


def owned_parameters_vanish(trial: Trial) -> str:
    """Without its object an owned parameter has no slope, and it alone has none."""
    count, rounding = 0, ROUNDING * trial.slopes
    bent = ROUNDING * np.abs(trial.curvature(np.ones(trial.loss.n_objects)))
    for i in trial.removable:
        owned, b = list(trial.loss.owned(i)), trial.without(i)
        slope = trial.gradient(b)
        if (np.abs(slope[owned]) > rounding[owned]).any():
            raise LossError(
                f"Parameters {owned} are owned by object {i}, so without it the loss must not "
                f"depend on them, but its gradient there is {slope[owned]}; let all terms with "
                "these parameters, penalties too, be multiplied by the object's presence."
            )
        vanished = (np.abs(slope) <= rounding) & (rounding > 0)
        vanished &= np.abs(trial.curvature(b)) <= bent
        if len(orphans := np.setdiff1d(np.flatnonzero(vanished), owned)):
            raise LossError(
                f"Parameters that vanish with an object must be owned by it, but without object "
                f"{i} the loss no longer depends on {orphans.tolist()}, and it owns {owned}; name "
                "them in owned(i), or penalise them whoever is present."
            )
        count += len(owned)
    return f"{count} have no slope without their object" if count else "no parameter is owned"


def gauge_has_no_slope(trial: Trial) -> str:
    """Along gauge directions the loss does not change, whoever is present."""
    gauge = trial.loss.gauge(trial.theta)
    if gauge.ndim != 2 or gauge.shape[1] != len(trial.theta):
        raise LossError(
            f"`gauge` must return one direction a row, shape (k, {len(trial.theta)}), but has "
            f"shape {gauge.shape}."
        )
    masks = [("with all objects", np.ones(trial.loss.n_objects))]
    masks += [(f"without object {i}", trial.without(i)) for i in trial.removable[:3]]
    for words, b in masks:
        gradient = trial.gradient(b)
        for k, direction in enumerate(gauge):
            parts = gradient * direction
            if not abs(parts.sum()) <= ROUNDING * np.abs(parts).sum():
                raise LossError(
                    f"Along a gauge direction the loss must not change, but {words} its slope "
                    f"along direction {k} is {parts.sum():.6g}; correct `gauge`, or leave out what "
                    "a penalty fixes."
                )
    return f"no slope along {len(gauge)} gauge directions" if len(gauge) else "none"
