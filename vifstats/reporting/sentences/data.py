"""What the model was fitted on, in words, and what the page cannot say."""

from typing import Any

from vifstats.reporting.formats import count, plural, short

__all__ = ["about_data", "limitations"]

TIES = {"efron": "Efron's", "breslow": "Breslow's", "exact": "the exact"}


def about_data(document: dict[str, Any]) -> list[list[str]]:
    """Terms and what is said of them.

    `document`: the report; its sections "overview", "data" and "method" are read.

    Examples
    --------
    >>> about = {"n_rows": 9, "n_removals": 9, "n_events": None, "n_parameters": 2, "unit": "row"}
    >>> data = {"penalized": False, "n_missing": 0}
    >>> how = {"covariance": "naive"}
    >>> about_data({"overview": about, "data": data, "method": how})[0]
    ['Shape', '9 rows, 2 parameters']
    """
    about, data = document["overview"], document["data"]
    events = [] if about["n_events"] is None else [plural(about["n_events"], "event")]
    shape = [plural(about["n_rows"], "row"), *events, plural(about["n_parameters"], "parameter")]
    facts = [["Shape", ", ".join(shape)]]
    if about["n_removals"] != about["n_rows"]:
        facts.append(["Left out", plural(about["n_removals"], about["unit"])])
    facts.append(["Missing values", "none among the rows that were fitted"])
    facts += _of_follow_up(data, about["n_events"]) if "ties" in data else []
    facts.append(["Case weights", _weights(data.get("weights"))])
    facts.append(["Penalty", _penalty(data["penalized"])])
    facts.append(["Standard errors", document["method"]["covariance"]])
    return facts


def _of_follow_up(data: dict[str, Any], n_events: int) -> list[list[str]]:
    tied = f"{count(data['n_tied_events'])} of {plural(n_events, 'event')} are tied"
    times = plural(data["n_event_times"], "distinct event time")
    entry = data["n_late_entries"]
    return [
        ["Ties", f"{TIES[data['ties']]} method; {tied} ({times})"],
        ["Strata", count(data["n_strata"]) if data["n_strata"] > 1 else "none"],
        ["Delayed entry", plural(entry, "row") if entry else "none"],
    ]


def _weights(weights: dict[str, float] | None) -> str:
    if weights is None:
        return "none"
    return f"from {short(weights['smallest'])} to {short(weights['largest'])}"


def _penalty(penalized: str | bool) -> str:
    if isinstance(penalized, str):
        return f"{penalized.capitalize()}'s"
    return "a quadratic one, held when a row is left out" if penalized else "none"


def limitations(document: dict[str, Any]) -> list[str]:
    """What influence does not answer, and what this page left open."""
    about = document["overview"]
    unit, several = about["unit"], about["n_rows"] != about["n_removals"]
    out = [
        f"Each {unit} is left out alone{' with all its rows' if several else ''}: what several "
        "change together need not be the sum.",
        "The model itself is taken as given: choosing covariates, transformations or a penalty is "
        "not repeated.",
        f"A {unit} of little influence may still be recorded wrongly, and one of great influence "
        "may be right.",
    ]
    if not about["all_exact"]:
        out.append("Numbers with a star, and pictures of all rows, are in part approximations.")
    return out
