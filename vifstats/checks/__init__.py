"""The one gate for user input: shapes, finiteness, names and alignment.

Each function returns plain arrays or raises an error that states the rule, the finding and the
remedy. Nothing is checked again behind this gate.
"""

from vifstats.checks.arrays import (
    at,
    design_matrix,
    finite_array,
    group_labels,
    matrices_in_place,
    number_array,
    row_positions,
    row_vector,
    table_of_rows,
)
from vifstats.checks.frames import as_pandas
from vifstats.checks.graphs import undirected_graph
from vifstats.checks.objects import (
    file_target,
    function,
    instance,
    object_labels,
    plain_text,
    unique_names,
)
from vifstats.checks.parameters import (
    dispersion,
    kept_rows,
    parameter_names,
    parameter_rows,
    parameters,
    penalty_matrix,
    short_step,
    usable_equations,
    usable_loss,
    varying,
)
from vifstats.checks.profiles import profiles
from vifstats.checks.rankings import ItemLists, item_lists, paired_items, query_features
from vifstats.checks.scalars import (
    among,
    counting_number,
    file_path,
    finite_number,
    flag,
    non_negative_number,
    one_number,
    one_of,
    pair,
    positive_number,
    proportion,
    seconds,
    times,
    tolerance,
    whole_number,
)
from vifstats.checks.survival import (
    SurvivalInput,
    case_weights,
    causes,
    observed_cause,
    strata_codes,
    survival,
)
from vifstats.checks.text import quoted

__all__ = [
    "ItemLists",
    "SurvivalInput",
    "among",
    "as_pandas",
    "at",
    "case_weights",
    "causes",
    "counting_number",
    "design_matrix",
    "dispersion",
    "file_path",
    "file_target",
    "finite_array",
    "finite_number",
    "flag",
    "function",
    "group_labels",
    "instance",
    "item_lists",
    "kept_rows",
    "matrices_in_place",
    "non_negative_number",
    "number_array",
    "object_labels",
    "one_number",
    "observed_cause",
    "one_of",
    "pair",
    "paired_items",
    "parameter_names",
    "parameter_rows",
    "parameters",
    "penalty_matrix",
    "plain_text",
    "positive_number",
    "profiles",
    "proportion",
    "query_features",
    "quoted",
    "row_positions",
    "row_vector",
    "seconds",
    "short_step",
    "strata_codes",
    "survival",
    "table_of_rows",
    "times",
    "tolerance",
    "undirected_graph",
    "unique_names",
    "usable_equations",
    "usable_loss",
    "varying",
    "whole_number",
]
