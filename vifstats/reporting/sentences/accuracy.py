"""How far the numbers can be trusted, in words."""

from typing import Any

from vifstats.reporting.numbers import count, percent, plural, short

__all__ = ["accuracy", "how_refitted", "worst_row"]


def accuracy(section: dict[str, Any], unit: str) -> str:
    """How well the method agrees with refits.

    Parameters
    ----------
    section : dict
    unit : str

    Returns
    -------
    str
    """
    if section["method"] == "refit":
        return f"Every {unit} was refitted, so nothing here is approximate."
    if not section["figures"]:
        return "No refit converged, so nothing is known about the accuracy of these numbers."
    low, high = short(section["lowest_slope"]), short(section["highest_slope"])
    slope = f"a slope of {low}" if low == high else f"slopes from {low} to {high}"
    return (
        f"Against {plural(section['n_refitted'], 'exact refit')} the method has {slope} (1 is "
        f"right) and a largest error of {percent(section['largest_error_percent'])} of the largest "
        f"change, for {section['least_accurate']}."
    )


def how_refitted(section: dict[str, Any], unit: str) -> str:
    """Which rows were refitted.

    Parameters
    ----------
    section : dict
    unit : str

    Returns
    -------
    str
    """
    if section["method"] == "refit":
        return ""
    short_of = section["n_refitted"] < section["n_planned"]
    of = f" of {count(section['n_planned'])} planned" if short_of else ""
    failed = f" {plural(section['n_failed'], 'refit')} failed." if section["n_failed"] else ""
    return (
        f"{plural(section['n_refitted'], unit)}{of} refitted: the {count(section['n_top'])} most "
        f"influential and {count(section['n_random'])} at random (seed {section['seed']}).{failed}"
    )


def worst_row(found: dict[str, Any], unit: str) -> str:
    """Where the method errs most.

    Parameters
    ----------
    found : dict
    unit : str

    Returns
    -------
    str

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
