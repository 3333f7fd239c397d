"""`vifstats cox --cause`: the cause, Fine and Gray's model of it, what does not go together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerances import CONVERGED_FIT, relative_error

import vifstats as vs
from vifstats.cli.command import main

MELANOMA = Path(__file__).parents[2] / "validation" / "oracles" / "fine_gray" / "melanoma.csv"
COVARIATES = ["sex", "age", "logthick", "ulcer"]
WORDS = {0: "censored", 1: "melanoma", 2: "other"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(MELANOMA)


@pytest.fixture
def file(table, tmp_path) -> str:
    path = tmp_path / "melanoma.csv"
    table.drop(columns="weights").assign(cause=table.cause.map(WORDS)).to_csv(path, index=False)
    return str(path)


def printed(capsys, *arguments: str) -> dict:
    fixed = ["--time", "time", "--method", "vif", "--top", "0", "--json"]
    assert main(["cox", *arguments, *fixed]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("fine_gray", [True, False])
def test_the_model_is_that_of_the_cause(file, table, capsys, fine_gray):
    options = ["--cause", "cause", "--of", "melanoma"] + ["--fine-gray"] * fine_gray
    found = printed(capsys, file, *options)
    X = table[COVARIATES]
    loss = (
        vs.losses.FineGray(X, table.time, table.cause)
        if fine_gray
        else vs.losses.Cox(X, table.time, table.cause == 1)
    )
    est = vs.minimize(loss, np.zeros(4))
    theta = list(found["coefficients"].values())
    assert relative_error(theta, est.theta) < 100 * CONVERGED_FIT  # lifelines', of the Cox model


BAD = [
    (["--cause", "cause", "--of", "melanom"], "did you mean 'melanoma'?"),
    (["--cause", "cause", "--of", "censored"], "must be a cause"),
    (["--cause", "cuase", "--of", "other"], "did you mean 'cause'?"),
    (["--cause", "cause"], "--cause needs --of"),
    (["--fine-gray"], "there is no --cause"),
    (["--of", "other"], "name it with --event, or with --cause"),
    (["--event", "cause", "--of", "melanom"], "did you mean 'melanoma'?"),
    (["--event", "cuase", "--of", "other"], "did you mean 'cause'?"),
    (["--event", "cause"], "name the value that stands for an event with --of"),
    (["--cause", "cause", "--of", "other", "--event", "sex"], "leave --event out"),
    (["--cause", "cause", "--of", "other", "--fine-gray", "--strata", "sex"], "no --strata"),
    (["--cause", "cause", "--of", "other", "--fine-gray", "--ties", "exact"], "no --ties exact"),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_what_does_not_go_together_is_one_line(file, capsys, options, words):
    assert main(["cox", file, "--time", "time", *options]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("codes", "typed"),
    [((1, 2), "2"), (("alive", "dead"), "dead"), ((0.0, 3.0), "3"), ((1, -1), "-1")],
)
def test_any_value_of_the_event_may_be_named(table, tmp_path, capsys, codes, typed):
    path = tmp_path / "coded.csv"
    died = np.where(table.cause == 1, codes[1], codes[0])
    table.drop(columns=["weights", "cause"]).assign(status=died).to_csv(path, index=False)
    found = printed(capsys, str(path), "--event", "status", "--of", typed)
    est = vs.minimize(vs.losses.Cox(table[COVARIATES], table.time, table.cause == 1), np.zeros(4))
    theta = list(found["coefficients"].values())
    assert relative_error(theta, est.theta) < 100 * CONVERGED_FIT


def test_a_missing_event_is_no_censoring(table, tmp_path, capsys):
    path = tmp_path / "gaps.csv"
    table.assign(cause=table.cause.where(table.index != 3)).drop(columns="weights").to_csv(
        path, index=False
    )
    assert main(["cox", str(path), "--time", "time", "--event", "cause", "--of", "1"]) == 2
    assert "cause" in capsys.readouterr().err


def test_a_missing_cause_is_no_censoring(table, tmp_path, capsys):
    path = tmp_path / "gaps.csv"
    table.assign(cause=table.cause.where(table.index != 3)).drop(columns="weights").to_csv(
        path, index=False
    )
    options = ["cox", str(path), "--time", "time", "--cause", "cause", "--of", "1"]
    assert main(options) == 2
    assert "cause" in capsys.readouterr().err
    assert main([*options, "--dropna", "--fine-gray", "--method", "vif", "--top", "0"]) == 0
    assert "204 rows" in capsys.readouterr().out


def test_without_a_file_there_is_one_cause(capsys):
    assert main(["cox", "--cause", "arrest", "--of", "1"]) == 2
    assert "no file is given" in capsys.readouterr().err
