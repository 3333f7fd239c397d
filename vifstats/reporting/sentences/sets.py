"""What sets of rows change, in words."""

from typing import Any

from vifstats.reporting.formats import count, effect, many, p_value, plural
from vifstats.reporting.sentences.rows import effect_of

__all__ = ["set_found", "sets_searched"]

# More rows of one set are not read.
MOST_NAMED = 8


def set_found(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What a set changes, or does not.

    `item`: of the section "sets".
    """
    unit = overview["unit"]
    if "at_most" in item:
        return _bounded(item, unit)
    who = "" if not item["flips"] else f" ({_members(item, unit)})"
    if item["about"] == "significance":
        proof = f"p is {p_value(item['refitted_p'])} instead of {p_value(item['p'])}"
        if item["flips"]:
            end = "is no longer significant" if item["significant"] else "becomes significant"
        else:
            end = "stays significant" if item["significant"] else "stays non-significant"
    else:
        proof = _of_a_step(item, overview)
        end = "changes direction" if item["flips"] else "keeps its direction"
    n = plural(item["n"], unit)
    if not item["flips"]:
        most = f"the {n} found" if item["n"] > 1 else f"the {unit} found"
        return f"{item['name']} {end} even without {most}: {proof}."
    return f"{item['name']} {end} without {n}{who}: {proof}."


def sets_searched(section: dict[str, Any], unit: str) -> str:
    """How far the search for sets went.

    Examples
    --------
    >>> section = {"n_searched": 6, "n_questions": 14, "largest": 43, "too_many": False}
    >>> sets_searched(section, "row").split(": ")[0]
    'Time ran out after 6 of 14 conclusions'
    """
    if section["too_many"]:
        return (
            f"No sets were searched: with {plural(section['n_rows'], unit)} and so many parameters "
            "that takes minutes. Call influential_set for one conclusion at a time."
        )
    n, largest = section["n_questions"], plural(section["largest"], unit)
    if section["n_searched"] < n:
        return (
            f"Time ran out after {count(section['n_searched'])} of {plural(n, 'conclusion')}: for "
            f"the least certain ones we searched for a set of at most {largest}."
        )
    if n == 1:
        return f"We searched for a set of at most {largest} for the only conclusion."
    return (
        f"We searched for a set of at most {largest} for each of {plural(n, 'conclusion')}, "
        "starting with the least certain."
    )


def _members(item: dict[str, Any], unit: str) -> str:
    more = ", ..." if item["n"] > MOST_NAMED else ""
    noun = unit if item["n"] == 1 else many(unit)
    return f"{noun} {', '.join(item['rows'][:MOST_NAMED])}{more}"


def _of_a_step(item: dict[str, Any], about: dict[str, Any]) -> str:
    """The effect before and after, of a ratio for one step of the covariate."""
    to, was = (effect(item[key], item["step_decimals"]) for key in ("step_refitted", "step_effect"))
    return f"{effect_of(item, about)} is {to} instead of {was}"


def _bounded(item: dict[str, Any], unit: str) -> str:
    n = plural(item["at_most"], unit)
    if item["about"] == "sign":
        ends = ("changes direction", "keeps its direction")
    elif item["significant"]:
        ends = ("is no longer significant", "stays significant")
    else:
        ends = ("becomes significant", "stays non-significant")
    if item["flips"]:
        return f"{item['name']} {ends[0]} without a set of at most {n}."
    return f"{item['name']} {ends[1]} even without the set found."
