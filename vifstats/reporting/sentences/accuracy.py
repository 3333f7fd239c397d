"""How far the numbers can be trusted, in words."""

from typing import Any

from vifstats.reporting.formats import count, fixed, percent, plural, short

__all__ = ["accuracy", "how_refitted", "worst_row"]


def accuracy(section: dict[str, Any], unit: str) -> str:
    """How well the method agrees with refits."""
    if section["method"] == "refit":
        return f"Every {unit} was refitted, so nothing here is approximate."
    if not section["figures"]:
        return f"{_why_none(section)}, so nothing is known about the accuracy of these numbers."
    low, high = (fixed(section[end], 2) for end in ("lowest_slope", "highest_slope"))
    slope = f"a slope of {low}" if low == high else f"slopes from {low} to {high}"
    return (
        f"Against {plural(section['n_refitted'], 'exact refit')} the method has {slope} (1 is "
        f"right) and a largest error of {percent(section['largest_error_percent'])} of the largest "
        f"change, for {section['least_accurate']}."
    )


def how_refitted(section: dict[str, Any], unit: str) -> str:
    """Which rows were refitted."""
    if section["method"] == "refit":
        return ""
    n, n_before = section["n_refitted"], section["n_exact_before"]
    before = (
        f" {plural(n_before, unit)} came refitted already and {'is' if n_before == 1 else 'are'} "
        "no part of the comparison."
        if n_before
        else ""
    )
    failed = f" {plural(section['n_failed'], 'refit')} failed." if section["n_failed"] else ""
    if n == section["n_all"]:
        return f"All {plural(n, unit)} were refitted.{failed}"
    n_top = count(section["n_top"])
    top = f"{n_top} of the most" if n_before else f"the {n_top} most"
    of = f" of {count(section['n_planned'])} planned" if n < section["n_planned"] else ""
    return (
        f"{plural(n, unit)}{of} refitted to compare: {top} influential and "
        f"{count(section['n_random'])} others at random (seed {section['seed']}).{before}{failed}"
    )


def _why_none(section: dict[str, Any]) -> str:
    if section["n_refitted"]:
        return "No refit converged"
    return "There was no time for refits" if section["n_planned"] else "There was none to compare"


def worst_row(found: dict[str, Any], unit: str) -> str:
    """Where the method errs most.

    Examples
    --------
    >>> worst_row({"row": "7", "standard_errors": 0.031, "what": "leverage", "value": 0.2}, "row")
    'The largest error is 0.031 standard errors, for row 7 (leverage 0.2).'
    """
    who = (
        ""
        if found["row"] is None
        else (f", for {unit} {found['row']} ({found['what']} {short(found['value'])})")
    )
    return f"The largest error is {short(found['standard_errors'])} standard errors{who}."
