"""The one gate for user input: shapes, finiteness, names and alignment.

Each function returns plain arrays or raises an error that says the rule, the finding and the
remedy. Behind this gate nothing is checked again.
"""

from vifstats.checks.arrays import at, design_matrix, group_labels, row_vector, table_of_rows
from vifstats.checks.frames import as_pandas
from vifstats.checks.graphs import undirected_graph
from vifstats.checks.parameters import (
    dispersion,
    kept_rows,
    parameter_names,
    parameters,
    penalty_matrix,
    short_step,
    usable_loss,
    varying,
)
from vifstats.checks.profiles import profiles
from vifstats.checks.rankings import ItemLists, item_lists, paired_items, query_features
from vifstats.checks.scalars import (
    among,
    counting_number,
    file_path,
    flag,
    non_negative_number,
    one_number,
    one_of,
    positive_number,
    proportion,
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
    "flag",
    "group_labels",
    "item_lists",
    "kept_rows",
    "non_negative_number",
    "one_number",
    "observed_cause",
    "one_of",
    "paired_items",
    "parameter_names",
    "parameters",
    "penalty_matrix",
    "positive_number",
    "profiles",
    "proportion",
    "query_features",
    "row_vector",
    "short_step",
    "strata_codes",
    "survival",
    "table_of_rows",
    "tolerance",
    "undirected_graph",
    "usable_loss",
    "varying",
    "whole_number",
]
