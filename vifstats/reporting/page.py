"""The page of a report: a template filled with report.json and nothing else."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vifstats.checks.text import legible
from vifstats.reporting import formats as numbers
from vifstats.reporting import sentences

__all__ = ["environment", "render"]

# What may stand in the attribute of an image as it is; the rest is escaped.
SAFE = " ;:/?=&,.()[]{}!*+-_|$@~\n"


def render(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page: no script, no request, everything escaped.

    `document`: the contents of report.json.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.reporting.assemble import describe
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, [1.0, 3.0, 5.0, 11.0])
    >>> page = render(describe(vs.minimize(loss, [0.0])))
    >>> page[:15], page.count("<h1")
    ('<!doctype html>', 1)
    """
    return _template().render(
        say=sentences,
        places=_places(document["rows"]),
        shown=_shown(document),
        beyond_heads=[f"beyond {found['threshold']:g}" for found in document["beyond"] or ()],
        **document,
    )


@cache
def _template() -> Any:
    """The template of the report, kept because compiling it takes longer than filling it."""
    return environment().get_template("report.html")


def environment(folder: str | Path | None = None) -> Any:
    """Templates with the style of the report, and its ways to write numbers as filters.

    `folder`: with templates of another page, which may include ``report.css``.

    Examples
    --------
    >>> environment().from_string("{{ 0.98765 | fixed(2) }}").render()
    '0.99'
    """
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

    others = [] if folder is None else [FileSystemLoader(folder)]
    made = Environment(
        loader=ChoiceLoader([*others, PackageLoader("vifstats.reporting")]),
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for name in numbers.__all__:
        made.filters[name] = getattr(numbers, name)
    made.filters["data_uri"] = _data_uri
    made.filters["cell"] = _cell
    return made


def _visible(value: Any) -> Any:
    """The text with active characters written out, such as those that reverse the letters."""
    return legible(value, keep="\t\n") if type(value) is str else value


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml," + quote(svg, safe=SAFE)


def _places(rows: Mapping[str, Any] | None) -> dict[str, Any]:
    """Decimals of each column of the top rows, whatever is in it."""
    items = [] if rows is None else rows["items"]
    columns = [] if rows is None else rows["columns"]
    return {
        "cooks_distance": _of_column(item["cooks_distance"] for item in items),
        "time": _of_column(item.get("time") for item in items),
        "covariates": {c: _of_column(item["covariates"][c] for item in items) for c in columns},
    }


def _shown(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The coefficients of a table: all, or those that some row moves most."""
    items = document["coefficients"]
    size = [0.0 if i["largest"] is None else abs(i["largest"]["dfbetas"]) for i in items]
    order = sorted(range(len(items)), key=lambda k: -size[k])
    return [items[k] for k in sorted(order[: document["conventions"]["most_coefficients"]])]


def _of_column(values: Iterable[Any]) -> int:
    return numbers.places(value for value in values if _is_number(value))


def _cell(value: Any, places: int) -> str:
    """A value of the user's own table: numbers with these decimals, everything else as it is."""
    if not _is_number(value):
        return numbers.UNKNOWN if value is None else str(value)
    return numbers.effect(value, places)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
