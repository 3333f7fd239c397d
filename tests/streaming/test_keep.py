"""Columns that are kept: numbers of different types in different chunks."""

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError

ROWS = pd.DataFrame({"t": np.arange(8.0), "x": [0.0, 1, 0, 1, 0.5, 0, 1, 0], "id": np.arange(8)})


def kept(ids, to):
    chunks = [ROWS[:4], ROWS[4:].assign(id=ids)]
    vs.streaming.cox([0.0], chunks, time="t", columns=["x"], to=to, keep=["id"])
    return pd.read_parquet(to)["id"]


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([4.5, np.nan, 6, 7], float),
        (np.array([4, 5, 6, 7], dtype=np.int32), np.int64),
        (np.array([4, 5, 6, 7], dtype=np.float32), float),
    ],
)
def test_numbers_become_one_type(ids, dtype, tmp_path):
    found = kept(ids, tmp_path / "out")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [0, 1, 2, 3, *ids])


def test_what_no_type_holds_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="one type in all chunks.*convert it"):
        kept(list("abcd"), tmp_path / "text")
    large = [ROWS[:4].assign(id=2**53 + 1 + ROWS["id"]), ROWS[4:].assign(id=0.5)]
    with pytest.raises(InvalidInputError, match="too large for the decimals"):
        vs.streaming.cox([0.0], large, time="t", columns=["x"], to=tmp_path / "n", keep=["id"])
    assert not list(tmp_path.iterdir())
