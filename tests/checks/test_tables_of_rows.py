"""Lines of a table find their row by its label, or are refused."""

import numpy as np
import pandas as pd
import pytest

from vifstats.checks import table_of_rows
from vifstats.errors import InvalidInputError, InvalidTypeError

LABELS = pd.Index(["c", "a", "b"])
TABLE = pd.DataFrame({"name": ["C", "A", "B"]}, index=LABELS)


@pytest.mark.parametrize(
    "table", [TABLE, TABLE.sort_index(), pd.concat([TABLE, TABLE.set_axis(["x", "y", "z"])])]
)
def test_lines_are_found_by_their_label(table):
    assert table_of_rows(table, LABELS)["name"].tolist() == ["C", "A", "B"]


def test_numbers_of_rows_are_labels_too():
    lines = pd.DataFrame({"patient": [30, 10, 20]}, index=[2, 0, 1])
    assert table_of_rows(lines, pd.RangeIndex(3))["patient"].tolist() == [10, 20, 30]
    named = lines.set_axis(list("xyz"), axis=0)
    assert table_of_rows(named, pd.RangeIndex(3))["patient"].tolist() == [30, 10, 20]


def test_equal_labels_in_one_order_may_occur_twice():
    twice = pd.Index(["a", "a", "b"])
    assert table_of_rows(TABLE.set_axis(twice, axis=0), twice)["name"].tolist() == ["C", "A", "B"]


@pytest.mark.parametrize(
    ("table", "labels", "error"),
    [
        (TABLE[:2], LABELS, InvalidInputError),
        (TABLE.set_axis(["c", "a", "x"], axis=0), LABELS, InvalidInputError),
        (TABLE.set_axis([0, 1, 2], axis=0), LABELS, InvalidInputError),
        (TABLE.set_axis(["a", "b", "a"], axis=0), pd.Index(["a", "a", "b"]), InvalidInputError),
        (TABLE[:2], pd.RangeIndex(3), InvalidInputError),
        ("abc", LABELS, InvalidTypeError),
        (np.zeros((3, 1)), LABELS, InvalidTypeError),
        (TABLE["name"], LABELS, InvalidTypeError),
    ],
)
def test_what_does_not_match_is_refused(table, labels, error):
    with pytest.raises(error, match="`table` must.*pass"):
        table_of_rows(table, labels)
