"""How far the numbers can be trusted, in words."""

from typing import Any

from vifstats.reporting.formats import capital, count, counted, percent, plural, short, some

__all__ = ["accuracy", "how_refitted", "worst_row"]

# Below this many percent the method and the refits are the same.
SAME = 0.05


def accuracy(section: dict[str, Any], unit: str) -> str:
    """How well the method agrees with refits.

    `section`: the section "accuracy".
    """
    if section["method"] == "refit" and not section["separated"]:
        return f"Every {unit} was left out and the model refitted, so no number is approximate."
    if not section["figures"]:
        return _why_unknown(section, unit)
    error = percent(section["largest_error_percent"])
    found = (
        f"In {counted(section['n_refitted'])} exact refits the true changes were "
        f"{_larger(section)} predicted{_on_average(section)}; the largest error was {error} of the "
        f"largest change, in {section['least_accurate']}."
    )
    if section["all_exact"]:
        return f"Every {unit} was refitted, so the numbers here are exact. {found}"
    return found


def how_refitted(section: dict[str, Any], unit: str) -> str:
    """Which rows were refitted."""
    if section["method"] == "refit" or not section["n_planned"]:
        return ""
    failed = section["n_failed"]
    failures = f" {plural(failed, 'refit')} failed." if failed else ""
    if "n_top" not in section:
        return (
            f"{capital(some(section['n_refitted'], unit, rounded=True))} were refitted to compare: "
            "the most influential, and others drawn at random."
        )
    n, n_before = section["n_refitted"], section["n_exact_before"]
    before = (
        f" {plural(n_before, unit)} had been refitted before and {_is(n_before)} not part of the "
        "comparison."
        if n_before
        else ""
    )
    if n == section["n_all"]:
        return f"The comparison is of all {plural(n, unit)}.{failures}"
    of = f" of {count(section['n_planned'])} planned" if n < section["n_planned"] else ""
    return (
        f"{plural(n, unit)}{of} {'was' if n == 1 else 'were'} refitted to compare: "
        f"{count(section['n_top'])} of the most influential, and {count(section['n_random'])} "
        f"others at random (seed {section['seed']}).{before}{failures}"
    )


def worst_row(found: dict[str, Any], unit: str) -> str:
    """Where the method errs most.

    Examples
    --------
    >>> worst_row({"row": "7", "standard_errors": 0.031, "what": "leverage", "value": 0.2}, "row")
    'The largest error is 0.031 standard errors, for row 7 (leverage 0.2).'
    """
    return (
        f"The largest error is {short(found['standard_errors'])} standard errors, for {unit} "
        f"{found['row']} ({found['what']} {short(found['value'])})."
    )


def _larger(section: dict[str, Any]) -> str:
    """By how much the slopes of refits on predictions differ from 1: "2 to 7 % larger than"."""
    ends = [section["lowest_larger_percent"], section["highest_larger_percent"]]
    low, high = ends
    if max(abs(low), abs(high)) < SAME:
        return "those"
    if low * high < 0 and min(abs(low), abs(high)) >= SAME:
        return f"between {percent(low)} smaller and {percent(high)} larger than"
    word = "larger" if high >= -low else "smaller"
    sizes = sorted(abs(end) for end in ends)
    small, large = (percent(size) for size in sizes)
    if small == large:
        return f"{large} {word} than"
    small = "0" if sizes[0] < SAME else small.removesuffix("%").strip()
    return f"{small} to {large} {word} than"


def _on_average(section: dict[str, Any]) -> str:
    """A slope is an average over rows, and a range of them one over the coefficients."""
    return " on average, depending on the coefficient" if len(section["figures"]) > 1 else ""


def _why_unknown(section: dict[str, Any], unit: str) -> str:
    if section["separated"]:
        return (
            f"The fit of all rows is not finite, so no {unit} could be left out and the model "
            "refitted, and accuracy is unknown."
        )
    if section["all_exact"]:
        return f"Every {unit} had been refitted before, so no number is approximate."
    if section["n_refitted"]:
        return "None of the refits converged, so accuracy is unknown."
    if section["n_planned"]:
        return "There was no time for refits, so accuracy is unknown."
    return f"No {unit} was refitted to compare, so accuracy is unknown."


def _is(n: int) -> str:
    return "is" if n == 1 else "are"
