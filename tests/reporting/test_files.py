"""Files of findings: whole or absent, and JSON that any reader takes."""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import find, write_findings


@pytest.fixture
def findings():
    X = pd.DataFrame({"age": [0.0, 1.0, 0.0, 1.0, 2.0]}, index=pd.date_range("2020", periods=5))
    return find(vs.minimize(vs.losses.Cox(X, [5, 4, 3, 2, 1], [1, 1, 1, 1, 1]), [0.0]))


def test_labels_that_json_lacks_become_text(findings, tmp_path):
    _, document = write_findings(findings, tmp_path, {"data": np.int64(3)})
    contents = json.loads(document.read_text())
    assert contents["data"] == 3
    assert contents["refitted"][0] == "2020-01-01 00:00:00"


def test_nan_is_null(findings, tmp_path):
    values = np.full_like(findings.influence.values, np.nan)
    unknown = replace(findings, influence=replace(findings.influence, values=values))
    _, document = write_findings(unknown, tmp_path, {})
    assert "NaN" not in document.read_text()
    first = json.loads(document.read_text())["most_influential"][0]
    assert first["hazard_ratios_without"] == {"age": None}


def test_an_old_file_stays_until_the_new_one_is_whole(findings, tmp_path, monkeypatch):
    write_findings(findings, tmp_path, {})
    before = (tmp_path / "influence.json").read_text()

    def full_disk(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vifstats.reporting.files.json.dump", full_disk)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        write_findings(findings, tmp_path, {})
    assert (tmp_path / "influence.json").read_text() == before
    assert sorted(os.listdir(tmp_path)) == ["influence.csv", "influence.json"]
