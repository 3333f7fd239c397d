"""What a release says of itself is the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import vifstats

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", re.M)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_everywhere():
    (version, date), *_ = RELEASE.findall(CHANGELOG)
    assert version == vifstats.__version__
    citation = dict(re.findall(r"^([\w-]+): (.+)$", text("CITATION.cff"), re.M))
    assert (citation["version"], citation["date-released"]) == (version, date)
    assert f'{{% set version = "{version}" %}}' in text("conda/meta.yaml")


def test_releases_are_in_order_and_each_line_is_in_one():
    versions = [tuple(map(int, version.split("."))) for version, _ in RELEASE.findall(CHANGELOG)]
    assert versions == sorted(versions, reverse=True) and len(versions) >= 2
    others = set(re.findall(r"^## (.*)$", CHANGELOG, re.M)) - {
        f"{version} - {date}" for version, date in RELEASE.findall(CHANGELOG)
    }
    assert others <= {"Unreleased"}


def test_the_recipe_has_the_dependencies_of_the_package():
    recipe = text("conda/meta.yaml").split("  run:\n")[1].split("\ntest:")[0]
    run = [line.strip(" -").replace(" ", "") for line in recipe.strip().splitlines()]
    ours = [line.replace("matplotlib", "matplotlib-base") for line in PROJECT["dependencies"]]
    assert run == [f"python{PROJECT['requires-python']}", *ours]


def test_the_table_of_extras_has_them_all():
    table = text("docs/start.md").split("| extra | for |\n")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]*)\|", table, re.M)
    told = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(told) == sorted(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("field", ["classifiers", "keywords"])
def test_what_it_is_found_by_has_no_doubles(field):
    assert len(set(PROJECT[field])) == len(PROJECT[field])
