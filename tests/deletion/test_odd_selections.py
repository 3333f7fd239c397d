"""Masks with gaps, tables, structured arrays and nothing, where rows or groups are asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import VifError

N = 12
RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(N, 2)), np.arange(1.0, N + 1)
E = np.arange(N) % 3 > 0
EST = vs.minimize(vs.losses.Cox(X, T, E), [0.0, 0.0])
VERBS = (vs.vif, vs.classical_if, vs.newton_step, vs.leave_one_out, vs.truncated_refits)

NOT_ROWS = {
    "a mask with a gap": pd.array([True, None] * (N // 2), dtype="boolean"),
    "a column with a gap": pd.Series([False, pd.NA] * (N // 2), dtype="boolean"),
    "a list with a gap": [True, None] * (N // 2),
    "a table": pd.DataFrame({"a": [0, 1]}),
    "two columns": np.zeros((2, 2), dtype=int),
    "lists of rows": [[0, 1], [2, 3]],
    "structured": np.zeros(2, dtype=[("row", int), ("name", int)]),
}
NOT_GROUPS = {
    "structured": np.zeros(N, dtype=[("site", int), ("ward", int)]),
    "gaps": pd.array(["a", None] * (N // 2), dtype="string"),
    "gaps among numbers": pd.array([1, pd.NA] * (N // 2), dtype="Int64"),
    "two columns": np.zeros((N, 2)),
    "a table": pd.DataFrame(X),
    "lists": [[k] for k in range(N)],
}
GROUPED = {
    "vif": lambda groups: vs.vif(EST, groups=groups),
    "refits": lambda groups: vs.leave_one_out(EST, groups=groups),
    "a group left out": lambda groups: vs.leave_one_group_out(EST, groups),
    "clusters": lambda groups: EST.cov_params("robust", groups=groups),
    "curves": lambda groups: vs.kaplan_meier(T, E, groups=groups),
    "strata": lambda groups: vs.losses.Cox(X, T, E, strata=groups),
}


@pytest.mark.parametrize("rows", NOT_ROWS)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_what_names_no_rows_is_refused(verb, rows):
    with pytest.raises(VifError, match="objects"):
        verb(EST, objects=NOT_ROWS[rows])


@pytest.mark.parametrize("kind", NOT_GROUPS)
@pytest.mark.parametrize("call", GROUPED)
def test_what_groups_no_rows_is_refused(call, kind):
    several_columns = kind in ("structured", "two columns", "a table", "lists")
    if several_columns and call in ("curves", "strata"):
        return  # each combination is one
    with pytest.raises(VifError):
        GROUPED[call](NOT_GROUPS[kind])


@pytest.mark.parametrize("nothing", [[], np.array([]), np.zeros(N, dtype=bool), pd.Index([])])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_nothing_asked_is_nothing_found(verb, nothing):
    found = verb(EST, objects=nothing)
    assert found.values.shape == (0, 2) and len(found.table) == 0 and len(found.status) == 0
    assert found.cooks_distance.empty and repr(found) and found.to_csv().count("\n") == 1


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_mask_without_gaps_is_what_it_says(verb):
    mask = pd.array(np.arange(N) % 5 == 1, dtype="boolean")
    np.testing.assert_array_equal(verb(EST, objects=mask).index, [1, 6, 11])


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_nobody_would_be_left(verb):
    with pytest.raises(VifError, match="must leave something behind"):
        verb(EST, groups=["all"] * N)
    alone = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, [1.0]), [0.0])
    with pytest.raises(VifError, match="must leave something behind"):
        verb(alone)
