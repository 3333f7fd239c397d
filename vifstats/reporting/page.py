"""The page of a report: a template filled with report.json and nothing else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from vifstats.reporting import numbers, sentences

__all__ = ["render"]

# What may stand in the attribute of an image as it is; the rest is escaped.
SAFE = " ;:/?=&,.()[]{}!*+-_|$@~\n"


def render(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page: no script, no request, everything escaped.

    Parameters
    ----------
    document : mapping
        The contents of report.json.

    Returns
    -------
    str

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.reporting.assemble import describe
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, [1.0, 3.0, 5.0, 11.0])
    >>> page = render(describe(vs.minimize(loss, [0.0])))
    >>> page[:15], page.count("<h1")
    ('<!doctype html>', 1)
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vifstats.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for name in numbers.__all__:
        environment.filters[name] = getattr(numbers, name)
    environment.filters["data_uri"] = _data_uri
    environment.filters["cell"] = _cell
    environment.filters["effect"] = (
        numbers.ratio if document["overview"]["ratio"] else numbers.coefficient
    )
    return environment.get_template("report.html").render(say=sentences, **document)


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml," + quote(svg, safe=SAFE)


def _cell(value: Any) -> str:
    """A value of the user's own table: numbers short, everything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return numbers.UNKNOWN if value is None else str(value)
    return numbers.short(value)
