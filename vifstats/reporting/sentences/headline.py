"""The sentences at the top of a report."""

from typing import Any

from vifstats.reporting.formats import P_IS, effect, many, p_value, percent, plural, short
from vifstats.reporting.sentences.accuracy import accuracy

__all__ = ["headline", "subtitle"]

Document = dict[str, Any]


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
    model = f"{about['model'][:1].upper()}{about['model'][1:]}"
    parts = f"{model} of {plural(about['n_rows'], 'row')}{events}"
    whole = f"{parts} {'and' if events else 'with'} {parameters}"
    if about["n_removals"] == about["n_rows"]:
        return f"{whole}."
    return f"{whole}; removed in {plural(about['n_removals'], about['unit'])}."


def headline(document: Document) -> list[str]:
    """What a reader who reads no further should know.

    `document`: the report; its sections "overview", "coefficients", "sets" and "accuracy" are read.
    """
    if document["overview"]["n_gauge"]:
        return [_no_single_parameter(document)]
    sentences = [_largest_change(document), *_verdicts(document), *_smallest_set(document)]
    return [*sentences, _trust(document)]


def _no_single_parameter(document: Document) -> str:
    about = document["overview"]
    return (
        f"A single {about['effect']} of this model has no meaning of its own, so nothing is said "
        f"of its change. What has one is Cook's distance, by which {many(about['unit'])} "
        "are ranked below."
    )


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
        f"that of {item['name']} goes from {effect(item['effect'], item['decimals'])} to "
        f"{effect(largest['effect'], item['decimals'])} {who}"
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
        proof = "" if item["n_flipping_refitted"] == n else "; not all of it refitted"
        alone = "by leaving" if n == 1 else "each by leaving alone"
        named = f" ({', '.join(item['flipping'])})" if item["flipping"] else ""
        sentences.append(
            f"{plural(n, about['unit'])}{named} {'makes' if n == 1 else 'make'} {item['name']} "
            f"{verb} significance, {alone} ({P_IS}{p_value(item['p'])} with all rows{proof})."
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
        return f"{item['name']} {verb} significance ({P_IS}{p_value(item['refitted_p'])})"
    return (
        f"the {about['effect']} of {item['name']} change direction "
        f"({effect(item['refitted_effect'], item['decimals'])})"
    )


def _trust(document: Document) -> str:
    return accuracy(document["accuracy"], document["overview"]["unit"])
