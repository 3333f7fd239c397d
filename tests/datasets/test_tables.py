"""Tables from files."""

import os
import sys

import numpy as np
import pandas as pd
import pytest

from vifstats.datasets import read_table, require_columns
from vifstats.errors import InvalidInputError, MissingDataError


def test_csv_keeps_every_digit(tmp_path):
    values = np.random.default_rng(0).normal(size=200)
    pd.DataFrame({"x": values}).to_csv(tmp_path / "table.csv", index=False)
    assert np.array_equal(read_table(tmp_path / "table.csv")["x"], values)


def test_parquet_columns_have_text_for_names(tmp_path):
    pd.DataFrame({"1": [1.0]}).rename(columns=str).to_parquet(tmp_path / "table.parquet")
    require_columns(read_table(tmp_path / "table.parquet"), ["1"])


def test_parquet_without_its_extra_says_what_to_install(tmp_path, monkeypatch):
    pd.DataFrame({"x": [1.0]}).to_parquet(tmp_path / "table.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'vifstats\[parquet\]'"):
        read_table(tmp_path / "table.parquet")


def test_text_is_left_as_it_is_written(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,x\n007,1\n1e3,2\n")
    assert read_table(path, text=["id", "no column"])["id"].to_list() == ["007", "1e3"]


def test_one_column_has_one_type_however_long_it_is(tmp_path):
    """pandas guesses anew for each piece of a large file: 7 here and "7" there."""
    path = tmp_path / "table.csv"
    path.write_text("group\n" + "7\n" * 600_000 + "none\n")
    assert read_table(path)["group"].nunique() == 2


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="a device of Unix")
def test_what_is_piped_is_a_table_too():
    """As of /dev/stdin: it can be read once, and only onwards."""
    reading, writing = os.pipe()
    with open(writing, "w") as pipe:
        pipe.write("a,b\n1,2\n")
    try:
        assert read_table(f"/dev/fd/{reading}").shape == (1, 2)
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b\n1,2\n3,4\n5,6,7,8\n", "line 4 of .* has 4 instead of 2; correct that line"),
        ("a;b\n1;2\n3;4;5\n", "line 3 of .* has 3 instead of 2.*by `sep`"),
        ('a,b\n1,2\n3,4\n"5,6\n', "quotation mark.* one in line 4 of .*; close or remove it"),
        ("", "is empty; export it again"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_line(text, parts, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=parts):
        read_table(path)


def test_a_file_that_is_not_there_is_looked_for(tmp_path):
    with pytest.raises(MissingDataError, match="no file .*; check its name and folder"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(MissingDataError, match="is a folder; name a file in it"):
        read_table(tmp_path)
