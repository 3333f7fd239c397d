"""The one gate for user input: shapes, finiteness, names and alignment.

Each function returns plain arrays or raises an error that says the rule, the finding and the
remedy. Behind this gate nothing is checked again.
"""

from vifstats.checks.arrays import design_matrix, group_labels, row_vector
from vifstats.checks.estimates import (
    kept_rows,
    one_of,
    parameter_names,
    parameters,
    penalty_matrix,
    positive_number,
    profiles,
    usable_loss,
    whole_number,
)
from vifstats.checks.survival_input import SurvivalInput, case_weights, strata_codes, survival

__all__ = [
    "SurvivalInput",
    "case_weights",
    "design_matrix",
    "group_labels",
    "kept_rows",
    "one_of",
    "parameter_names",
    "parameters",
    "penalty_matrix",
    "positive_number",
    "profiles",
    "row_vector",
    "strata_codes",
    "survival",
    "usable_loss",
    "whole_number",
]
