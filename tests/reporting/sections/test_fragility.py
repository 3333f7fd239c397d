"""The section on edits: every size proved again by a fit of edited data, also by the command."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.cli.command import main
from vifstats.errors import VifError
from vifstats.reporting import describe, find, sentences
from vifstats.reporting.sections.fragility import fragility_of

N = 70
RNG = np.random.default_rng(11)
TABLE = pd.DataFrame({"arm": np.resize([0, 1], N), "age": RNG.normal(60, 9, N).round(1)})
TABLE["months"] = RNG.exponential(np.exp(0.8 * TABLE["arm"])).round(2) + 0.01
TABLE["died"] = (RNG.random(N) < 0.75).astype(int)
NAMES = ["arm", "age"]


def fitted(table):
    X = table[NAMES].astype(float)
    return vs.minimize(vs.losses.Cox(X, table["months"], table["died"]), np.zeros(2))


def p_of(table):
    return fitted(table).p_values[0]


@pytest.fixture(scope="module")
def document():
    found = find(fitted(TABLE), top=0, seconds=0.0)
    section = fragility_of(found, "arm")
    return describe(found, fragility=section, unit="patient", seconds=0.0)


def edited(kind, rows):
    table = TABLE.copy()
    if kind == "swap treatment":
        table.loc[rows, "arm"] = 1 - table.loc[rows, "arm"]
    else:
        assert (table.loc[rows, "died"] == (kind == "event -> censored")).all()
        table.loc[rows, "died"] = 1 - table.loc[rows, "died"]
    return table


def test_each_set_is_proved_and_no_part_of_it_does(document):
    section = document["fragility"]
    assert section["significant"] and section["p"] == pytest.approx(p_of(TABLE), rel=1e-6)
    assert len(section["items"]) == section["n_kinds"] == 3
    assert [item["reached"] for item in section["items"]] == [True] * 3
    for item in section["items"]:
        rows = [int(row) for row in item["rows"]]
        assert item["n"] == len(rows)
        assert item["refitted_p"] == pytest.approx(p_of(edited(item["edits"], rows)), rel=1e-5)
        assert item["refitted_p"] > 0.05
        for row in rows:
            assert p_of(edited(item["edits"], [k for k in rows if k != row])) < 0.05


def test_the_page_says_so_in_words(document):
    for item in document["fragility"]["items"]:
        assert item["sentence"].startswith("arm would no longer be significant if")
        assert f"{item['n']} " in item["sentence"] and "patient" in item["sentence"]
    of_counts = vs.unadjusted_fragility(TABLE["died"], TABLE["arm"])
    assert f"is {of_counts}" in document["fragility"]["sentence"]


def test_the_page_and_the_command_say_the_same(tmp_path, capsys, unwritten):
    file = tmp_path / "trial.csv"
    TABLE.to_csv(file, index=False)
    common = ["--time", "months", "--event", "died", "--method", "vif", "--top", "2"]
    common += ["--seconds", "1"]  # the first kind of edit is searched in any case
    out = tmp_path / "out"
    assert main(["cox", str(file), *common, "--fragility", "arm", "-o", str(out)]) == 0
    text = capsys.readouterr().out
    page = json.loads((out / "report.json").read_text())["fragility"]
    table = json.loads((out / "influence.json").read_text())["fragility"]
    assert page["items"]
    for item, other in zip(page["items"], table["items"], strict=True):
        assert item["sentence"] in text
        assert {k: item[k] for k in other} == other
    own = {"path": tmp_path / "own.html", "method": "vif", "top": 2, "seconds": 0.5}
    path = vs.report(fitted(TABLE), treatment="arm", **own)
    own = json.loads(path.with_suffix(".json").read_text())["fragility"]
    assert own["items"][0]["rows"] == page["items"][0]["rows"]
    html = path.read_text()
    assert 'id="fragility"' in html and "What if it had been recorded otherwise?" in html


def test_without_rows_no_row_and_no_size_is_told(document):
    found = find(fitted(TABLE), top=0, seconds=0.0)
    section = fragility_of(found, "arm", rows=False)
    for item, named in zip(section["items"], document["fragility"]["items"], strict=True):
        assert set(item) == {"edits", "reached", "status", "largest", "at_most"}
        assert item["at_most"] % 5 == 0 and 0 <= item["at_most"] - named["n"] < 5
    page = describe(found, rows=False, fragility=section, seconds=0.0)["fragility"]
    assert all("if at most" in item["sentence"] for item in page["items"])


def test_time_that_ran_out_is_said():
    section = fragility_of(find(fitted(TABLE), top=0, seconds=0.0), "arm", seconds=0.0)
    assert len(section["items"]) == 1
    assert "1 of 3 kinds" in sentences.edits_searched(section, "patient")


def test_a_fit_whose_covariance_cannot_be_followed_gets_no_verdict():
    est = fitted(TABLE)
    refused = est.with_inference(vs.Inference(refusal="Hay is not followed."))
    section = fragility_of(find(refused, top=0, seconds=0.0), "arm")
    assert section["items"] == [] and "Hay" in section["refusal"]


def test_what_cannot_be_asked_is_refused_before_any_work(tmp_path):
    line = vs.minimize(vs.MEstimator(lambda t, y: (y - t[0]) ** 2, np.arange(4.0)), [0.0])
    for est, name, words in ((fitted(TABLE), "dose", "treatment"), (line, "theta0", "Cox model")):
        with pytest.raises(VifError, match=words):
            vs.report(est, path=tmp_path / "page.html", treatment=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "words"),
    [(["--fragility", "dose"], "--fragility must be one of"), (["--fragility"], "expected one")],
)
def test_bad_command_lines(given, words, tmp_path, capsys):
    file = tmp_path / "trial.csv"
    TABLE.to_csv(file, index=False)
    assert main(["cox", str(file), "--time", "months", "--event", "died", *given]) == 2
    assert words in capsys.readouterr().err
