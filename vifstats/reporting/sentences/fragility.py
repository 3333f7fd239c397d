"""What it would take for rows recorded otherwise to change a conclusion, in words."""

from typing import Any

from vifstats.reporting.formats import count, many, p_value

__all__ = ["edits_found", "edits_searched"]

EDITS = {
    "censored -> event": "censored {} with an event instead",
    "event -> censored": "{} with an event censored instead",
    "swap treatment": "{} in the other arm",
}
# More rows of one set are not read.
MOST_NAMED = 8


def edits_found(item: dict[str, Any], section: dict[str, Any], unit: str) -> str:
    """What a set of edits changes, or does not.

    `item`: of the `section` "fragility".

    Examples
    --------
    >>> section = {"name": "arm", "significant": True, "p": 0.005}
    >>> item = {"edits": "event -> censored", "reached": True, "n": 2, "rows": ["3", "8"],
    ...         "refitted_p": 0.056, "largest": 9}
    >>> edits_found(item, section, "patient").split(" (")[0]
    'arm would no longer be significant if 2 patients with an event had been censored instead'
    """
    if not item["reached"]:
        stays = "significant" if section["significant"] else "non-significant"
        return (
            f"{section['name']} would stay {stays} even if the set found had been recorded "
            f"otherwise ({EDITS[item['edits']].format(many(unit))}; sets of at most "
            f"{count(item['largest'])} were searched)."
        )
    becomes = "no longer be" if section["significant"] else "become"
    n: int = item["n"] if "n" in item else item["at_most"]
    start = f"{section['name']} would {becomes} significant if"
    if "at_most" in item:
        return f"{start} at most {_instead(item['edits'], n, unit)}."
    more = ", ..." if n > MOST_NAMED else ""
    who = f"{unit if n == 1 else many(unit)} {', '.join(item['rows'][:MOST_NAMED])}{more}"
    return (
        f"{start} {_instead(item['edits'], n, unit)} ({who}): p is {p_value(item['refitted_p'])} "
        f"instead of {p_value(section['p'])}."
    )


def edits_searched(section: dict[str, Any], unit: str) -> str:
    """What was asked, and the classical index beside.

    Examples
    --------
    >>> section = {"unadjusted": 3, "refusal": "", "n_kinds": 3, "n_searched": 3}
    >>> edits_searched(section, "row")
    'The classical fragility index, of the numbers of events in the two arms alone, is 3.'
    """
    if section["refusal"]:
        return f"No edits were searched. {section['refusal']}"
    return " ".join(part for part in (_classical(section), _in_time(section)) if part)


def _in_time(section: dict[str, Any]) -> str:
    done, n = section["n_searched"], section["n_kinds"]
    if done == n:
        return ""
    return f"Time ran out after {count(done)} of {count(n)} kinds of edit; allow more seconds."


def _classical(section: dict[str, Any]) -> str:
    if section["unadjusted"] is None:
        return ""
    k = section["unadjusted"]
    if k:
        most = "at most " if section.get("rounded") else ""
        end = f"is {most}{count(k)}"
    else:
        end = (
            "is 0: by Fisher's exact test these numbers do not differ significantly, which says "
            "nothing about the model"
        )
    return f"The classical fragility index, of the numbers of events in the two arms alone, {end}."


def _instead(kind: str, n: int, unit: str) -> str:
    """What of so many rows would have been otherwise: "2 patients had ..."."""
    noun = unit if n == 1 else many(unit)
    if kind == "censored -> event":
        return f"{count(n)} censored {noun} had had the event at the time of censoring"
    if kind == "event -> censored":
        return f"{count(n)} {noun} with an event had been censored instead"
    return f"{count(n)} {noun} had been recorded in the other arm"
