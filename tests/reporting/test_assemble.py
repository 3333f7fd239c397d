"""vs.report: one call on anything that can be fitted, whole files or none, and nothing private."""

import json
import os
from urllib.parse import unquote

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


@pytest.fixture
def no_pictures(monkeypatch):
    """For tests of numbers: pictures are what takes the time."""
    monkeypatch.setattr("vifstats.reporting.assemble.figures", lambda *args: {})


def names(folder):
    return sorted(os.listdir(folder))


def test_two_reports_in_one_process_say_the_same(tmp_path):
    est = cox()
    for name in ("one.html", "two.html"):
        assert vs.report(est, path=tmp_path / name, seconds=5.0) == tmp_path / name
    assert names(tmp_path) == ["one.html", "one.json", "two.html", "two.json"]
    one, two = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two")]
    for document in (one, two):
        del document["method"]["seconds"], document["accuracy"]["seconds"]
    assert one == two


def test_the_page_is_that_of_the_json(tmp_path):
    path = vs.report(cox(), path=tmp_path / "report.html", seconds=1.0)
    assert path.read_text() == render(json.loads((tmp_path / "report.json").read_text()))


def test_a_fitted_model_is_taken_with_its_data(tmp_path):
    from lifelines import CoxPHFitter

    from vifstats.datasets import load_rossi

    rossi = load_rossi()
    fit = CoxPHFitter().fit(rossi[["week", "arrest", "prio"]], "week", "arrest")
    path = vs.report(fit, rossi, path=tmp_path / "report.html", top=2, table=rossi, seconds=1.0)
    document = json.loads(path.with_suffix(".json").read_text())
    first = document["rows"]["items"][0]
    assert first["covariates"]["wexp"] == rossi["wexp"][int(first["row"])]


@pytest.mark.parametrize("method", ["if", "newton", "refit"])
def test_every_method_has_its_page(method, tmp_path):
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


def test_an_influence_keeps_its_method_and_groups():
    est = cox()
    found = describe(vs.newton_step(est, groups=np.repeat(list("abcdefgh"), 10)), unit="site")
    assert found["overview"]["method"] == "newton"
    assert [item["group"] for item in found["groups"]["items"]] == list("abcdefgh")
    assert "Without each site" in render(found)


# --- small, large and odd data


def test_ten_rows():
    assert "10 rows" in render(describe(cox(10, 1)))


def test_sixty_covariates_are_cut_with_the_count_said():
    page = render(describe(cox(250, 60), seconds=0.5))
    assert "The 12 of 60 coefficients" in page
    assert "the first 8 of 60" in page


def test_groups_of_one_kind_cannot_be_removed():
    est = cox(20)
    with pytest.raises(InvalidInputError, match="at least two groups"):
        describe(vs.vif(est, groups=["all"] * 20))


def test_two_groups_are_enough(no_pictures):
    groups = np.repeat([0, 1], 40)
    found = describe(vs.vif(cox(), groups=groups))
    assert found["groups"]["n_groups"] == 2


def test_no_event_is_left_without_one_row():
    X, T, E = [[0.0], [1.0], [0.3], [0.6]], [4, 1, 2, 3], [0, 0, 1, 0]
    est = vs.minimize(vs.losses.Cox(X, T, E, penalty=0.5), [0.0])
    found = describe(est)
    without = next(item for item in found["rows"]["items"] if item["event"])
    assert without["without"]["x0"] == pytest.approx(1.0)  # the penalty alone is left
    assert "with 1 event and" in render(found)


def test_separation_without_a_row_is_told(no_pictures):
    rng = np.random.default_rng(2)
    rare = np.zeros(60)
    rare[[4, 9]] = 1.0
    event = np.ones(60, dtype=bool)
    event[9] = False
    X = pd.DataFrame({"x": rng.normal(size=60), "rare": rare})
    loss = vs.losses.Cox(X, rng.exponential(size=60), event)
    found = describe(vs.minimize(loss, [0.0, 0.0]), seconds=1.0)
    (alert,) = [a for a in found["alerts"] if a["kind"] in ("separation", "did not converge")]
    assert alert["rows"] == ["4"]
    assert "any single other row" in found["headline"][0]


def test_few_events_are_told(no_pictures):
    found = describe(cox(30, 4))
    assert "few events" in [alert["kind"] for alert in found["alerts"]]


# --- other models


def test_logistic_regression_has_odds_ratios():
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(pd.DataFrame({"dose": rng.normal(size=90), "age": rng.normal(size=90)}))
    fit = sm.Logit((rng.random(90) < 0.5).astype(float), X).fit(disp=0)
    found = describe(vs.from_model(fit), seconds=1.0)
    assert [item["name"] for item in found["coefficients"]] == ["dose", "age"]
    assert found["coefficients"][0]["effect"] == pytest.approx(np.exp(fit.params["dose"]))
    assert "no odds ratio by more than" in found["headline"][0]
    assert found["survival"] is None and "influence" in found["figures"]


def test_least_squares_is_exact_by_newton(no_pictures):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    X = sm.add_constant(rng.normal(size=(70, 2)))
    est = vs.from_model(sm.OLS(rng.normal(size=70), X).fit())
    found = describe(vs.newton_step(est), seconds=1.0)
    assert found["accuracy"]["largest_error_percent"] < 1e-6
    assert "no coefficient by more than" in found["headline"][0]


def test_parametric_survival_has_time_ratios():
    from lifelines import WeibullAFTFitter

    from vifstats.datasets import load_rossi

    frame = load_rossi()[["week", "arrest", "age", "prio"]]
    fit = WeibullAFTFitter().fit(frame, "week", "arrest")
    found = describe(vs.from_model(fit, frame), seconds=1.0)
    assert found["overview"]["effect"] == "time ratio"
    assert found["overview"]["n_events"] == 114
    assert [item["name"] for item in found["coefficients"]] == ["lambda_:age", "lambda_:prio"]
    assert "time" in found["figures"]


def test_an_own_loss_has_what_applies():
    y = np.array([1.0, 3.0, 5.0, 11.0, 2.0, 2.5, 4.0, 3.5, 6.0, 2.2, 1.1, 4.4])
    loss = vs.FunctionLoss(
        lambda theta, b: 0.5 * (b * (y - theta[0]) ** 2).sum(), len(y), 1, names=["mean"]
    )
    found = describe(vs.minimize(loss, [0.0]))
    assert found["method"]["sha256"] is None
    page = render(found)
    assert "What each parameter rests on" in page and "Who they are" not in page


# --- privacy


def test_without_rows_no_label_is_anywhere(private, estimate):
    text = unquote(json.dumps(private)) + unquote(render(private))
    assert not any(label in text for label in estimate.labels)
    assert private["rows"] is None and private["groups"] is None


def test_without_rows_the_numbers_of_the_fit_are_the_same(private, document):
    for one, other in zip(private["coefficients"], document["coefficients"], strict=True):
        assert one["effect"] == other["effect"]
        assert one["largest"]["percent"] == pytest.approx(other["largest"]["percent"])


# --- files


def test_a_page_must_be_called_one(tmp_path):
    with pytest.raises(InvalidInputError, match="must end in .html"):
        vs.report(cox(10), path=tmp_path / "report.pdf")


def test_a_folder_is_no_page(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InvalidInputError, match="is a folder"):
        vs.report(cox(10), path=tmp_path / "report.html")


def test_the_folder_is_looked_at_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("vifstats.reporting.files.os.access", lambda path, mode: False)
    monkeypatch.setattr("vifstats.reporting.assemble.find", lambda *args, **options: 1 / 0)
    with pytest.raises(InvalidInputError, match="must be writable"):
        vs.report(cox(10), path=tmp_path / "report.html")


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(document):
        raise KeyboardInterrupt

    monkeypatch.setattr("vifstats.reporting.assemble.render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        vs.report(cox(10), path=tmp_path / "report.html")
    assert names(tmp_path) == []


def test_an_old_page_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = vs.report(cox(10, 1), path=tmp_path / "report.html")
    before = path.read_text()

    def full_disk(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vifstats.reporting.assemble.json.dump", full_disk)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        vs.report(cox(10, 1), path=path)
    assert path.read_text() == before and names(tmp_path) == ["report.html", "report.json"]


def test_an_estimate_has_its_options_already(tmp_path):
    with pytest.raises(InvalidInputError, match="groups"):
        vs.report(cox(10), path=tmp_path / "report.html", groups=[1] * 10)
