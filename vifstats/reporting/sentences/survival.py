"""What happens to predicted survival, in words."""

from typing import Any

from vifstats.reporting.formats import percent, short

__all__ = ["survival"]


def survival(found: dict[str, Any], unit: str) -> str:
    """The largest change of a survival curve.

    `found`: the section.

    Examples
    --------
    >>> survival({"row": "7", "time": 20.0, "percent": 80.0, "percent_without": 80.5,
    ...     "points": 0.5}, "row").replace("\\xa0", " ")
    'Without row 7 the probability to live beyond time 20 goes from 80.0 % to 80.5 %, the most.'
    """
    who = f"one {unit}" if found["row"] is None else f"{unit} {found['row']}"
    return (
        f"Without {who} the probability to live beyond time {short(found['time'])} goes from "
        f"{percent(found['percent'])} to {percent(found['percent_without'])}, the most."
    )
