"""Numbers come out of every container that pandas users have, and out of nothing else."""

import numpy as np
import pandas as pd
import pytest

from vifstats.checks.arrays import at, design_matrix, group_labels, numbers, row_vector
from vifstats.errors import InvalidInputError, InvalidTypeError

NAN = np.nan
LABELS = pd.Index(["a", "b", "c"])
FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0], "z": [0, 1, 0]}, index=LABELS)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None], [1, NAN]),
        ([True, False], [1, 0]),
        (np.array([1, 2], dtype=np.int8), [1, 2]),
        (pd.array([1.5, None]), [1.5, NAN]),
        (pd.Series([1, None], dtype="Int64"), [1, NAN]),
        (pd.Series([True, None], dtype="boolean"), [1, NAN]),
        (pd.Series([1, pd.NA], dtype=object), [1, NAN]),
        (pd.Series([3, 1, None], dtype="category"), [3, 1, NAN]),
        (pd.Series([True, False], dtype="category"), [1, 0]),
        (pd.Series([0.0, 2.0], dtype=pd.SparseDtype(float)), [0, 2]),
        (np.ma.masked_array([1, 2], mask=[False, True]), [1, NAN]),
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
def test_numbers_are_read_from_many_containers(values, expected):
    found = numbers(values, "`v`")
    assert found.dtype == float
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        (["1", "2"], "'1'"),
        (pd.Series(["1", "2"]), "'1'"),
        (pd.Series(["1", "2"], dtype="string"), "'1'"),
        (pd.Series([1, "high"], dtype=object), "'high'"),
        (pd.Series(["low", "high"], dtype="category"), "'low'"),
        (pd.Series(pd.to_datetime(["2020-01-01"])), "dates"),
        (pd.Series(pd.to_timedelta([3], unit="D")), "durations"),
        (np.array([1j]), "complex"),
        ([[1, 2], [3]], "inhomogeneous"),
        ({"a": 1}, "'a'"),
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
def test_what_is_no_number_is_refused_with_what_was_found(values, finding):
    with pytest.raises(InvalidTypeError, match=f"`v` must be .*{finding}"):
        numbers(values, "`v`")


def test_reading_copies():
    values = np.array([1.0])
    numbers(values, "`v`")[0] = 2.0
    assert values[0] == 1.0


@pytest.mark.parametrize(
    ("X", "error", "parts"),
    [
        (
            FRAME.assign(s=["u", "v", "u"]),
            InvalidTypeError,
            "Column 's' of `X` must be numeric.*'u'.*get_dummies",
        ),
        (
            FRAME.assign(s=["2.5", None, "unknown"]),
            InvalidTypeError,
            "Column 's' of `X` must be numeric, but row 2 .label 'c'. holds 'unknown' "
            ".1 such row.; correct such values or drop their rows",
        ),
        (
            FRAME.assign(s=pd.Series([4, "5", "6+"], dtype=object, index=LABELS)),
            InvalidTypeError,
            "Column 's' .*row 2 .label 'c'. holds '6.'",
        ),
        (
            FRAME.assign(s=["1", "2", None]),
            InvalidTypeError,
            "Column 's' of `X` must be numeric, but holds '1' as text; convert it",
        ),
        (FRAME.assign(x=[1.0, NAN, NAN]), InvalidInputError, "'x' is nan in row 1.*'b'.*2 such"),
        (FRAME.assign(x=[np.inf, 1.0, 2.0]), InvalidInputError, "'x' is inf in row 0"),
        (FRAME[["x", "z", "x"]], InvalidInputError, "one name per column.*'x'.*rename"),
        (FRAME[[]], InvalidInputError, "at least one column"),
        (np.zeros((2, 2, 2)), InvalidInputError, r"two dimensions.*\(2, 2, 2\)"),
    ],
)
def test_a_design_matrix_is_numeric_finite_and_named(X, error, parts):
    with pytest.raises(error, match=parts):
        design_matrix(X)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ([10, 20, 30], "row 1 (label 20)"),
        ([0, 1, 2], "row 1"),
        ([0.5, 1.5, 2.5], "row 1 (label 1.5)"),
        (pd.Index([np.str_("u"), np.str_("v"), "w"], dtype=object), "row 1 (label 'v')"),
    ],
)
def test_labels_are_written_as_the_user_wrote_them(labels, named):
    assert at([1], pd.Index(labels)) == named


def test_a_design_matrix_keeps_names_and_labels():
    matrix, names, labels = design_matrix(FRAME)
    assert names == ("x", "z") and labels is FRAME.index
    np.testing.assert_array_equal(matrix, FRAME.to_numpy())
    assert design_matrix(FRAME["x"])[1] == ("x",)
    assert design_matrix(FRAME.to_numpy())[1] == ("x0", "x1")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([1.0, 2.0], "inconsistent numbers of samples.*3 rows, `v` has 2"),
        (np.zeros((3, 2)), r"`v` must have one dimension, but has shape \(3, 2\)"),
        ([1.0, NAN, 2.0], "`v` must be finite, but row 1 .label 'b'. is nan"),
        (FRAME["x"].iloc[::-1], r"labels of the data.*\['c', 'b', 'a'\].*loc\[X.index\]"),
    ],
)
def test_a_row_vector_has_one_finite_number_for_each_row(values, parts):
    with pytest.raises(InvalidInputError, match=parts):
        row_vector(values, "v", 3, LABELS, FRAME)


def test_labels_count_only_between_pandas_objects():
    reversed_ = FRAME["x"].iloc[::-1]
    expected = reversed_.to_numpy()
    np.testing.assert_array_equal(row_vector(expected, "v", 3, LABELS, FRAME), expected)
    np.testing.assert_array_equal(
        row_vector(reversed_, "v", 3, pd.RangeIndex(3), FRAME.to_numpy()), expected
    )


def test_equal_labels_in_one_order_may_occur_twice():
    twice = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=["a", "a", "b"])
    np.testing.assert_array_equal(
        row_vector(twice["x"], "v", 3, twice.index, twice), [1.0, 2.0, 3.0]
    )


@pytest.mark.parametrize(
    ("groups", "labels", "parts"),
    [
        ([1, 2], LABELS, "3 rows, `groups` has 2"),
        ("id", LABELS, r"one label per row.*shape \(\).*df\['id'\]"),
        (["a", None, "b"], LABELS, "must not be missing, but is in row 1 .label 'b'."),
        ([1.0, NAN, 2.0], LABELS, "must not be missing"),
        (np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]), LABELS, "must not be missing"),
        (pd.Series([1, 2, 3]), LABELS, "labels of the data in the same order"),
        (pd.Series([1, 2, 3], index=[2, 1, 0]), pd.RangeIndex(3), "labels of the data"),
    ],
)
def test_groups_are_aligned_and_complete(groups, labels, parts):
    with pytest.raises(InvalidInputError, match=parts):
        group_labels(groups, labels)


def test_groups_with_labels_of_their_own_fit_an_array_without():
    groups = pd.Series(["u", "v", "u"], index=[5, 7, 9])
    np.testing.assert_array_equal(group_labels(groups, pd.RangeIndex(3)), ["u", "v", "u"])


def test_group_labels_stay_what_they_are():
    found = group_labels(["a", 1, "a"], LABELS)
    assert found.tolist() == ["a", 1, "a"]
    assert group_labels([2, 1, 2], LABELS).dtype == int
    with pytest.raises(InvalidTypeError, match=r"must hold labels.*has \[1\] in row 0"):
        group_labels([[1], [1, 2], [3]], LABELS)


def test_a_row_whose_own_label_is_missing_is_named():
    missing = pd.Index([pd.NA, "b"], dtype=object)
    assert at([0], missing) == "row 0 (label <NA>)"
    assert at([1], missing) == "row 1 (label 'b')"
    assert at([1], pd.RangeIndex(2)) == "row 1"


def test_large_numbers_are_finite_though_their_sum_is_not():
    huge = np.full((3, 2), 1e308)
    assert np.array_equal(design_matrix(huge)[0], huge)
    assert np.array_equal(row_vector(huge[:, 0], "T", 3, pd.RangeIndex(3)), huge[:, 0])
    huge[1, 1] = -np.inf
    with pytest.raises(InvalidInputError, match="row 1"):
        design_matrix(huge)
