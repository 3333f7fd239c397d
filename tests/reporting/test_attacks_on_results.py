"""Results of every verb with such names, labels, groups and strata, wherever they are written."""

from __future__ import annotations

import csv
import re
import xml.dom.minidom
from functools import cache
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from attacks import ATTACKS

import vifstats as vs
from vifstats.checks.text import ACTING, inert, legible

K = len(ATTACKS)
RNG = np.random.default_rng(3)
X = RNG.normal(size=(3 * K, 2))
T, E = np.ceil(RNG.exponential(9, 3 * K)), RNG.random(3 * K) < 0.8
LABELS = [*ATTACKS, *(f"row {k}" for k in range(2 * K))]
GROUPS = np.resize(np.array(ATTACKS, dtype=object), 3 * K)
NAMES = ["=1+1", "<script>document.title='ran'</script>"]


@cache
def est() -> vs.Estimate:
    """Rows, covariates and strata are all called so."""
    frame = pd.DataFrame(X, columns=NAMES, index=LABELS)
    return vs.minimize(vs.losses.Cox(frame, T, E, strata=np.repeat(ATTACKS, 3)), [0.0, 0.0])


@cache
def wide() -> vs.Estimate:
    """Every text is a parameter."""
    frame = pd.DataFrame(RNG.normal(size=(2 * K, K)), columns=ATTACKS)
    loss = vs.losses.LinearPredictor(
        vs.losses.row_losses.SquaredError(), frame, RNG.normal(size=2 * K), names=ATTACKS
    )
    return vs.minimize(loss, np.zeros(K))


def equations() -> vs.Estimate:
    values = RNG.normal(size=(9, K))
    rows = vs.RowEquations(lambda theta, y: y - theta, values, names=ATTACKS)
    return vs.root(rows, np.zeros(K))


def mixed() -> vs.Estimate:
    """Rows, covariates and the groups of random intercepts."""
    frame = pd.DataFrame(X, columns=NAMES, index=LABELS).assign(one=1.0)
    y = X @ [1.0, -0.5] + np.repeat(RNG.normal(size=K), 3) + RNG.normal(size=3 * K)
    loss = vs.losses.MixedModel(frame, y, np.repeat(np.array(ATTACKS, dtype=object), 3))
    return vs.minimize(loss, loss.start())


RESULTS = {
    "mixed model": mixed,
    "mixed model by group": lambda: vs.vif(mixed(), groups=GROUPS),
    "estimate": wide,
    "influence": lambda: vs.vif(est()),
    "groups": lambda: vs.vif(est(), groups=GROUPS),
    "groups left out": lambda: vs.leave_one_group_out(est(), GROUPS),
    "conclusions": lambda: vs.conclusions(wide()),
    "left out": lambda: vs.leave_out(est(), ATTACKS[:3]),
    "set": lambda: vs.influential_set(est(), NAMES[0], change=-0.05),
    "edits": lambda: vs.vif(vs.edit(est(), event="flip")),
    "edits of strata": lambda: vs.vif(vs.edit(est(), stratum=ATTACKS[0], rows=ATTACKS[4:])),
    "fragility": lambda: vs.fragility(est(), NAMES[0], flip="sign", max_size=1),
    "joint": lambda: vs.vif(vs.joint(**{text: est() for text in ATTACKS[-8:]})),
    "curves": lambda: vs.kaplan_meier(T, E, groups=GROUPS),
    "curves without a row": lambda: vs.kaplan_meier(T, E, groups=GROUPS).on(
        vs.targets.RMST(None, tau=3.0)
    ),
    "hazards by stratum": lambda: vs.vif(est()).on(
        vs.targets.SurvivalProbability([0.0, 0.0], 5.0, ATTACKS[7])
    ),
    "equations": lambda: vs.vif(equations()),
    "methods": lambda: vs.compare_methods(est(), objects=ATTACKS[:4]),
    "cross-validation": lambda: vs.cross_validated_loglik(wide()),
}


@pytest.fixture(scope="module", params=RESULTS)
def result(request):
    return RESULTS[request.param]()


class Tags(HTMLParser):
    """Those of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


TABLE_TAGS = {"div", "p", "br", "table", "thead", "tbody", "tr", "th", "td"}


def test_what_is_shown_does_nothing(result):
    assert set(ACTING.findall(repr(result))) <= {"\n"}
    page = result._repr_html_()
    assert set(ACTING.findall(page)) <= {"\n"}
    assert Tags(page).found <= TABLE_TAGS


def test_csv_has_whole_lines_and_no_formula(result):
    lines = list(csv.reader(StringIO(result.to_csv(), newline="")))
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == len(result.table) + result.table.columns.nlevels + (
        result.table.columns.nlevels > 1 and any(result.table.index.names)
    )
    assert not [cell for line in lines for cell in line if is_formula(cell)]


def is_formula(cell: str) -> bool:
    return bool(re.match(r"\s*[=+@-]", cell)) and not re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell)


def test_excel_has_no_formula_and_every_label(result, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    result.to_excel(tmp_path / "t.xlsx")
    cells = [c for row in openpyxl.load_workbook(tmp_path / "t.xlsx").active for c in row]
    assert "f" not in {cell.data_type for cell in cells}
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert not [text for text in texts if is_formula(text) or ACTING.search(text)]
    labels = result._for_paper().index
    if labels.nlevels == 1:
        expected = {legible(inert(label)) for label in labels if isinstance(label, str)}
        assert expected - {""} <= set(texts)


# A sign of LaTeX that has no backslash before it: what escapes it is taken out first.
ESCAPED = re.compile(r"\\(?:text(?:backslash|asciitilde|asciicircum)\b ?(?:\{\})?|[&%$#_{}])")


def test_latex_has_no_command_of_theirs(result):
    text = result.to_latex()
    body = text[text.index("\\toprule") : text.index("\\bottomrule")]
    left = ESCAPED.sub("", body)
    commands = set(re.findall(r"\\[A-Za-z]+", left))
    assert commands <= {"\\toprule", "\\midrule"}, commands
    assert not re.search(r"[%$#_{}^~]", left)
    lines = [line for line in left.splitlines() if line.endswith("\\\\")]
    assert len({line.count("&") for line in lines}) == 1
    assert not set(ACTING.findall(text)) - {"\n"}


def test_markdown_is_a_table_and_no_page(result):
    lines = result.to_markdown().split("\n")
    assert len(lines) == len(result._for_paper()) + 2
    bare = [re.sub(r"\\[\\|`*\[\]$~<&_]", "", line) for line in lines]
    assert len({line.count("|") for line in bare}) == 1
    assert not [line for line in bare if re.search(r"<[A-Za-z/!]|&[#\w]|[`*$\[\]]", line)]
    assert not set(ACTING.findall("".join(lines)))


def curves() -> vs.TargetInfluence:
    """Restricted means of Kaplan and Meier's curve, with rows called so."""
    rows = pd.Series(T, index=LABELS)
    return vs.kaplan_meier(rows, pd.Series(E, index=LABELS)).on(vs.targets.RMST(None, tau=3.0))


def path_of_fragility(ax) -> None:
    found = vs.fragility(est(), NAMES[0], flip="sign", max_size=1)
    values = [found.value, found.value]
    vs.plots.set_path_plot([0, 1], values, values, what=ATTACKS[0], members=ATTACKS[4], ax=ax)


PICTURES = {
    "forest of a mixed model": lambda ax: vs.plots.forest_plot(
        vs.vif(mixed(), groups=GROUPS), NAMES[0], n_groups=None, ax=ax
    ),
    "rows of a mixed model": lambda ax: vs.plots.index_plot(
        vs.vif(mixed()), NAMES[1], n_labels=3 * K, ax=ax
    ),
    "rows": lambda ax: vs.plots.index_plot(vs.vif(est()), NAMES[0], n_labels=3 * K, ax=ax),
    "ranges": lambda ax: vs.plots.range_plot(vs.vif(wide()), ax=ax),
    "Kaplan-Meier": lambda ax: vs.plots.target_plot(curves(), n_labels=3 * K, ax=ax),
    "fragility": path_of_fragility,
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_xml_that_runs_and_loads_nothing(name):
    """Parsed as a browser does that is given the SVG as a file of its own."""
    picture = xml.dom.minidom.parseString(
        vs.plots.as_svg(PICTURES[name], size=(12.0, 12.0)).encode()
    )
    elements = picture.getElementsByTagName("*")
    assert not {node.tagName for node in elements} & {"script", "foreignObject", "a", "image"}
    for node in elements:
        for attribute, value in node.attributes.items():
            assert not attribute.startswith("on")
            assert "href" not in attribute or value.startswith("#")
    written = "".join(text_of(node) for node in picture.getElementsByTagName("text"))
    assert written and not set(ACTING.findall(written)) - {"\n"}


def text_of(node) -> str:
    return "".join(
        child.data if child.nodeType == child.TEXT_NODE else text_of(child)
        for child in node.childNodes
    )
