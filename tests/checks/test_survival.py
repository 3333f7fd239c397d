"""Each kind of bad survival data fails with an error that says rule, finding and remedy."""

import numpy as np
import pandas as pd
import pytest

from vifstats.checks import strata_codes, survival
from vifstats.checks.survival import curves
from vifstats.errors import InvalidInputError, InvalidTypeError

DATA = pd.DataFrame(
    {"x": [0.5, 1.0, 2.0, 0.0], "T": [3.0, 1.0, 2.0, 2.0], "E": [1, 0, 1, 1]},
    index=["a", "b", "c", "d"],
)
GOOD = {"X": DATA[["x"]], "T": DATA["T"], "E": DATA["E"]}


def changed(name, row, value):
    """A column of the data with one entry replaced."""
    column = DATA[name].astype(object).copy()
    column.iloc[row] = value
    return column


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        ({"T": DATA["T"].iloc[:3]}, "4 rows, `T` has 3"),
        ({"T": None}, "`T`, the times, must be given"),
        ({"T": changed("T", 2, np.nan)}, "`T` must be finite, but row 2 .label 'c'. is nan"),
        ({"T": changed("T", 2, np.inf)}, "`T` must be finite.*inf"),
        ({"T": changed("T", 1, -3.0)}, "`T` must be >= 0, but row 1 .label 'b'. is -3 .*drop"),
        ({"T": DATA["T"].iloc[::-1]}, "`T` must have the labels of the data in the same order"),
        ({"E": DATA["E"].sort_index(ascending=False)}, "`E` must have the labels"),
        ({"T": DATA["E"], "E": DATA["T"]}, r"look swapped.*\(X, T, E\)"),
        ({"E": DATA["E"] + 1}, r"`E` must be 0 or 1, but is coded 1/2; pass E - 1"),
        ({"E": [0, 1, 2, 3]}, r"`E` must be 0 .censored. or 1 .event.*\[0.0, 1.0, 2.0, 3.0\].*=="),
        ({"E": [0, 0, 0, 0]}, "at least one event, but `E` is 0 in every row"),
        ({"E": changed("E", 0, pd.NA)}, "`E` must be finite, but row 0"),
        (
            {"entry": [0.0, 1.0, 0.0, 0.0]},
            "`entry` must be before `T`, but row 1 .label 'b'. en.*1",
        ),
        ({"entry": [0.0, np.nan, 0.0, 0.0]}, "`entry` must be finite"),
        (
            {"weights": [1.0, 1.0, -2.0, 1.0]},
            "`weights` must be positive, but row 2 .* has -2 .1 such row.; check how.*negative",
        ),
        ({"weights": [1.0, 1.0, 0.0, 1.0]}, "`weights` must be positive.*drop rows of weight 0"),
        ({"weights": [1.0, 0.0, 1.0, -0.5]}, "row 1 .label 'b'. has 0 .2 such rows.; check how"),
        ({"weights": [1.0, 1.0]}, "4 rows, `weights` has 2"),
        ({"strata": ["u", None, "v", "v"]}, "`strata` must not be missing, but is in row 1"),
        ({"strata": ["u", "v"]}, "4 rows, `strata` has 2"),
        ({"strata": "x"}, "`strata` must have one value per row.*'x'"),
        (
            {"strata": DATA["x"].iloc[::-1]},
            r"`strata` must have the labels.*use strata.loc\[X.index\], or to_numpy",
        ),
        ({"offset": [0.0, np.inf, 0.0, 0.0]}, "`offset` must be finite"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_values_are_named(bad, parts):
    with pytest.raises(InvalidInputError, match=parts):
        survival(**{**GOOD, **bad})


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        ({"T": changed("T", 2, "lost")}, "row 2 .label 'c'. holds 'lost' .1 such row.; correct"),
        ({"T": ["3", "one", "2", "?"]}, "row 1 .label 'b'. holds 'one' .2 such rows.; correct"),
        ({"E": changed("E", 3, "yes")}, "row 3 .label 'd'. holds 'yes'"),
        ({"E": ["1", "yes", "no", "n/a"]}, "but holds 'yes'; encode"),
        ({"weights": ["1", "2", "1", "5"]}, "but holds '1' as text; convert.*pandas.to_numeric"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_the_value_that_is_no_number_is_named(bad, parts):
    with pytest.raises(InvalidTypeError, match=f"`{next(iter(bad))}` must be numeric.*{parts}"):
        survival(**{**GOOD, **bad})


def test_curves_name_no_index_that_is_not_there():
    with pytest.raises(InvalidInputError, match=r"`E` must have the labels.*E.loc\[\.\.\.\] with"):
        curves(DATA["T"], DATA["E"].iloc[::-1])


@pytest.mark.parametrize(
    "bad",
    [
        {"T": DATA["T"].astype(str)},
        {"E": ["yes", "no", "yes", "yes"]},
        {"entry": pd.to_datetime(["2020-01-01"] * 4)},
        {"weights": ["1"] * 4},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_text_and_dates_are_no_numbers(bad):
    with pytest.raises(InvalidTypeError, match=f"`{next(iter(bad))}` must be numeric"):
        survival(**{**GOOD, **bad})


@pytest.mark.parametrize(
    ("T", "E", "parts"),
    [
        (np.zeros(4, dtype=[("event", bool), ("time", float)]), [1] * 4, "`E` must be None"),
        (np.zeros(4, dtype=[("event", int), ("time", float)]), None, "one boolean and one numeric"),
    ],
)
def test_a_structured_array_holds_both_and_nothing_else(T, E, parts):
    with pytest.raises(InvalidInputError, match=parts):
        survival(GOOD["X"], T, E)


def test_a_structured_array_stands_for_times_and_events_in_either_order():
    rows = list(zip(DATA["E"].astype(bool), DATA["T"], strict=True))
    y = np.array(rows, dtype=[("event", bool), ("time", float)])
    swapped = np.array([(t, e) for e, t in rows], dtype=[("t", float), ("died", bool)])
    for structured in (y, swapped):
        data = survival(GOOD["X"], structured)
        np.testing.assert_array_equal(data.time, DATA["T"])
        np.testing.assert_array_equal(data.event, DATA["E"])


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "Float64", bool, "category"])
def test_events_as_pandas_users_have_them(dtype):
    data = survival(
        GOOD["X"].astype("Float64"), DATA["T"].astype("Float64"), DATA["E"].astype(dtype)
    )
    np.testing.assert_array_equal(data.event, DATA["E"])
    np.testing.assert_array_equal(data.time, DATA["T"])


def test_what_is_left_out_has_no_effect():
    data = survival(**{**GOOD, "E": None})
    assert data.event.all() and np.isneginf(data.entry).all()
    assert (data.weights == 1).all() and not data.offset.any() and not data.strata.any()


def test_a_negative_time_is_fine_after_an_earlier_entry():
    assert survival(**{**GOOD, "T": DATA["T"] - 10, "entry": [-20] * 4}).time.min() == -9


def test_strata_are_numbered_in_order_of_appearance():
    labels = pd.RangeIndex(4)
    np.testing.assert_array_equal(strata_codes(["v", "u", "v", "w"], 4, labels), [0, 1, 0, 2])
    two = pd.DataFrame({"a": [2, 1, 2, 1], "b": pd.Categorical(["y", "y", "x", "y"])})
    np.testing.assert_array_equal(strata_codes(two, 4, labels), [0, 1, 2, 1])


def test_duplicate_labels_are_fine():
    twice = DATA.set_axis(["a", "a", "b", "b"], axis="index")
    assert list(survival(twice[["x"]], twice["T"], twice["E"]).labels) == ["a", "a", "b", "b"]
