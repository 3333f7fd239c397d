"""What sets of rows change, in words."""

from typing import Any

from vifstats.reporting.formats import count, effect, many, p_value, plural

__all__ = ["set_found", "sets_searched"]

# More rows of one set are not read.
MOST_NAMED = 8


def set_found(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What a set changes, or does not.

    `item`: of the section "sets".
    """
    unit, n = overview["unit"], plural(item["n"], overview["unit"])
    if item["about"] == "significance":
        proof = f"p is {p_value(item['refitted_p'])} instead of {p_value(item['p'])}"
        end = "loses significance" if item["significant"] else "gains significance"
    else:
        to, was = (effect(item[k], item["decimals"]) for k in ("refitted_effect", "effect"))
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

    Examples
    --------
    >>> section = {"n_searched": 6, "n_questions": 14, "largest": 43, "too_many": False}
    >>> sets_searched(section, "row").split(": ")[0]
    'The time was up after 6 of 14 conclusions'
    """
    if section["too_many"]:
        return (
            f"No sets were looked for: with {plural(section['n_rows'], unit)} and so many "
            "parameters that takes minutes. influential_set does it, one conclusion at a time."
        )
    n, largest = section["n_questions"], plural(section["largest"], unit)
    if section["n_searched"] < n:
        return (
            f"The time was up after {count(section['n_searched'])} of {plural(n, 'conclusion')}: "
            f"the nearest to changing were looked at, with sets of up to {largest}."
        )
    every = "The only conclusion was" if n == 1 else f"All {count(n)} conclusions were"
    return f"{every} looked at, with sets of up to {largest}, and the nearest to changing first."
