"""Every sentence of a report that has a number in it, made from the numbers of report.json."""

from typing import Any

from vifstats.reporting.numbers import (
    change,
    coefficient,
    count,
    p_value,
    percent,
    plural,
    ratio,
    short,
)

__all__ = [
    "accuracy",
    "alert",
    "coefficient_plot",
    "headline",
    "how_refitted",
    "in_sum",
    "set_found",
    "sets_searched",
    "subtitle",
    "top_row",
    "worst_row",
]

Document = dict[str, Any]
# More rows of one set are not read.
MOST_NAMED = 8


def subtitle(document: Document) -> str:
    """What was fitted, on how much.

    Parameters
    ----------
    document : dict
        The report; the section "overview" is read.

    Returns
    -------
    str

    Examples
    --------
    >>> subtitle({"overview": {"model": "Cox model", "n_rows": 432, "n_events": 114,
    ...     "n_parameters": 7, "unit": "row", "n_removals": 432}})
    'Cox model of 432 rows with 114 events and 7 parameters.'
    """
    about = document["overview"]
    events = "" if about["n_events"] is None else f" with {plural(about['n_events'], 'event')}"
    parameters = plural(about["n_parameters"], "parameter")
    parts = f"{about['model']} of {plural(about['n_rows'], 'row')}{events}"
    whole = f"{parts} {'and' if events else 'with'} {parameters}"
    if about["n_removals"] == about["n_rows"]:
        return f"{whole}."
    return f"{whole}; removed in {plural(about['n_removals'], about['unit'])}."


def headline(document: Document) -> list[str]:
    """What a reader who reads no further should know.

    Parameters
    ----------
    document : dict
        The report; its sections "overview", "coefficients", "sets" and "accuracy" are read.

    Returns
    -------
    list of str
    """
    sentences = [_largest_change(document), *_verdicts(document), *_smallest_set(document)]
    return [*sentences, _trust(document)]


def alert(found: dict[str, Any], unit: str) -> str:
    """One alert in words.

    Parameters
    ----------
    found : dict
        Of the section "alerts".
    unit : str

    Returns
    -------
    str

    Examples
    --------
    >>> alert({"kind": "not in fit", "n": 2, "rows": ["7", "9"]}, "row")
    '2 rows were not in the fit and have no influence: 7, 9.'
    """
    return _ALERTS[found["kind"]](found, unit)


def top_row(item: dict[str, Any], overview: dict[str, Any]) -> str:
    """What happens without one of the top rows.

    Parameters
    ----------
    item : dict
        Of the section "rows".
    overview : dict

    Returns
    -------
    str
    """
    who = f"{overview['unit'].capitalize()} {item['row']}{_outcome(item)}"
    moved = item.get("most_moved")
    if moved is None:
        return f"{who}: without it the model could not be refitted ({item['status']})."
    to = _effect(moved["to"], overview)
    size = f", {change(moved['percent'])}" if "percent" in moved else ""
    how = "refitted" if item["exact"] else "predicted"
    warning = "" if item["status"] == "ok" else f" Status: {item['status']}."
    return (
        f"{who}: without it the {overview['effect']} of {moved['name']} goes from "
        f"{_effect(moved['from'], overview)} to {to} ({how}{size}; "
        f"{short(abs(moved['dfbetas']))} standard errors).{warning}"
    )


def coefficient_plot(item: dict[str, Any], unit: str, n: int, convention: float) -> str:
    """What the index plot of one coefficient shows: its text alternative.

    Parameters
    ----------
    item : dict
        Of the section "coefficients".
    unit : str
    n : int
        How many rows there are.
    convention : float
        Harrell's.

    Returns
    -------
    str
    """
    largest = item["largest"]
    if largest is None:
        return f"dfbetas of {item['name']}: none could be computed."
    who = "" if largest["row"] is None else f", of {unit} {largest['row']}"
    return (
        f"dfbetas of {item['name']} for {plural(n, unit)}: the largest is "
        f"{short(largest['dfbetas'])}{who}; {count(item['n_beyond'])} beyond {convention:g} in size."
    )


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
        to, was = _effect(item["refitted_effect"], overview), _effect(item["effect"], overview)
        proof, end = f"the {overview['effect']} is {to} instead of {was}", "changes direction"
    if not item["flips"]:
        keeps = end.replace("loses", "keeps").replace("gains", "does not gain")
        keeps = keeps.replace("changes direction", "keeps its direction")
        return f"{item['name']} {keeps} even without {n}: {proof}."
    who = ""
    if item["rows"] is not None:
        more = ", ..." if item["n"] > MOST_NAMED else ""
        who = f" ({unit} {', '.join(item['rows'][:MOST_NAMED])}{more})"
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
    >>> sets_searched({"n_searched": 6, "n_questions": 14, "largest": 43}, "row")
    '6 of 14 conclusions were looked at, those nearest to changing first, with sets of up to 43 rows.'
    """
    return (
        f"{count(section['n_searched'])} of {plural(section['n_questions'], 'conclusion')} were "
        f"looked at, those nearest to changing first, with sets of up to "
        f"{plural(section['largest'], unit)}."
    )


def in_sum(total: dict[str, Any], unit: str) -> str:
    """What the waterfall shows.

    Parameters
    ----------
    total : dict
    unit : str

    Returns
    -------
    str

    Examples
    --------
    >>> in_sum({"name": "age", "n": 10, "standard_errors": -2.5}, "row")
    'The 10 rows that move age most would, if influences added up, change it by −2.5 standard errors.'
    """
    return (
        f"The {plural(total['n'], unit)} that move {total['name']} most would, if influences added "
        f"up, change it by {short(total['standard_errors'])} standard errors."
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
    who = "" if found["row"] is None else (
        f", for {unit} {found['row']} ({found['what']} {short(found['value'])})"
    )
    return f"The largest error is {short(found['standard_errors'])} standard errors{who}."


def _largest_change(document: Document) -> str:
    about = document["overview"]
    moved = [item for item in document["coefficients"] if item["largest"] is not None]
    if not moved:
        return f"No change of any {about['effect']} could be computed."
    key = "percent" if about["ratio"] else "dfbetas"
    item = max(moved, key=lambda item: abs(item["largest"][key]))
    largest = item["largest"]
    size = (
        percent(largest["percent"])
        if about["ratio"]
        else f"{short(abs(largest['dfbetas']))} standard errors"
    )
    who = f"without {about['unit']} {largest['row']}" if largest["row"] is not None else "then"
    detail = (
        f"that of {item['name']} goes from {_effect(item['effect'], about)} to "
        f"{_effect(largest['effect'], about)} {who}"
    )
    any_other = " other" if _some_not_estimable(document) else ""
    return (
        f"Removing any single{any_other} {about['unit']} changes no {about['effect']} by more than "
        f"{size}: {detail}."
    )


def _some_not_estimable(document: Document) -> bool:
    kinds = ("separation", "did not converge", "indefinite")
    return any(found["kind"] in kinds for found in document["alerts"])


def _verdicts(document: Document) -> list[str]:
    about = document["overview"]
    items = document["coefficients"]
    sentences = []
    for item in items:
        if not (n := item["n_flipping"]):
            continue
        verb = "lose" if item["significant"] else "gain"
        proof = "" if item["n_flipping_refitted"] == n else ", not all of it refitted"
        alone = "by leaving" if n == 1 else "each by leaving alone"
        sentences.append(
            f"{plural(n, about['unit'])} {'makes' if n == 1 else 'make'} {item['name']} "
            f"{verb} significance (p = {p_value(item['p'])} with all rows), "
            f"{alone}{proof}."
        )
    level = document["conventions"]["level_percent"]
    if not sentences:
        sentences = [
            f"No single {about['unit']} decides whether any {about['effect']} is significant at "
            f"the {level} % level."
        ]
    return sentences


def _smallest_set(document: Document) -> list[str]:
    """The smallest set of several rows that is proved; single rows are in the verdicts."""
    items = (document["sets"] or {"items": []})["items"]
    proved = [item for item in items if item["flips"] and item["n"] > 1]
    if not proved:
        return []
    about, item = document["overview"], min(proved, key=lambda item: item["n"])
    return [
        f"Removing {plural(item['n'], about['unit'])} together ({percent(item['percent'])} of "
        f"them) makes {_what_happens(item, about)}; a refit confirms it."
    ]


def _what_happens(item: dict[str, Any], about: dict[str, Any]) -> str:
    if item["about"] == "significance":
        verb = "lose" if item["significant"] else "gain"
        return f"{item['name']} {verb} significance (p = {p_value(item['refitted_p'])})"
    return (
        f"the {about['effect']} of {item['name']} change direction "
        f"({_effect(item['refitted_effect'], about)})"
    )


def _trust(document: Document) -> str:
    return accuracy(document["accuracy"], document["overview"]["unit"])


def _effect(value: float, about: dict[str, Any]) -> str:
    return ratio(value) if about["ratio"] else coefficient(value)


def _outcome(item: dict[str, Any]) -> str:
    if "n_rows" in item:
        return f" ({plural(item['n_rows'], 'row')})"
    if item.get("time") is None or item.get("event") is None:
        return ""
    return f" ({'event' if item['event'] else 'censored'} at time {short(item['time'])})"


def _named(found: dict[str, Any]) -> str:
    if not found["rows"]:
        return ""
    more = ", ..." if len(found["rows"]) < found["n"] else ""
    return f": {', '.join(found['rows'])}{more}"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


_ALERTS = {
    "separation": lambda a, unit: (
        f"Without {plural(a['n'], unit)} taken one at a time some coefficient is infinite "
        f"(separation), and no number for it means anything{_named(a)}."
    ),
    "did not converge": lambda a, unit: (
        f"The refits without {plural(a['n'], unit)} did not converge, so nothing is said of "
        f"them{_named(a)}."
    ),
    "indefinite": lambda a, unit: (
        f"Without {plural(a['n'], unit)} the loss has no minimum near{_named(a)}."
    ),
    "not in fit": lambda a, unit: (
        f"{plural(a['n'], unit)} {_were(a['n'])} not in the fit and "
        f"{'has' if a['n'] == 1 else 'have'} no influence{_named(a)}."
    ),
    "owned": lambda a, unit: (
        f"{plural(a['n'], unit)} {'owns' if a['n'] == 1 else 'own'} parameters that vanish with "
        f"{'it' if a['n'] == 1 else 'them'}{_named(a)}."
    ),
    "few events": lambda a, unit: (
        f"{plural(a['n_events'], 'event')} for {plural(a['n_parameters'], 'parameter')} are "
        f"{short(a['each'])} each; below {a['convention']} by convention a Cox model is fragile, "
        "whatever its influence."
    ),
    "inaccurate": lambda a, unit: (
        f"The approximation is coarse for {', '.join(a['names'])}: for {a['worst']} refits have "
        f"slope {short(a['slope'])} on it and it is off by up to {percent(a['percent'])} of the "
        'largest change. Use method="newton" or "refit".'
    ),
    "out of time": lambda a, unit: (
        f"Only {count(a['n_refitted'])} of {plural(a['n_planned'], 'planned refit')} were made in "
        f"{short(a['seconds'])} seconds; allow more seconds for the others."
    ),
    "conspicuous": lambda a, unit: (
        f"{plural(a['n'], unit)} {'moves' if a['n'] == 1 else 'move'} some coefficient by more "
        f"than {a['convention']:g} standard errors, Harrell's convention for a second look."
    ),
}
