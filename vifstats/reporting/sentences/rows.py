"""Sentences on single rows."""

from typing import Any

from vifstats.reporting.formats import change, count, effect, plural, short, significant

__all__ = ["coefficient_plot", "in_sum", "top_row"]


def top_row(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What happens without one of the top rows.

    `item`: of the section "rows".
    """
    who = f"Without {overview['unit']} {item['row']}{_outcome(item)}"
    moved = item.get("most_moved")
    if moved is None:
        return f"{who} the model could not be refitted ({item['status']})."
    start, end = (effect(moved[side], moved["decimals"]) for side in ("from", "to"))
    size = f", {change(moved['percent'])}" if "percent" in moved else ""
    how = "refitted" if item["exact"] else "predicted"
    warning = "" if item["status"] == "ok" else f" Status: {item['status']}."
    return (
        f"{who} the {overview['effect']} of {moved['name']} goes from {start} to {end} "
        f"({how}{size}; {significant(abs(moved['dfbetas']))} standard errors).{warning}"
    )


def coefficient_plot(item: dict[str, Any], unit: str, n: int, convention: float) -> str:
    """What the index plot of one coefficient shows: its text alternative.

    `item`: of the section "coefficients"; `n`: how many rows there are; `convention`: Harrell's.
    """
    largest = item["largest"]
    if largest is None:
        return f"dfbetas of {item['name']}: none could be computed."
    who = "" if largest["row"] is None else f", of {unit} {largest['row']}"
    return (
        f"dfbetas of {item['name']} for {plural(n, unit)}: the largest is "
        f"{short(largest['dfbetas'])}{who}; {count(item['n_beyond'])} beyond {convention:g} in "
        "size."
    )


def in_sum(total: dict[str, Any], unit: str) -> str:
    """What the waterfall shows.

    Examples
    --------
    >>> in_sum({"name": "age", "n": 10, "standard_errors": -2.5}, "row")
    'Added up, the 10 rows that move age most change it by −2.5 standard errors.'
    """
    return (
        f"Added up, the {plural(total['n'], unit)} that move {total['name']} most change it by "
        f"{short(total['standard_errors'])} standard errors."
    )


def _outcome(item: dict[str, Any]) -> str:
    if "n_rows" in item:
        return f" ({plural(item['n_rows'], 'row')})"
    if item.get("time") is None or item.get("event") is None:
        return ""
    return f" ({'event' if item['event'] else 'censored'} at time {short(item['time'])})"
