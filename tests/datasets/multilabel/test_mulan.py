"""ARFF files of the Mulan library, sparse and dense."""

from __future__ import annotations

import pytest

from vifstats.datasets.multilabel import read_mulan_arff
from vifstats.errors import InvalidInputError

HEADER = """% a comment
@relation MultiLabelExample

@attribute Att1 numeric
@attribute 'second one' numeric
@ATTRIBUTE Class1 {0,1}
@attribute "Class 2" {0,1}

@data
"""
SPARSE = "{0 0.5,2 1}\n% between\n{1 -2,3 1}\n{}\n"
DENSE = "0.5,0,1,0\n0,-2,0,1\n0,0,0,0\n"


def written(tmp_path, text):
    path = tmp_path / "small.arff"
    path.write_text(text)
    return path


@pytest.mark.parametrize("rows", [SPARSE, DENSE], ids=["sparse", "dense"])
def test_a_small_file(tmp_path, rows):
    data = read_mulan_arff(written(tmp_path, HEADER + rows), 2)
    assert data.X.toarray().tolist() == [[0.5, 0], [0, -2], [0, 0]]
    assert data.Y.toarray().tolist() == [[1, 0], [0, 1], [0, 0]]
    assert data.features == ("Att1", "second one") and data.labels == ("Class1", "Class 2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SPARSE, "must have a line '@data'"),
        (HEADER + "{0 0.5,4 1}\n", "attributes from 0 to 3"),
        (HEADER + "{0 ?}\n", "must hold numbers"),
        (HEADER + "{0}\n", "must hold numbers"),
        (HEADER + "0.5,0,1\n", "must have 4 values, but has 3"),
        (HEADER + "0.5,0,1,0.5\n", "must be labels, 0 or 1, but hold 0.5"),
        (HEADER + "inf,0,1,0\n", "must be finite"),
        (HEADER.replace("numeric", "", 1) + SPARSE, "a name and a type"),
    ],
)
def test_a_file_that_does_not_fit_is_not_read(tmp_path, text, message):
    with pytest.raises(InvalidInputError, match=message):
        read_mulan_arff(written(tmp_path, text), 2)


def test_labels_need_features_before_them(tmp_path):
    with pytest.raises(InvalidInputError, match="must have features before its 4 labels"):
        read_mulan_arff(written(tmp_path, HEADER + SPARSE), 4)
