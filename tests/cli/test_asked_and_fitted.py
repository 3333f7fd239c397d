"""What was asked and what was fitted are compared: no covariate is lost, no number is a label."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from tolerances import LIFELINES_FIT, relative_error

import vifstats as vs
from vifstats.cli.command import main

RNG = np.random.default_rng(4)
N = 70
TABLE = pd.DataFrame(
    {
        "months": np.ceil(RNG.exponential(9, N)),
        "died": (RNG.random(N) < 0.7) * 1,
        "dose": RNG.normal(size=N).round(3),
        "ward": RNG.integers(1, 5, N),
    }
)
COX = ["--time", "months", "--event", "died"]
QUICK = ["--top", "1", "--seconds", "0", "--method", "vif"]


def file_of(table, ending, folder, **options):
    path = folder / f"table.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, **options)
    return str(path)


def said(capsys, *arguments):
    capsys.readouterr()
    assert main([*arguments, *QUICK, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["Intercept", "const", "intercept", "1", "baseline"])
@pytest.mark.parametrize("command", ["cox", "breslow", "ols"])
def test_a_covariate_stays_in_the_model_or_is_refused_by_name(command, name, tmp_path, capsys):
    path = file_of(TABLE.rename(columns={"ward": name}), "csv", tmp_path, index=False)
    given = ["ols", path, "--outcome", "months"] if command == "ols" else ["cox", path, *COX]
    given += ["--ties", "breslow"] if command == "breslow" else []
    given += ["--covariates", f"dose,{name}"]
    code = main([*given, *QUICK])
    said_of_it = capsys.readouterr().err
    if code == 2:
        assert f"'{name}'" in said_of_it and said_of_it.count("\n") == 1
        assert command != "ols" or "column of ones" in said_of_it
    else:
        assert {"dose", name} <= set(said(capsys, *given)["coefficients"])
    assert code == 0 or name == "Intercept", "which lifelines and formulas have for their own"


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("index", ["dose", "ward"])
def test_an_index_with_a_name_is_a_column_and_no_label(index, ending, tmp_path, capsys):
    path = file_of(TABLE.set_index(index), ending, tmp_path)
    found = said(capsys, "cox", path, *COX)
    assert set(found["coefficients"]) == {"dose", "ward"}
    assert main(["cox", path, *COX, *QUICK]) == 0
    printed = capsys.readouterr().out
    assert f"{N} rows (numbered from 0)" in printed
    (row,) = re.findall(r"^without (\S+)", printed, re.MULTILINE)
    assert row in {str(k) for k in range(N)}


ROW_NAMES = {
    "words": ([f"p{k:02d}" for k in range(N)], r"p\d\d"),
    "numbers of what is left of a table": (range(100, 100 + 3 * N, 3), r"[123]\d\d"),
    "a range that begins elsewhere": (pd.RangeIndex(500, 500 + N), r"5\d\d"),
    "names that occur twice": (np.arange(N) // 2 + 1000, r"\d{1,2}"),
}


@pytest.mark.parametrize("kind", ROW_NAMES)
def test_rows_of_parquet_have_the_names_that_are_said(kind, tmp_path, capsys):
    names, expected = ROW_NAMES[kind]
    path = file_of(TABLE.set_axis(names, axis=0), "parquet", tmp_path)
    assert main(["cox", path, *COX, *QUICK]) == 0
    printed = capsys.readouterr().out
    assert ("numbered from 0" in printed) == (kind == "names that occur twice")
    assert re.search(rf"^without {expected} ", printed, re.MULTILINE)


@pytest.mark.parametrize("option", ["--groups", "--cluster"])
def test_a_column_that_groups_rows_is_a_covariate_too_where_it_is_named_so(
    option, tmp_path, capsys
):
    loss = vs.losses.Cox(TABLE[["dose", "ward"]], TABLE["months"], TABLE["died"])
    theta = vs.minimize(loss, [0.0, 0.0]).theta
    for ending in ("csv", "parquet"):
        path = file_of(TABLE, ending, tmp_path, **({"index": False} if ending == "csv" else {}))
        both = said(capsys, "cox", path, *COX, option, "ward", "--covariates", "dose,ward")
        assert relative_error(list(both["coefficients"].values()), theta) < LIFELINES_FIT
        one = said(capsys, "cox", path, *COX, option, "ward")
        assert list(one["coefficients"]) == ["dose"]


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(("seconds", "method"), [("0", "vif"), ("600", "vif"), ("0", "refit")])
def test_refitted_is_said_of_rows_that_were(seconds, method, tmp_path, capsys):
    path = file_of(TABLE, "csv", tmp_path, index=False)
    given = ["cox", path, *COX, "--seconds", seconds, "--method", method, "--top", "2"]
    assert main([*given, "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    exact = pd.read_csv(tmp_path / "out" / "influence.csv", index_col="row")["exact"]
    lines = re.findall(r"^without (\d+) .*?(\w+)$", printed, re.MULTILINE)
    assert len(lines) == 2
    if "refitted where it says so" in printed:
        words = {int(row): word for row, word in lines}
        assert all((words[row] == "yes") == exact[row] for row in words)
    else:
        assert "and refitted without the row" in printed
        assert exact[[int(row) for row, _ in lines]].all()
