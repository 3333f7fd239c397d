"""Tables from files."""

import sys

import numpy as np
import pandas as pd
import pytest

from vifstats.datasets import read_table, require_columns
from vifstats.errors import InvalidInputError


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
