"""The text format of the Extreme Classification repository."""

from __future__ import annotations

import numpy as np
import pytest

from vifstats.datasets.multilabel import read_extreme_classification
from vifstats.errors import InvalidInputError

SMALL = """4 3 5
0,2 0:0.5 2:1.25
4 1:-2e-3
 0:1
1,3,0
"""


def written(tmp_path, text):
    path = tmp_path / "small.txt"
    path.write_text(text)
    return path


def test_a_small_file(tmp_path):
    data = read_extreme_classification(written(tmp_path, SMALL))
    assert data.X.toarray().tolist() == [[0.5, 0, 1.25], [0, -0.002, 0], [1, 0, 0], [0, 0, 0]]
    labels = [[1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 0, 1, 0]]
    assert data.Y.toarray().tolist() == labels
    assert data.is_test is None and len(data.labels) == 5 and data.features[2] == "x2"


def test_what_is_written_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((30, 7)) < 0.4, rng.normal(size=(30, 7)), 0.0)
    Y = (rng.random((30, 4)) < 0.4).astype(float)
    lines = [
        ",".join(map(str, np.flatnonzero(y)))
        + "".join(f" {k}:{float(x[k])!r}" for k in np.flatnonzero(x))
        for x, y in zip(X, Y, strict=True)
    ]
    data = read_extreme_classification(written(tmp_path, "\n".join(["30 7 4", *lines]) + "\n"))
    assert np.array_equal(data.X.toarray(), X) and np.array_equal(data.Y.toarray(), Y)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("4 3 5", "four rows", "must start with the numbers"),
        ("4 3 5", "5 3 5", "as many rows as its first line says, 5, but has 4"),
        ("4 3 5", "3 3 5", "says, 3, but has 4"),
        ("2:1.25", "3:1.25", "Line 2 of small.txt must have features from 0 to 2"),
        ("2:1.25", "0:1.25", "a feature twice"),
        ("0,2 ", "0,5 ", "has label 5"),
        ("1,3,0", "1,3,1", "a label twice"),
        ("1:-2e-3", "1:two", "Line 3 of small.txt must be 'label,label feature:value ...'"),
        ("1:-2e-3", "1", "Line 3"),
        ("1:-2e-3", "1:nan", "row 2 of the data has nan"),
    ],
)
def test_a_file_that_does_not_fit_is_not_read(tmp_path, old, new, message):
    with pytest.raises(InvalidInputError, match=message):
        read_extreme_classification(written(tmp_path, SMALL.replace(old, new, 1)))


def test_a_file_that_was_cut_short_is_not_read(tmp_path):
    for length in (len(SMALL) - 7, 20, 3):
        with pytest.raises(InvalidInputError):
            read_extreme_classification(written(tmp_path, SMALL[:length]))
