"""What happens to predicted survival, in words."""

from typing import Any

from vifstats.reporting.formats import capital, percent, short, some

__all__ = ["survival"]


def survival(found: dict[str, Any], unit: str) -> str:
    """The largest change of a survival curve.

    `found`: the section.

    Examples
    --------
    >>> survival({"row": "7", "time": 20.0, "percent": 80.0, "percent_without": 80.5,
    ...     "exact": True}, "row").replace("\\xa0", " ")
    'The largest change: without row 7, predicted event-free survival at time 20 is 80.5 % instead of 80.0 %.'
    """  # noqa: E501  a line of output
    if "n" in found:
        return (
            f"{capital(some(found['n'], unit, rounded=True))} change predicted event-free "
            "survival by more than "
            f"{_points(found['points'])} at any time."
        )
    how = "" if found["exact"] else " (predicted)"
    return (
        f"The largest change: without {unit} {found['row']}, predicted event-free survival at time "
        f"{short(found['time'])} is {percent(found['percent_without'])} instead of "
        f"{percent(found['percent'])}{how}."
    )


def _points(points: float) -> str:
    return f"{short(points)} percentage point{'' if points == 1 else 's'}"
