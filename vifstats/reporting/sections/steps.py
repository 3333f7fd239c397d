"""Steps of a covariate that mean the same in any unit: what an effect is the effect of."""

from typing import Any

import numpy as np

from vifstats.losses import Cox, FineGray, LinearPredictor, Loss
from vifstats.losses.effects import Effects

__all__ = ["in_steps", "steps_of"]

# Between two values, as those of yes and no, or a standard deviation.
TWO_VALUES, STANDARD_DEVIATION = "two values", "standard deviation"


def steps_of(loss: Loss, n_params: int) -> list[tuple[float, str]]:
    """For each parameter the step of its covariate, in its units, and what that is.

    From one value to the other of covariates with two, so that nothing changes where they are 0
    and 1; else a standard deviation. In any unit, the ratio of a step is the same number. Where
    nothing is known of a covariate, or it does not vary: 1 and "".

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0, 1.0], [1.0, 2.0], [0.0, 6.0]], [1.0, 2.0, 3.0])
    >>> [(round(step, 3), what) for step, what in steps_of(loss, 2)]
    [(1.0, 'two values'), (2.646, 'standard deviation')]
    """
    if isinstance(loss, Cox | FineGray):
        design = loss.data.X
    elif isinstance(loss, LinearPredictor):
        design = np.hstack(loss.designs)
    else:
        design = np.empty((loss.n_objects, 0))
    steps = [_step(x) for x in design.T]
    return steps + [(1.0, "")] * (n_params - len(steps))


def in_steps(
    section: dict[str, Any] | None, coefficients: list[dict[str, Any]], effects: Effects
) -> dict[str, Any] | None:
    """The section "sets" with the effects of one step; a coefficient stays that of one unit.

    `coefficients`: the section.
    """
    if section is None:
        return None
    entries = {item["name"]: item for item in coefficients}
    return section | {
        "items": [
            item | _of_a_step(item, entries[item["name"]], effects) for item in section["items"]
        ]
    }


def _of_a_step(item: dict[str, Any], entry: dict[str, Any], effects: Effects) -> dict[str, Any]:
    step, places = (entry["step"], "step_decimals") if effects.ratio else (1.0, "decimals")
    both = np.array([item["effect"], item["refitted_effect"]])
    with np.errstate(over="ignore"):
        was, to = both if step == 1.0 else np.power(both, step)
    out = {"step_is": entry["step_is"], "step_decimals": entry[places]}
    return out | {"step_effect": was, "step_refitted": to}


def _step(x: np.ndarray) -> tuple[float, str]:
    low, high = x.min(), x.max()
    if low == high:
        return 1.0, ""
    if np.all((x == low) | (x == high)):
        return float(high - low), TWO_VALUES
    return float(x.std(ddof=1)), STANDARD_DEVIATION
