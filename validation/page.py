"""One self-contained page of all results, in the style of the package's own reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.experiment import Experiment, Record, Table
from vifstats.checks.folders import replacing
from vifstats.reporting import formats as numbers
from vifstats.reporting.page import environment
from vifstats.versions import __version__

__all__ = ["render", "shown", "write"]

TEMPLATES = Path(__file__).parent / "templates"


def write(experiments: Mapping[str, Experiment], records: Mapping[str, Record], file: Path) -> Path:
    """Write the page, whole or not at all, and return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as out:
        out.write(render(experiments, records))
    return file


def render(experiments: Mapping[str, Experiment], records: Mapping[str, Record]) -> str:
    """The page of the experiments that have a record, in their order."""
    sections = [_section(e, records[name]) for name, e in experiments.items() if name in records]
    bounds = [(section["name"], bound) for section in sections for bound in section["bounds"]]
    made = environment(TEMPLATES)
    made.filters["shown"] = shown
    made.filters["columns_of_words"] = _columns_of_words
    made.filters["figure"] = lambda value: f"{value:.6g}"
    return made.get_template("suite.html").render(
        title="vifstats, validated",
        subtitle=f"The paper's experiments, and its reviewers' questions; version {__version__}",
        sections=sections,
        absent=[name for name in experiments if name not in records],
        promises={
            "all": len(bounds),
            "met": sum(bound.met for _, bound in bounds),
            "broken": [
                f"{name}, {bound.what}: {bound.value:.6g}, promised {bound.limit:g}"
                for name, bound in bounds
                if not bound.met
            ],
        },
    )


def _section(experiment: Experiment, record: Record) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "title": experiment.title,
        "text": experiment.text,
        "tables": experiment.tables(record),
        "figures": experiment.figures(record),
        "bounds": experiment.bounds(record),
        "seconds": record.seconds.get("in all"),
        "machine": {"cpu": "an unnamed machine", "cores": "?", "blas_threads": "?"}
        | {"load_average": "?"}
        | record.machine,
        "versions": record.versions,
    }


def shown(value: Any) -> str:
    """Numbers short, text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return numbers.UNKNOWN if value is None else str(value)
    if isinstance(value, int):
        return numbers.count(value)
    return numbers.short(value) if abs(value) >= 1000 else numbers.significant(value)


def _columns_of_words(table: Table) -> set[int]:
    """The first, and those in which a cell begins with a letter, or with code."""
    found = {
        column
        for row in table.rows
        for column, value in enumerate(row)
        if isinstance(value, str) and (value[:1].isalpha() or "`" in value or "\n" in value)
    }
    return {0, *found}
