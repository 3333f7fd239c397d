"""The rules by name, in the order in which one failure explains the next."""

from collections.abc import Callable

from vifstats.losses.testing import absent_data, derivatives, structure, sums, values
from vifstats.losses.testing.trial import Trial

__all__ = ["EQUATION_RULES", "RULES"]

RULES: dict[str, Callable[[Trial], str]] = {
    "number": values.is_one_number,
    "presence": values.depends_on_presence,
    "theta": derivatives.depends_on_theta,
    "sum": sums.is_a_sum,
    "absent": values.stays_finite,
    "autodiff": derivatives.are_those_of_the_value,
    "overrides": derivatives.overrides_equal_defaults,
    "owned": structure.owned_parameters_vanish,
    "gauge": structure.gauge_has_no_slope,
    "penalty": values.leaves_the_penalty,
    "absent data": absent_data.is_not_read,
}

# Equations have neither parameters that vanish with their object nor gauge directions.
EQUATION_RULES = {
    name: values.are_one_for_each_parameter if name == "number" else rule
    for name, rule in RULES.items()
    if name not in ("owned", "gauge")
}
