"""The sentences at the top of a report."""

from typing import Any

from vifstats.reporting.formats import (
    P_IS,
    capital,
    change,
    counted,
    effect,
    listed,
    many,
    p_value,
    percent,
    plural,
    significant,
    some,
)
from vifstats.reporting.sentences.accuracy import accuracy
from vifstats.reporting.sentences.rows import effect_of, infinite_effects

__all__ = ["headline", "ranges_plot", "subtitle"]

Document = dict[str, Any]
MOST_NAMED = 5


def subtitle(document: Document) -> str:
    """What was fitted, on how much.

    `document`: the report; the section "overview" is read.

    Examples
    --------
    >>> subtitle({"overview": {"model": "Cox model", "n_rows": 432, "n_events": 114,
    ...     "n_parameters": 7, "unit": "row", "n_removals": 432}})
    'Cox model of 432 rows with 114 events and 7 parameters.'
    """
    about = document["overview"]
    events = "" if about["n_events"] is None else f" with {plural(about['n_events'], 'event')}"
    parameters = plural(about["n_parameters"], "parameter")
    parts = f"{capital(about['model'])} of {plural(about['n_rows'], 'row')}{events}"
    whole = f"{parts} {'and' if events else 'with'} {parameters}."
    if about["n_removals"] == about["n_rows"]:
        return whole
    unit = about["unit"]
    return f"{whole} Rows were removed by {unit} ({plural(about['n_removals'], unit)})."


def headline(document: Document) -> list[str]:
    """What a reader who reads no further should know.

    `document`: the report; its sections "overview", "coefficients", "beyond", "alerts", "sets" and
    "accuracy" are read.
    """
    if document["overview"]["n_gauge"]:
        return [_no_single_parameter(document)]
    trust = accuracy(document["accuracy"], document["overview"]["unit"])
    if any(alert["kind"] == "separated" for alert in document["alerts"]):
        return [*_infinite(document), trust]
    if document["beyond"] is not None:
        moved, decide = _how_many_move(document), _how_many_decide(document)
        return [*moved, *decide, *_smallest_set(document), trust]
    first = [*_infinite_without(document), _largest_change(document)]
    return [*first, *_verdicts(document), *_smallest_set(document), trust]


def ranges_plot(document: Document) -> str:
    """What the picture of ranges shows: its text alternative."""
    if document["overview"]["n_gauge"]:
        return _no_single_parameter(document)
    if any(alert["kind"] == "separated" for alert in document["alerts"]):
        return " ".join([*_infinite(document), _largest_change(document)])
    return " ".join([*_infinite_without(document), _largest_change(document)])


def _no_single_parameter(document: Document) -> str:
    about = document["overview"]
    return (
        f"Single {many(about['effect'])} of this model are not determined, so their changes are "
        f"not reported. {capital(many(about['unit']))} are ranked by Cook's distance, which is "
        "determined."
    )


def _infinite(document: Document) -> list[str]:
    """Sentences on a fit without a finite minimum: what is infinite, and what is still valid."""
    about, items = document["overview"], document["coefficients"]
    goes = {item["name"]: item["goes"] for item in items if item["goes"]}
    stand = [item["name"] for item in items if not item["goes"]]
    if not goes:
        return [
            f"This fit has no finite minimum (separation), though every {about['effect']} shown "
            "here is finite."
        ]
    if all(end == "?" for end in goes.values()) and not stand:
        return [
            f"Some {about['effect']} of this fit is infinite (separation), and it is not known "
            f"which, so none of its {many(about['effect'])} can be relied on."
        ]
    first = f"{capital(infinite_effects(goes, about))} (separation)."
    if not stand:
        return [first]
    if len(stand) == 1:
        return [first, f"The other {about['effect']}, that of {stand[0]}, is finite and stands."]
    shown = stand[:MOST_NAMED]
    names = f"{', '.join(shown)}, ..." if len(stand) > MOST_NAMED else listed(shown, "and")
    others = f"The other {many(about['effect'])}, those of {names}"
    return [first, f"{others}, are finite and stand."]


def _infinite_without(document: Document) -> list[str]:
    """Sentences on the rows without which an effect is infinite."""
    about = document["overview"]
    found = [alert for alert in document["alerts"] if alert["kind"] == "separation"]
    if not found:
        return []
    alert = found[0]
    goes = {}
    for item in document["coefficients"]:
        for end in ("lowest", "highest"):
            if item[end] and item[end]["goes"]:
                goes[item["name"]] = "?" if item["name"] in goes else item[end]["goes"]
    named = ", ".join(alert["rows"]) + (", ..." if len(alert["rows"]) < alert["n"] else "")
    if alert["n"] == 1:
        return [f"Without {about['unit']} {named}, {infinite_effects(goes, about)} (separation)."]
    which = "at least one effect is infinite" if not goes else infinite_effects(goes, about)
    each = "" if len(goes) < 2 else " or another"
    return [
        f"Without one{each} of {plural(alert['n'], about['unit'])} ({named}), {which} (separation)."
    ]


def _largest_change(document: Document) -> str:
    about = document["overview"]
    moved = [item for item in document["coefficients"] if item["largest"] is not None]
    if not moved:
        return f"No change of any {about['effect']} could be computed."
    item = max(moved, key=lambda item: abs(item["largest"]["dfbetas"]))
    largest = item["largest"]
    size = f"{change(largest['percent'])}, " if about["ratio"] else ""
    scope = (
        f"Among the other {many(about['unit'])}, the" if _some_not_estimable(document) else "The"
    )
    key, places = ("step_effect", "step_decimals") if about["ratio"] else ("effect", "decimals")
    to, was = effect(largest[key], item[places]), effect(item[key], item[places])
    return (
        f"{scope} largest change from leaving out one {about['unit']} is in {item['name']}: "
        f"without {about['unit']} {largest['row']} {effect_of(item, about)} is {to} instead of "
        f"{was} ({size}{significant(abs(largest['dfbetas']))} standard errors"
        f"{'' if largest['exact'] else '; predicted'})."
    )


def _some_not_estimable(document: Document) -> bool:
    kinds = ("separation", "undefined", "did not converge", "indefinite")
    return any(found["kind"] in kinds for found in document["alerts"])


def _verdicts(document: Document) -> list[str]:
    about, level = document["overview"], document["conventions"]["level_percent"]
    found = [_verdict(item, about) for item in document["coefficients"] if item["n_flipping"]]
    other = " other" if _some_not_estimable(document) else ""
    return found or [
        f"No single{other} {about['unit']} decides whether any {about['effect']} is significant at "
        f"the {level} % level."
    ]


def _verdict(item: dict[str, Any], about: dict[str, Any]) -> str:
    """Which rows decide whether an effect is significant."""
    name, n, unit = item["name"], item["n_flipping"], about["unit"]
    predicted = item["n_flipping_predicted"]
    proof = f" ({counted(predicted)} of these are predicted, not refitted)" if predicted else ""
    p = f"({P_IS}{p_value(item['p'])})"
    if n == 1:
        who = f"without {unit} {item['flipping'][0]}"
        end = "it no longer is" if item["significant"] else "it is"
        proof = " (predicted, not refitted)" if predicted else ""
        but = f"{name} is {'' if item['significant'] else 'not '}significant {p}, but {who} {end}"
        return f"{but}{proof}."
    named = f" ({', '.join(item['flipping'])})" if item["flipping"] else ""
    end = "non-significant" if item["significant"] else "significant"
    return (
        f"{name} is {'' if item['significant'] else 'not '}significant {p}, but leaving out any "
        f"one of {plural(n, unit)}{named} makes it {end}{proof}."
    )


def _how_many_move(document: Document) -> list[str]:
    """How many rows are beyond Harrell's convention, where no row may be shown."""
    about, convention = document["overview"], document["conventions"]["dfbetas"]
    (found,) = [item for item in document["beyond"] if item["threshold"] == convention]
    share = "" if found["n"] is None else f" ({found['percent']} %)"
    return [
        f"{capital(some(found['n'], about['unit'], rounded=True))}{share} move any "
        f"{about['effect']} "
        f"by more than {convention:g} standard errors when left out."
    ]


def _how_many_decide(document: Document) -> list[str]:
    """How many rows decide on significance, likewise."""
    about = document["overview"]
    found = []
    for item in document["coefficients"]:
        if item["n_flipping"] is None:
            continue
        end = "non-significant" if item["significant"] else "significant"
        found.append(
            f"{item['name']} is {'' if item['significant'] else 'not '}significant "
            f"({P_IS}{p_value(item['p'])}), but leaving out any one of about "
            f"{plural(item['n_flipping'], about['unit'])} makes it {end}."
        )
    others = "any other" if found else "any"
    if len(found) == len(document["coefficients"]):
        return found
    return [
        *found,
        f"{capital(some(None, about['unit']))} decide alone whether {others} {about['effect']} is "
        f"significant at the {document['conventions']['level_percent']} % level.",
    ]


def _smallest_set(document: Document) -> list[str]:
    """The smallest set of several rows that is proved; single rows are in the verdicts."""
    items = (document["sets"] or {"items": []})["items"]
    if document["beyond"] is not None:
        return _smallest_bound(document, [item for item in items if item["flips"]])
    proved = [item for item in items if item["flips"] and item["n"] > 1]
    if not proved:
        return []
    about, item = document["overview"], min(proved, key=lambda item: item["n"])
    return [
        f"Without {plural(item['n'], about['unit'])} together ({percent(item['percent'])} of them) "
        f"{_what_happens(item, about)}; this was refitted."
    ]


def _smallest_bound(document: Document, proved: list[dict[str, Any]]) -> list[str]:
    if not proved:
        return []
    unit, item = document["overview"]["unit"], min(proved, key=lambda item: item["at_most"])
    return [f"Leaving out at most {plural(item['at_most'], unit)} together {_turns(item)}."]


def _turns(item: dict[str, Any]) -> str:
    if item["about"] == "sign":
        return f"changes the direction of {item['name']}"
    return f"makes {item['name']} {'non-significant' if item['significant'] else 'significant'}"


def _what_happens(item: dict[str, Any], about: dict[str, Any]) -> str:
    if item["about"] == "significance":
        end = "is no longer significant" if item["significant"] else "becomes significant"
        return f"{item['name']} {end} ({P_IS}{p_value(item['refitted_p'])})"
    return f"the {about['effect']} of {item['name']} changes direction"
