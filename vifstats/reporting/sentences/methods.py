"""Paragraphs for the methods and the results of a paper, made from the numbers of a report."""

from typing import Any

from vifstats.reporting.formats import counted, effect, plural, ratio

__all__ = ["methods", "results"]

# A sentence with the ranges of more effects is not read.
MOST_RANGES = 3
HOW = {
    "vif": "was computed by the Versatile Influence Function (Deng, Tang and Ma, ICML 2025)",
    "if": "was computed by the classical influence function",
    "newton": "was computed by one Newton step from the full fit",
    "refit": "was computed by leaving it out and refitting the model",
}


def methods(document: dict[str, Any]) -> str:
    """What was done, as one would write it.

    `document`: the report; its sections "overview", "accuracy" and "method" are read.

    Examples
    --------
    >>> about = {"model": "Cox model", "unit": "patient", "n_rows": 90, "n_events": 60,
    ...     "n_parameters": 2, "method": "refit", "all_exact": True, "n_exact": 90, "n_removals": 90}
    >>> how = {"versions": {"vifstats": "1.0"}, "covariance": "naive"}
    >>> methods({"overview": about, "method": how, "accuracy": {"figures": []}}).split(". ")[0]
    'The influence of each patient on a Cox model (90 rows, 60 events, 2 parameters) was computed by leaving it out and refitting the model, with vifstats 1.0'
    """  # noqa: E501 - the sentence that a reader gets is one line
    about, how = document["overview"], document["method"]
    events = [] if about["n_events"] is None else [plural(about["n_events"], "event")]
    parts = [plural(about["n_rows"], "row"), *events, plural(about["n_parameters"], "parameter")]
    model = f"{'an' if about['model'][0] in 'aeiou' else 'a'} {about['model']}"
    first = f"The influence of each {about['unit']} on {model} ({', '.join(parts)})"
    by = HOW["refit"] if about["all_exact"] else HOW[about["method"]]
    sentences = [f"{first} {by}, with vifstats {how['versions']['vifstats']}.", *_checked(document)]
    errors, by_t, _ = how["covariance"].partition(", t")
    distribution = " and the t distribution" if by_t else ""
    sentences.append(
        f"Intervals and p-values are based on {errors} standard errors{distribution}; an influence "
        f"is the estimate from all rows minus that without the {about['unit']}."
    )
    return " ".join(sentences)


def _checked(document: dict[str, Any]) -> list[str]:
    about, figures = document["overview"], document["accuracy"]["figures"]
    if about["all_exact"] or not about["n_exact"]:
        return []
    refitted = f"{counted(about['n_exact'])} of {plural(about['n_removals'], about['unit'])}"
    out = [f"For {refitted} the model was refitted without it, and the refit is used."]
    slopes = [item["slope"] for item in figures if item["slope"] is not None]
    if slopes:
        out.append(
            "The slope of refitted on approximate changes was between "
            f"{ratio(min(slopes))} and {ratio(max(slopes))}."
        )
    return out


def results(document: dict[str, Any]) -> str:
    """What was found, as one would write it: ranges of the effects, and what is in short on top.

    `document`: the report, with its headline.
    """
    about = document["overview"]
    ranged = [item for item in document["coefficients"] if item["lowest"] and not item["goes"]]
    ranged = sorted(ranged, key=lambda item: item["p"])[:MOST_RANGES]
    between = [_range(item, about) for item in ranged if item["lowest"]["effect"] is not None]
    first = f"When each {about['unit']} was left out in turn, {'; '.join(between)}."
    rest = [s for s in document["headline"][1:] if "largest change" not in s]
    return " ".join([first] * bool(between) + (rest if between else document["headline"]))


def _range(item: dict[str, Any], about: dict[str, Any]) -> str:
    ends = [effect(item[end]["effect"], item["decimals"]) for end in ("lowest", "highest")]
    return (
        f"the {about['effect']} of {item['name']} was between {ends[0]} and {ends[1]} "
        f"({effect(item['effect'], item['decimals'])} from all rows)"
    )
