"""The validation suite itself: what is kept, what is run again, what is promised and told."""

import dataclasses
import json
from html.parser import HTMLParser

import numpy as np
import pytest

import validation.__main__ as command
import vifstats as vs
from validation import page, running
from validation.agreement import agreement
from validation.experiment import Clock, Experiment, Table, at_least, at_most
from validation.experiments import EXPERIMENTS
from vifstats.errors import MissingDataError

RUNS = []


def run(clock: Clock) -> dict:
    RUNS.append(1)
    with clock.timing("adding"):
        total = sum(1 / k for k in range(1, 100))
    return {"total": total, "missing": np.nan, "array": np.arange(2.0).tolist()}


SUM = Experiment(
    name="sum",
    title="A sum",
    text="One number <b>escaped</b>.",
    run=run,
    tables=lambda record: [Table("Sums", ["", "value"], [["total", record.numbers["total"]]])],
    bounds=lambda record: [at_least("total", record.numbers["total"], 5.0)],
    quick=True,
)


@pytest.fixture
def only_the_sum(monkeypatch):
    """The command with one experiment."""
    RUNS.clear()

    def use(experiment):
        monkeypatch.setattr(command, "EXPERIMENTS", {experiment.name: experiment})

    use(SUM)
    return use


def test_numbers_are_the_same_in_every_run_and_apart_from_seconds(tmp_path):
    first, second = (running.run(SUM, tmp_path / name) for name in "ab")
    assert first.numbers == second.numbers == running.load("sum", tmp_path / "a").numbers
    assert first.versions == second.versions
    assert set(first.seconds) == {"adding", "in all"}
    assert first.numbers["missing"] is None and first.numbers["total"] == 5.1773775


def test_what_is_finished_is_skipped_unless_forced(only_the_sum, tmp_path, capsys):
    arguments = ["--out", str(tmp_path)]
    assert command.main(arguments) == 0 and len(RUNS) == 1
    assert command.main(arguments) == 0 and len(RUNS) == 1
    assert command.main([*arguments, "--force"]) == 0 and len(RUNS) == 2
    assert "met   sum: total 5.17738, at least 5.0" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "sum.json"]


def test_a_broken_promise_is_told_and_in_the_exit_code(only_the_sum, tmp_path, capsys):
    only_the_sum(
        dataclasses.replace(
            SUM, bounds=lambda record: [at_most("total", record.numbers["total"], 5)]
        )
    )
    assert command.main(["--out", str(tmp_path)]) == 1
    assert "SHORT sum: total 5.17738, at most 5" in capsys.readouterr().out
    assert "Short: sum, total: 5.17738" in (tmp_path / "report.html").read_text()


def test_missing_data_are_told_and_exit_with_3(only_the_sum, tmp_path, capsys):
    def without_data(clock):
        raise MissingDataError("Get it here, or there.")

    only_the_sum(dataclasses.replace(SUM, run=without_data))
    assert command.main(["--out", str(tmp_path)]) == 3
    assert capsys.readouterr().err == "missing: Get it here, or there.\n"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_nan_keeps_no_promise():
    assert not at_least("", np.nan, 0.0).met and not at_most("", np.nan, 0.0).met


def test_agreement_is_the_mean_of_compare_over_columns():
    rng = np.random.default_rng(0)
    est = vs.minimize(
        vs.MEstimator(lambda theta, y: (y - theta[0]) ** 2, rng.normal(size=9)), [0.0]
    )
    vif = vs.vif(est)
    a = vif.values + rng.normal(size=(9, 4))
    r = vif.values + rng.normal(size=(9, 4))
    r[2, 1] = np.nan
    columns = [
        vs.compare(
            dataclasses.replace(vif, values=x[:, None]), dataclasses.replace(vif, values=y[:, None])
        )
        for x, y in zip(a.T, r.T, strict=True)
    ]
    found = agreement(a, r)
    for name in ("pearson", "spearman", "slope", "largest_relative_error"):
        mean = np.mean([getattr(one, name).iloc[0] for one in columns])
        assert found[name] == pytest.approx(mean, rel=1e-12)
    assert found["left_out"] == 1 and found["targets"] == 4


class Outline(HTMLParser):
    """Ids, headings, images and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids, self.headings, self.outside = [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag in ("h1", "h2"):
            self.headings.append(tag)
        if tag == "img":
            assert attributes["alt"] and attributes["src"].startswith("data:image/svg+xml,")
        self.outside += [v for k, v in attrs if k in ("src", "href") and v.startswith("http")]


def test_the_page_of_the_committed_results():
    records = running.load_all(EXPERIMENTS)
    html = page.render(EXPERIMENTS, records)
    outline = Outline()
    outline.feed(html)
    assert outline.headings.count("h1") == 1 and outline.headings[0] == "h1"
    assert set(records) <= set(outline.ids) and len(outline.ids) == len(set(outline.ids))
    assert not outline.outside
    assert len(html) < 2_000_000


def test_text_is_escaped(tmp_path):
    html = page.render({"sum": SUM}, {"sum": running.run(SUM, tmp_path)})
    assert "&lt;b&gt;escaped" in html


def test_every_experiment_without_data_that_can_be_had_has_a_result():
    without = [name for name in EXPERIMENTS if running.load(name) is None]
    assert without == ["ranking_mediamill"], "python -m validation runs what has none"


def test_results_are_json_without_nan():
    for name in EXPERIMENTS:
        file = running.RESULTS / f"{name}.json"
        if file.exists():
            json.loads(file.read_text(), parse_constant=pytest.fail)


def test_the_command_lists_the_experiments(capsys):
    assert command.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(EXPERIMENTS)
