"""What the README promises: the lines to begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import blocks

from vifstats.adapters import supported_models

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)

LINES = [
    "-m vifstats cox -o influence",
    "-m pytest",
    "-m sphinx -W -j auto -b html docs docs/_build/html",
]


@pytest.mark.parametrize("what", LINES)
def test_each_line_starts_from_nothing_but_python(what):
    lines = [block.text for block in BLOCKS if block.language == "bash"]
    assert len(lines) == len(LINES)
    (line,) = [line for line in lines if what in line]
    assert line.count("\n") == 1
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
    assert line.rstrip().endswith(f"&& .venv/bin/python {what}")


def test_the_table_of_supported_models_is_that_of_the_adapters():
    table = README.split("| library | fitted models |\n|---|---|\n")[1].split("| none |")[0]
    rows = [f"| {name} | {', '.join(found)} |\n" for name, found in supported_models().items()]
    assert table == "".join(rows), "README.md: the table must be that of the adapters"


def test_slopes_of_lifelines_residuals_are_those_of_the_page_that_runs_them():
    page = (ROOT / "docs" / "builtin_residuals.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"\{'fin': .*'prio': [\d.]+\}", page.split("## lifelines")[1])[:1]
    slopes = [float(slope) for slope in re.findall(r": ([\d.]+)", printed)]
    text = " ".join(README.split())
    assert f"slopes from {min(slopes):.2f} to {max(slopes):.2f}, where 1 is right" in text
