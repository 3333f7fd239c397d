"""Sentences on single rows."""

from typing import Any

from vifstats.reporting.formats import (
    change,
    count,
    counted,
    effect,
    listed,
    many,
    plural,
    short,
    significant,
)

__all__ = [
    "coefficient_plot",
    "counts_plot",
    "effect_of",
    "in_sum",
    "infinite_effects",
    "top_row",
    "trend",
]

# Below this rank correlation nothing is said of a trend.
CORRELATED = 0.3


def top_row(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What happens without one of the top rows.

    `item`: of the section "rows".
    """
    who = f"Without {overview['unit']} {item['row']}{_outcome(item)}"
    if item["infinite"]:
        return f"{who} {infinite_effects(item['infinite'], overview)} (separation)."
    moved = item.get("most_moved")
    if moved is None:
        return f"{who} the model could not be refitted ({item['status']})."
    start, end = (effect(moved[side], moved["decimals"]) for side in ("from", "to"))
    size = f"{change(moved['percent'])}, " if "percent" in moved else ""
    how = "refitted" if item["exact"] else "predicted"
    warning = "" if item["status"] in ("ok", "separation") else f" Status: {item['status']}."
    return (
        f"{who} {effect_of(moved, overview)} is {end} instead of {start} ({size}"
        f"{significant(abs(moved['dfbetas']))} standard errors; {how}).{warning}"
    )


def effect_of(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What an effect is called: "the hazard ratio of age per standard deviation".

    A coefficient is of one unit of its covariate, a ratio of one of its steps.

    Examples
    --------
    >>> effect_of({"name": "fin", "step_is": "two values"}, {"effect": "odds ratio", "ratio": True})
    'the odds ratio of fin'
    """
    per = " per standard deviation" if item["step_is"] == "standard deviation" else ""
    return f"the {overview['effect']} of {item['name']}{per if overview['ratio'] else ''}"


def infinite_effects(goes: dict[str, str], overview: dict[str, Any]) -> str:
    """Which effects are infinite, or 0, and so cannot be estimated.

    Examples
    --------
    >>> infinite_effects({"rare": "-"}, {"effect": "hazard ratio", "ratio": True})
    'the hazard ratio of rare cannot be estimated: it is 0'
    """
    effect_name, ratio = overview["effect"], overview["ratio"]
    ends = {end: [name for name, to in goes.items() if to == end] for end in "-+?"}
    low, high = ("0", "infinite") if ratio else ("minus infinity", "infinity")
    values = [(ends["-"], low), (ends["+"], high), (ends["?"], "infinite or unknown")]
    given = [(names, value) for names, value in values if names]
    if not given:
        return f"some {effect_name} is infinite"
    (names, value), rest = given[0], given[1:]
    those = f"the {effect_name}{'' if len(names) == 1 else 's'} of {listed(names, 'and')}"
    pronoun = "it is" if len(names) == 1 else "they are"
    more = "".join(f", and {v} for {listed(n, 'and')}" for n, v in rest)
    return f"{those} cannot be estimated: {pronoun} {value}{more}"


def coefficient_plot(item: dict[str, Any], unit: str, n: int, convention: float) -> str:
    """What the index plot of one coefficient shows: its text alternative.

    `item`: of the section "coefficients"; `n`: how many rows there are; `convention`: Harrell's.
    """
    largest = item["largest"]
    if largest is None:
        return f"DFBETAS of {item['name']}: none could be computed."
    return (
        f"DFBETAS of {item['name']} for {plural(n, unit)}: the largest is "
        f"{short(largest['dfbetas'])}, of {unit} {largest['row']}; {count(item['n_beyond'])} "
        f"{'is' if item['n_beyond'] == 1 else 'are'} beyond {convention:g} in size."
    )


def counts_plot(item: dict[str, Any], unit: str) -> str:
    """What the picture of rounded counts of one coefficient shows: its text alternative.

    `item`: of the section "coefficients" of a report without rows.
    """
    found = [
        f"{'' if beyond['n'] is None else 'about '}{counted(beyond['n'])} {many(unit)} beyond "
        f"{beyond['threshold']:g}"
        for beyond in item["beyond"]
    ]
    return f"DFBETAS of {item['name']}: {', '.join(found)} in size."


def trend(correlation: float | None, of: str) -> str:
    """A sentence on a rank correlation; "" where there is none, or a weak one.

    Examples
    --------
    >>> trend(0.52, "time"), trend(0.1, "time")
    (' It tends to increase with time here (rank correlation 0.52).', '')
    """
    if correlation is None or abs(correlation) < CORRELATED:
        return ""
    verb = "increase" if correlation > 0 else "decrease"
    return f" It tends to {verb} with {of} here (rank correlation {short(correlation)})."


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
