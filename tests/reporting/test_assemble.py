"""vs.report: one call on anything that can be fitted, whole files or none, and nothing private."""

import json
import os

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import describe, find
from vifstats.reporting.page import render


def cox(n=80, p=2, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, p)), columns=[f"x{j}" for j in range(p)])
    loss = vs.losses.Cox(X, rng.exponential(size=n), rng.random(n) < 0.7, **options)
    return vs.minimize(loss, np.zeros(p))


def names(folder):
    return sorted(os.listdir(folder))


def test_two_reports_in_one_process_say_the_same(tmp_path):
    est = cox(40, 1)
    for name in ("one.html", "two.html"):
        assert vs.report(est, path=tmp_path / name, seconds=np.inf) == tmp_path / name
    assert names(tmp_path) == ["one.html", "one.json", "two.html", "two.json"]
    texts = [(tmp_path / f"{name}.json").read_text() for name in ("one", "two")]
    one, two = json.loads(texts[0]), json.loads(texts[1].replace("two.html", "one.html"))
    assert one.pop("run") != two.pop("run")  # it tells the files of one run from another's
    for document in (one, two):
        del document["method"]["seconds"], document["accuracy"]["seconds"]
    assert one == two


def test_the_page_is_that_of_the_json(tmp_path, unwritten):
    path = vs.report(cox(), path=tmp_path / "report.html", seconds=1.0)
    assert path.read_text() == render(json.loads((tmp_path / "report.json").read_text()))


def test_a_fitted_model_is_taken_with_its_data(tmp_path, unwritten):
    from lifelines import CoxPHFitter

    from vifstats.datasets import load_rossi

    rossi = load_rossi()
    fit = CoxPHFitter().fit(rossi[["week", "arrest", "prio"]], "week", "arrest")
    path = vs.report(fit, rossi, path=tmp_path / "report.html", top=2, table=rossi, seconds=1.0)
    document = json.loads(path.with_suffix(".json").read_text())
    first = document["rows"]["items"][0]
    assert first["covariates"]["wexp"] == rossi["wexp"][int(first["row"])]


@pytest.mark.parametrize("method", ["if", "newton", "refit"])
def test_every_method_has_its_page(method, tmp_path, unwritten):
    path = vs.report(cox(30), path=tmp_path / "report.html", method=method, seconds=1.0)
    document = json.loads(path.with_suffix(".json").read_text())
    assert document["overview"]["method"] == method
    assert (document["accuracy"]["figures"] == []) == (method == "refit")


def test_labels_and_order_are_the_user_s(no_pictures):
    est = cox(12)
    labels = [f"b{i}" for i in range(12)][::-1]
    found = describe(find(vs.Estimate(est.loss, est.theta, labels=labels), top=12))
    assert {item["row"] for item in found["rows"]["items"]} == set(labels)
    by_hand = dict(zip(labels, est.loss.data.time, strict=True))
    for item in found["rows"]["items"]:
        assert item["time"] == by_hand[item["row"]]


def test_an_influence_keeps_its_method_and_groups(unwritten):
    est = cox()
    found = describe(vs.newton_step(est, groups=np.repeat(list("abcdefgh"), 10)), unit="site")
    assert found["overview"]["method"] == "newton"
    assert [item["group"] for item in found["groups"]["items"]] == list("abcdefgh")
    assert "Without each site" in render(found)


def test_rows_that_came_refitted_are_no_sample(no_pictures):
    est = cox(120)
    influence = vs.vif(est)
    top = influence.cooks_distance.to_numpy().argsort()[-10:]
    mask = np.isin(np.arange(120), top)
    influence = influence.with_rows(mask, vs.leave_one_out(est, objects=mask))
    section = describe(influence, seconds=np.inf)["accuracy"]
    others = vs.vif(est, objects=~mask)
    assert section["n_exact_before"] == 10 and section["n_top"] == 0
    assert {item["n"] for item in section["figures"]} == {section["n_refitted"]}
    assert 40 <= section["n_refitted"] <= 50
    agreement = vs.compare(others, vs.leave_one_out(est, objects=~mask))
    assert section["figures"][0]["slope"] == pytest.approx(
        agreement.table["slope"].iloc[0], rel=0.1
    )


def test_without_time_nothing_is_known_and_that_is_said(no_pictures):
    found = describe(cox(), seconds=0.0)
    assert found["accuracy"]["n_refitted"] == 0
    assert "There was no time for refits" in found["headline"][-1]
    assert [a["kind"] for a in found["alerts"] if a["kind"] == "out of time"]


def test_progress_is_shown_of_all_that_may_take_long(capsys, no_pictures):
    describe(cox(), seconds=2.0, progress=True)
    shown = capsys.readouterr().err
    assert "refits" in shown and "sets" in shown


# --- files


def test_a_page_must_be_called_one(tmp_path):
    with pytest.raises(InvalidInputError, match="must end in .html"):
        vs.report(cox(10), path=tmp_path / "report.pdf")


def test_a_folder_is_no_page(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InvalidInputError, match="is a folder"):
        vs.report(cox(10), path=tmp_path / "report.html")


def test_the_folder_is_looked_at_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("vifstats.checks.folders.os.access", lambda path, mode: False)
    monkeypatch.setattr("vifstats.reporting.assemble.find", lambda *args, **options: 1 / 0)
    with pytest.raises(InvalidInputError, match="must be writable"):
        vs.report(cox(10), path=tmp_path / "report.html")


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch, unwritten):
    def interrupted(document):
        raise KeyboardInterrupt

    monkeypatch.setattr("vifstats.reporting.assemble.render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        vs.report(cox(10), path=tmp_path / "report.html")
    assert names(tmp_path) == []


def test_an_old_page_stays_until_the_new_one_is_whole(tmp_path, monkeypatch, unwritten):
    path = vs.report(cox(10, 1), path=tmp_path / "report.html")
    before = path.read_text()

    def full_disk(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vifstats.reporting.files.json.dump", full_disk)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        vs.report(cox(10, 1), path=path)
    assert path.read_text() == before and names(tmp_path) == ["report.html", "report.json"]


def test_an_estimate_has_its_options_already(tmp_path):
    with pytest.raises(InvalidInputError, match="groups"):
        vs.report(cox(10), path=tmp_path / "report.html", groups=[1] * 10)
