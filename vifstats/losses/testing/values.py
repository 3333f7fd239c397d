"""Rules on the value of a loss."""

import numpy as np

from vifstats import checks
from vifstats.errors import LossError
from vifstats.losses.testing.trial import Trial

__all__ = [
    "are_one_for_each_parameter",
    "depends_on_presence",
    "is_one_number",
    "leaves_the_penalty",
    "stays_finite",
]

# An absent object contributes an exact 0; what is left are shifts that cancel but for rounding.
ROUNDING = 1e-10


def is_one_number(trial: Trial) -> str:
    """One finite float, the same each time, and one label per object."""
    loss, theta, b = trial.loss, trial.theta.copy(), np.ones(trial.loss.n_objects)
    checks.usable_loss(loss, theta)
    value = loss.value(theta, b)
    if np.shape(value) != () or np.asarray(value).dtype.kind != "f":
        raise LossError(
            f"A loss must return one float, but it returned {type(value).__name__} of shape "
            f"{np.shape(value)}, dtype {np.asarray(value).dtype}; sum over the objects in floats."
        )
    if len(loss.labels) != loss.n_objects:
        raise LossError(
            f"A loss needs one label per object, {loss.n_objects}, but has {len(loss.labels)}."
        )
    again = float(loss.value(theta, b))
    if again != float(value) or (theta != trial.theta).any() or (b != 1).any():
        raise LossError(
            f"A loss must be a function: it returned {float(value)!r}, then {again!r} at the same "
            "theta and presence, or changed them in place; draw random numbers once, before it."
        )
    return f"one float, {float(value):.6g}"


def are_one_for_each_parameter(trial: Trial) -> str:
    """Finite equations, one for each parameter, the same each time, and one label per object."""
    loss, theta, b = trial.loss, trial.theta.copy(), np.ones(trial.loss.n_objects)
    psi = loss.gradient(theta, b)  # refuses another shape
    if not np.isfinite(psi).all():
        raise LossError(
            f"Equations must be finite at theta, but are {psi}; try a theta inside their domain."
        )
    if len(loss.labels) != loss.n_objects:
        raise LossError(
            f"Equations need one label per object, {loss.n_objects}, but have {len(loss.labels)}."
        )
    again = loss.gradient(theta, b)
    if (again != psi).any() or (theta != trial.theta).any() or (b != 1).any():
        raise LossError(
            f"Equations must be a function: they returned {psi}, then {again} at the same theta "
            "and presence, or changed them in place; draw random numbers once, before them."
        )
    return f"{len(psi)} finite numbers"


def depends_on_presence(trial: Trial) -> str:
    """The value changes when objects leave."""
    values = {words: trial.value(b) for words, b in trial.masks}
    full, none = values["with all objects"], values.get("without any object", np.nan)
    if not trial.undefined and all(value == full for value in values.values()):
        raise LossError(
            f"{trial.noun} must depend on presence, but the value is {full:.6g} whichever objects "
            "are present, also without any; multiply the term of object i by b[i]."
        )
    with_none = "undefined" if np.isnan(none) else f"{none:.6g}"
    return f"the value is {full:.6g} with all objects, {with_none} with none"


def stays_finite(trial: Trial) -> str:
    """Value, gradient and second derivative are finite, wherever the loss is defined."""
    for words, b in trial.masks:
        parts = {
            "value": np.array(trial.value(b)),
            "gradient": trial.gradient(b),
            "second derivative": trial.curvature(b),
        }
        for part, numbers in parts.items():
            if not np.isfinite(numbers).all():
                raise LossError(
                    f"An absent object must contribute an exact 0, but {words} the {part} is "
                    f"{numbers}; 0 * log(0), 0/0 and 0 * inf are the usual causes: choose what "
                    "goes into the log, as in log(where(b > 0, r, 1.0))."
                )
    finite = f"finite at {len(trial.masks)} choices of who is present"
    if not trial.undefined:
        return finite
    return (
        f"{finite}; not defined at {len(trial.undefined)} others, {trial.undefined[0]} for one, "
        "where it grows beyond all bounds as the absent fade out"
    )


def leaves_the_penalty(trial: Trial) -> str:
    """Without objects only the penalty is left."""
    if not trial.defined(trial.none):
        return "the loss is not defined without any object"
    left, penalty = trial.value(trial.none), trial.penalty
    if penalty is None:
        return "nothing is left" if left == 0 else f"{left:.6g} is left: taken for a penalty"
    if not abs(left - penalty) <= ROUNDING * (1 + abs(penalty)):
        raise LossError(
            f"Without objects {trial.penalised} penalty, {penalty:.6g}, but it is {left:.6g}; "
            "multiply the terms of object i by b[i]."
        )
    return f"without objects {left:.6g} is left"
