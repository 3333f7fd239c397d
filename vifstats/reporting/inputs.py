"""The arguments of a report, tried before any work."""

from pathlib import Path
from typing import Any

from vifstats import checks
from vifstats.adapters import from_model
from vifstats.checks.folders import writable_folder
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.reporting.findings import Findings

__all__ = ["page_path", "require_words", "source_of", "unit_of"]


def unit_of(found: Findings, groups: Any = None) -> str:
    """What one row of a result is called where nobody says; `groups`: as of `from_model`."""
    if found.influence.removals.single:
        return "row"
    name = groups if isinstance(groups, str) else getattr(groups, "name", None)
    return name if isinstance(name, str) and name else "group"


def require_words(unit: str | None, title: str | None) -> None:
    if unit is not None:
        checks.plain_text(unit, "unit")
    if title is not None:
        checks.plain_text(title, "title")


def page_path(path: str | Path) -> Path:
    """The path of the page, tried before any work."""
    path = checks.file_path(path, "path")
    if path.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(
            f"`path` must end in .html, but is {str(path)!r}; the JSON gets the same name."
        )
    if path.is_dir():
        raise InvalidInputError(f"`path` must be a file, but {str(path)!r} is a folder.")
    writable_folder(path.parent)
    return path


def source_of(model: Any, data: tuple, options: dict[str, Any]) -> Estimate | Influence:
    if isinstance(model, TargetInfluence):
        model = model.source
    if not isinstance(model, Estimate | Influence):
        return from_model(model, *data, **options)
    if data or options:
        given = ["data"] * bool(data) + sorted(options)
        raise InvalidInputError(
            f"An {type(model).__name__} has its data and options already, but {given} were given "
            "too; leave them out."
        )
    return model
