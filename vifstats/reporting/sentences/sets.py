"""What sets of rows change, in words."""

from typing import Any

from vifstats.reporting.numbers import count, many, p_value, plural
from vifstats.reporting.sentences.effects import effect

__all__ = ["set_found", "sets_searched"]

# More rows of one set are not read.
MOST_NAMED = 8


def set_found(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What a set changes, or does not.

    Parameters
    ----------
    item : dict
        Of the section "sets".
    overview : dict

    Returns
    -------
    str
    """
    unit, n = overview["unit"], plural(item["n"], overview["unit"])
    if item["about"] == "significance":
        proof = f"p is {p_value(item['refitted_p'])} instead of {p_value(item['p'])}"
        end = "loses significance" if item["significant"] else "gains significance"
    else:
        to, was = effect(item["refitted_effect"], overview), effect(item["effect"], overview)
        proof, end = f"the {overview['effect']} is {to} instead of {was}", "changes direction"
    if not item["flips"]:
        keeps = end.replace("loses", "keeps").replace("gains", "does not gain")
        keeps = keeps.replace("changes direction", "keeps its direction")
        return f"{item['name']} {keeps} without the {n} chosen: {proof}."
    who = ""
    if item["rows"] is not None:
        more = ", ..." if item["n"] > MOST_NAMED else ""
        noun = unit if item["n"] == 1 else many(unit)
        who = f" ({noun} {', '.join(item['rows'][:MOST_NAMED])}{more})"
    return f"{item['name']} {end} without {n}{who}: {proof}."


def sets_searched(section: dict[str, Any], unit: str) -> str:
    """How far the search for sets went.

    Parameters
    ----------
    section : dict
    unit : str

    Returns
    -------
    str

    Examples
    --------
    >>> section = {"n_searched": 6, "n_questions": 14, "largest": 43}
    >>> sets_searched(section, "row").split(", ")[0]
    '6 of 14 conclusions were looked at'
    """
    return (
        f"{count(section['n_searched'])} of {plural(section['n_questions'], 'conclusion')} were "
        f"looked at, the nearest to changing first, with sets of up to "
        f"{plural(section['largest'], unit)}."
    )
