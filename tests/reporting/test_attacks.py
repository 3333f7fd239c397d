"""Text that would run, break or hide something, everywhere a user's text goes to."""

from __future__ import annotations

import ast
import csv
import html
import json
import re
import shutil
import subprocess
import xml.dom.minidom
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from attacks import ATTACKS

import vifstats as vs
from vifstats.checks.text import ACTING, inert
from vifstats.cli.command import main
from vifstats.reporting import as_text, find


def table(n=150):
    """Every text is a column, and what a row is called; those rows matter most."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(n, len(ATTACKS))), columns=ATTACKS)
    frame.iloc[: len(ATTACKS)] *= 3
    frame["t"], frame["e"] = np.ceil(rng.exponential(10, n)), (rng.random(n) < 0.7) * 1
    frame.index = [*ATTACKS, *(f"row {k}" for k in range(len(ATTACKS), n))]
    return frame


@pytest.fixture(scope="module")
def frame():
    return table()


@pytest.fixture(scope="module")
def est(frame):
    return vs.minimize(
        vs.losses.Cox(frame[ATTACKS], frame["t"], frame["e"]), np.zeros(len(ATTACKS))
    )


class Page(HTMLParser):
    """What a browser would run or load."""

    def __init__(self):
        super().__init__()
        self.active, self.images = [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        handlers = [name for name in values if name.startswith("on")]
        if tag in ("script", "iframe", "object", "embed", "base", "form", "link") or handlers:
            self.active.append((tag, attrs))
        source = values.get("src") or ""
        if tag == "img":
            self.images.append(source)
            assert source.startswith("data:image/svg+xml,")


@pytest.fixture(scope="module")
def report(frame, tmp_path_factory):
    """The page and its JSON."""
    lifelines = pytest.importorskip("lifelines")
    fit = lifelines.CoxPHFitter().fit(frame, "t", "e")
    path = tmp_path_factory.mktemp("report") / "page.html"
    vs.report(fit, frame, path=path, seconds=1, title=" ".join(ATTACKS))
    return path.read_text(encoding="utf-8"), path.with_suffix(".json").read_text()


@pytest.fixture(scope="module")
def report_in_strata(tmp_path_factory):
    """Strata, groups and the treatment of a trial are called so; what was recorded otherwise."""
    lifelines = pytest.importorskip("lifelines")
    rng, n = np.random.default_rng(2), 6 * len(ATTACKS)
    ward, arm = ATTACKS[10], ATTACKS[0]
    frame = pd.DataFrame({arm: np.arange(n) % 2, "age": rng.normal(size=n)})
    frame["t"], frame["e"] = np.ceil(rng.exponential(9, n)), (rng.random(n) < 0.8) * 1
    frame[ward] = np.repeat(ATTACKS, 6)
    fit = lifelines.CoxPHFitter().fit(frame, "t", "e", strata=[ward])
    path = tmp_path_factory.mktemp("strata") / "page.html"
    sites = np.resize(np.array(ATTACKS, dtype=object), n)
    vs.report(fit, frame, path=path, groups=sites, treatment=arm, seconds=1, title=ATTACKS[4])
    return path.read_text(encoding="utf-8"), path.with_suffix(".json").read_text()


def require_inert_page(page):
    """Nothing runs or is loaded, and every picture is XML without links and scripts."""
    seen = Page()
    seen.feed(page)
    assert seen.active == [] and seen.images
    for source in seen.images:
        svg = xml.dom.minidom.parseString(unquote(source.split(",", 1)[1]).encode())
        names = {node.tagName for node in svg.getElementsByTagName("*")}
        assert not names & {"script", "foreignObject", "a", "iframe"}
    assert not set(ACTING.findall(page)) - {"\n", "\t"}


def test_nothing_runs_in_a_page_and_every_picture_is_xml(report):
    require_inert_page(report[0])
    assert "{{ 7 * 7 }}" in report[0]


def test_strata_groups_and_treatments_do_nothing_either(report_in_strata):
    page, document = report_in_strata
    require_inert_page(page)
    document = json.loads(document)
    assert {item["group"] for item in document["groups"]["items"]} <= set(ATTACKS)
    assert "fragility" in document
    require_own_calls_only(page)


def test_json_has_every_text_as_it_is(report):
    document = json.loads(report[1])
    assert {item["name"] for item in document["coefficients"]} == set(ATTACKS)
    rows = {item["row"] for item in document["rows"]["items"]}
    assert rows & set(ATTACKS) and rows <= {*ATTACKS, *(f"row {k}" for k in range(150))}


def require_own_calls_only(page):
    """What reproduces a page is Python that calls what it says, and nothing else."""
    code = html.unescape(re.search(r"<pre><code>(import vifstats.*?)</code>", page, re.S)[1])
    tree = ast.parse(code)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    made = {"CoxPHFitter", "CoxPHFitter().fit", "vs.from_model", "vs.report"}
    assert called == {*made, "vs.reporting.fingerprint"}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(imports) == 2


def test_what_reproduces_a_report_is_python_that_does_what_it_says(report):
    require_own_calls_only(report[0])


def test_a_spreadsheet_finds_no_formula_and_no_label_is_another(est, tmp_path):
    influence = vs.vif(est)
    influence.to_csv(tmp_path / "i.csv", index_label="row")
    with (tmp_path / "i.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert {len(row) for row in rows} == {len(header)} and len(rows) == len(influence.index)
    for cells in (header[1 : 1 + len(ATTACKS)], [row[0] for row in rows[: len(ATTACKS)]]):
        written = [
            str(inert(text)).encode("utf-8", "backslashreplace").decode() for text in ATTACKS
        ]
        assert cells == written
        assert not [cell for cell in cells if re.match("[=+@\t\r\n-]", cell)]


def test_a_terminal_is_told_nothing_to_do(est):
    for text in ATTACKS:
        found = find(est, top=25, seconds=0)
        printed = as_text(found, rows=text)
        assert set(ACTING.findall(printed)) <= {"\n"}
    assert len([line for line in printed.splitlines() if line.startswith("without")]) >= 25
    assert not re.search(r"^(import os|__import__|b$)", printed, re.MULTILINE), "a line of theirs"


def test_the_command_takes_them_as_columns_and_groups(frame, tmp_path, capsys):
    path = tmp_path / "a;$(touch ran)`touch ran`'\x1b[2J\n=1.csv"
    groups = frame.assign(
        site=np.resize([text for text in ATTACKS if "\0" not in text], len(frame))
    )
    columns = [*ATTACKS[:9], ATTACKS[17], "t", "e", "site"]
    groups[columns].to_csv(path, index=False, errors="backslashreplace")
    command = [
        "cox",
        str(path),
        "--time",
        "t",
        "--event",
        "e",
        "--groups",
        "site",
        "--seconds",
        "1",
    ]
    code = main([*command, "--top", "2", "-o", str(tmp_path / "out")])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert not (set(ACTING.findall(out)) | set(ACTING.findall(err))) - {"\n"}
    assert "would be formulas to a spreadsheet" in err
    documents = [
        (tmp_path / "out" / name).read_text() for name in ("report.json", "influence.json")
    ]
    runs = {json.loads(document)["run"] for document in documents}
    assert len(runs) == 1 and runs.pop() in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.skipif(
    not (browser := shutil.which("chromium") or shutil.which("google-chrome")),
    reason="no browser on this machine",
)
@pytest.mark.parametrize("which", ["report", "report_in_strata"])
def test_a_browser_runs_nothing(which, tmp_path, request):
    path = tmp_path / "page.html"
    path.write_text(request.getfixturevalue(which)[0], encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        f"file://{path}",
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    assert "<title>ran</title>" not in seen and "</html>" in seen
