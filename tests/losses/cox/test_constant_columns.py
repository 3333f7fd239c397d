"""Constant in every risk set, found by linked rows, against looking at every risk set."""

from unittest.mock import patch

import numpy as np
from hypothesis import given
from strategies import cox_problems

from vifstats.checks import survival
from vifstats.losses.cox import constant_columns as module
from vifstats.losses.cox.constant_columns import constant_columns
from vifstats.losses.cox.risk_sets import risk_sets


def constant_by_definition(problem):
    strata = np.zeros(problem.n_rows) if problem.strata is None else problem.strata
    constant = np.ones(problem.n_params, dtype=bool)
    for row in np.flatnonzero(problem.event):
        t, stratum = problem.time[row], strata[row]
        X = problem.X[problem.at_risk(t) & (strata == stratum)]
        constant &= np.ptp(X, axis=0) == 0
    return constant


@given(cox_problems(max_rows=12))
def test_linked_rows_equal_the_definition(problem):
    data = survival(
        problem.X, problem.time, problem.event, entry=problem.entry, strata=problem.strata
    )
    expected = constant_by_definition(problem)
    np.testing.assert_array_equal(constant_columns(data.X, risk_sets(data)), expected)
    with patch.object(module, "BLOCK", 2):
        np.testing.assert_array_equal(constant_columns(data.X, risk_sets(data)), expected)
