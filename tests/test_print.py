"""On paper the site and the report are whole: no box cuts text, no row or picture is torn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "_static" / "vifstats.css"
REPORT = ROOT / "vifstats" / "reporting" / "templates" / "report.css"
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
IS = re.compile(r"(.*):is\((.*)\)(.*)")


def on_paper(sheet: Path) -> dict[str, dict[str, str]]:
    """What each selector says inside @media print."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    rules: dict[str, dict[str, str]] = {}
    for block in re.findall(r"@media print \{((?:[^{}]*\{[^{}]*\})*)\s*\}", text):
        for selectors, body in RULE.findall(block):
            said = dict(part.split(":", 1) for part in body.split(";") if ":" in part)
            said = {key.strip(): value.strip() for key, value in said.items()}
            for selector in re.split(r",(?![^(]*\))", selectors):
                for one in spelled_out(selector.strip()):
                    rules.setdefault(one, {}).update(said)
    return rules


def spelled_out(selector: str) -> list[str]:
    """a:is(b, c) as ab and ac."""
    parts = IS.fullmatch(selector)
    if parts is None:
        return [selector]
    return [parts[1] + choice.strip() + parts[3] for choice in parts[2].split(",")]


# Boxes that the theme makes as high as the window, or lets scroll, and what is only for a screen.
WHOLE = ["html", "body", ".bd-main", ".bd-main .bd-content"]
SCROLLED = ["pre", ".pst-scrollable-table-container", ".dataframe-box", "div.math"]
HIDDEN = [".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header", ".bd-footer", ".copybtn"]


@pytest.mark.parametrize("selector", WHOLE)
def test_the_site_has_no_box_of_the_height_of_the_window(selector):
    rule = on_paper(SITE)[selector]
    assert rule["height"] == "auto !important" and rule["overflow"] == "visible !important"


@pytest.mark.parametrize("selector", SCROLLED)
def test_nothing_that_scrolls_on_the_site_is_cut(selector):
    assert on_paper(SITE)[f".bd-content {selector}"]["overflow"] == "visible !important"


@pytest.mark.parametrize("selector", HIDDEN)
def test_menus_and_buttons_stay_on_the_screen(selector):
    assert on_paper(SITE)[selector]["display"] == "none !important"


@pytest.mark.parametrize(
    ("sheet", "selector"),
    [
        *((SITE, f".bd-content {part}") for part in ("tr", "img", "pre")),
        *((REPORT, part) for part in ("tr", "figure", "pre")),
    ],
)
def test_rows_pictures_and_code_are_not_torn(sheet, selector):
    assert on_paper(sheet)[selector]["break-inside"] == "avoid"


@pytest.mark.parametrize(("sheet", "selector"), [(SITE, ".bd-content h2"), (REPORT, "h2")])
def test_a_heading_is_not_the_last_line_of_a_page(sheet, selector):
    assert on_paper(sheet)[selector]["break-after"] == "avoid"


def test_the_report_repeats_the_head_of_a_long_table_and_hides_its_links():
    rules = on_paper(REPORT)
    assert rules["thead"]["display"] == "table-header-group"
    assert rules["nav"]["display"] == "none"
