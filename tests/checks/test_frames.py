"""Tables of polars and pyarrow are read as those of pandas are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lifelines import CoxPHFitter
from tolerances import relative_error

import vifstats as vs
from vifstats import checks
from vifstats.datasets import load_rossi
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Logistic

NAMES = ["fin", "age", "prio"]


@pytest.fixture(scope="module")
def rossi() -> pd.DataFrame:
    return load_rossi().assign(w=lambda d: 1.0 + d["age"] % 3)


def to_polars(table: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(table)


def to_arrow(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)


def columns(table, name):
    """One column, as the library hands it out."""
    return table.column(name) if isinstance(table, pa.Table) else table[name]


@pytest.fixture(params=[to_polars, to_arrow])
def convert(request):
    return request.param


def test_a_fit_takes_its_table_from_any_library(rossi, convert):
    fit = CoxPHFitter().fit(rossi, "week", "arrest", weights_col="w", robust=True)
    expected = vs.vif_cox(fit, rossi).dfbeta
    pd.testing.assert_frame_equal(vs.vif_cox(fit, convert(rossi)).dfbeta, expected)


def test_coefficients_take_columns_from_any_library(rossi, convert):
    table = convert(rossi)
    theta = np.zeros(3)
    one, other = (
        vs.vif_cox(
            theta,
            X,
            columns(data, "week"),
            columns(data, "arrest"),
            weights=columns(data, "w"),
            strata=columns(data, "wexp"),
            groups=columns(data, "race"),
            tol=np.inf,
        ).dfbeta
        for data, X in ((rossi, rossi[NAMES]), (table, table.select(NAMES)))
    )
    pd.testing.assert_frame_equal(other, one)


def test_losses_and_targets_take_tables(rossi, convert):
    loss = LinearPredictor(Logistic(), convert(rossi[NAMES]), columns(convert(rossi), "arrest"))
    expected = LinearPredictor(Logistic(), rossi[NAMES], rossi["arrest"])
    assert loss.names == expected.names
    assert loss.labels.equals(pd.RangeIndex(len(rossi)))
    assert np.array_equal(loss.gradient(np.zeros(3)), expected.gradient(np.zeros(3)))
    est = vs.minimize(vs.losses.Cox(rossi[NAMES], rossi["week"], rossi["arrest"]), np.zeros(3))
    profiles = rossi[NAMES].head(2)
    risks = [vs.vif(est).on(vs.targets.RelativeRisk(x)) for x in (profiles, convert(profiles))]
    assert relative_error(risks[1].influence, risks[0].influence) == 0


def test_missing_values_are_missing_values(convert):
    table = convert(pd.DataFrame({"a": [1.0, None], "b": pd.array([True, None], dtype="boolean")}))
    with pytest.raises(InvalidInputError, match="column 'a' is nan in row 1"):
        checks.design_matrix(table)


def test_text_is_refused_as_in_pandas(convert):
    with pytest.raises(InvalidTypeError, match="Column 'a' of `X` must be numeric, but holds 'u'"):
        checks.design_matrix(convert(pd.DataFrame({"a": ["u", "v"]})))


def test_strata_may_be_text_in_several_columns(convert):
    frame = pd.DataFrame({"a": ["u", "v", "u", "u"], "b": [1, 1, 2, 1]})
    codes = checks.strata_codes(convert(frame), 4, pd.RangeIndex(4))
    assert codes.tolist() == [0, 1, 2, 0]


def test_what_pandas_and_numpy_hold_is_not_touched(rossi):
    for values in (rossi, rossi["age"], rossi.to_numpy(), [1, 2], None):
        assert checks.as_pandas(values) is values


def test_a_query_that_has_not_run_is_refused():
    with pytest.raises(InvalidTypeError, match="collect"):
        checks.as_pandas(pl.LazyFrame({"a": [1]}))


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(InvalidInputError, match="one name per column"):
        checks.as_pandas(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
