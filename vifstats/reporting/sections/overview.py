"""What was fitted, on how much, and what a reader should be warned of."""

from typing import Any

import numpy as np

from vifstats.deletion.row_facts import follow_up
from vifstats.losses import Cox, FineGray, SharedFrailty
from vifstats.losses.effects import Effects
from vifstats.plots.style import HARRELL, whole
from vifstats.reporting.findings import Findings
from vifstats.reporting.sections.coefficients import beyond_the_convention

__all__ = ["alerts", "overview", "separated"]

EVENTS_PER_PARAMETER = 10
GOOD_SLOPES = (0.9, 1.1)
GOOD_ERROR = 0.2


def overview(findings: Findings, effects: Effects) -> dict[str, Any]:
    """The model in numbers."""
    influence = findings.influence
    return {
        "model": effects.model,
        "effect": effects.effect,
        "ratio": effects.ratio,
        "n_rows": len(influence.estimate.labels),
        "n_removals": len(influence.index),
        "n_events": _events(findings),
        "n_parameters": len(influence.estimate.theta),
        "n_gauge": len(influence.estimate.loss.gauge(influence.estimate.theta)),
        "method": influence.method,
        "n_exact": int(influence.exact.sum()),
        "all_exact": bool(influence.exact.all()),
    }


def alerts(
    findings: Findings,
    effects: Effects,
    overview: dict[str, Any],
    figures: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """What stands between a reader and the numbers, each with the numbers it is about.

    `figures`: how well the method agrees with refits, one for each parameter. Each has the key
    "kind".
    """
    found = [
        {"kind": "gauge", "n": overview["n_gauge"]} if overview["n_gauge"] else None,
        *_by_status(findings),
        _few_events(overview),
        None if findings.influence.exact.all() else _inaccurate(figures, overview["method"]),
        _out_of_time(findings),
        _conspicuous(findings, effects),
    ]
    return [alert for alert in found if alert]


def _events(findings: Findings) -> int | None:
    loss = findings.influence.estimate.loss
    if isinstance(loss, Cox | FineGray | SharedFrailty):
        return int(loss.data.event.sum())
    facts = follow_up(findings.influence)
    return None if facts is None else int(facts["event"].sum())


def separated(findings: Findings) -> dict[str, Any] | None:
    """What is known if the estimate is infinite with all rows; then every row has that status."""
    est, goes = findings.influence.estimate, findings.diverging
    if not est.separated:
        return None
    return {
        "kind": "separated",
        "names": [name for name, end in zip(est.names, goes, strict=True) if end],
        "known": bool(np.any(goes == 0)),
        "along": est.separation,
    }


def _by_status(findings: Findings) -> list[dict[str, Any]]:
    if (found := separated(findings)) is not None:
        return [found]
    status = findings.influence.status
    kinds = ("separation", "undefined", "did not converge", "indefinite", "not in fit", "owned")
    out = []
    for kind in kinds:
        rows = np.flatnonzero(status == kind)
        if len(rows):
            named = [whole(label) for label in status.index[rows[:5]]]
            out.append({"kind": kind, "n": len(rows), "rows": named})
        if kind == "separation" and len(rows):
            out[-1]["names"] = _infinite_names(findings, rows)
    boundary = findings.influence.estimate.loss.boundary
    if len(rows := np.flatnonzero(status == boundary)):
        named = [whole(label) for label in status.index[rows[:5]]]
        out.append({"kind": "boundary", "n": len(rows), "rows": named})
    return out


def _infinite_names(findings: Findings, rows: np.ndarray) -> list[str]:
    """The coefficients that are known to be infinite without some of these rows."""
    goes = (np.nan_to_num(findings.infinite[rows]) != 0).any(axis=0)
    return [
        name
        for name, infinite in zip(findings.influence.estimate.names, goes, strict=True)
        if infinite
    ]


def _few_events(overview: dict[str, Any]) -> dict[str, Any] | None:
    n, p = overview["n_events"], overview["n_parameters"]
    if n is None or n >= EVENTS_PER_PARAMETER * p:
        return None
    return {
        "kind": "few events",
        "n_events": n,
        "n_parameters": p,
        "each": n / p,
        "convention": EVENTS_PER_PARAMETER,
    }


def _inaccurate(figures: list[dict[str, Any]], method: str) -> dict[str, Any] | None:
    low, high = GOOD_SLOPES
    poor = [
        figure
        for figure in figures
        if figure["slope"] is not None
        and (not low < figure["slope"] < high or figure["largest_relative_error"] > GOOD_ERROR)
    ]
    if not poor:
        return None
    worst = max(poor, key=lambda figure: figure["largest_relative_error"])
    return {
        "kind": "inaccurate",
        "method": method,
        "n": len(poor),
        "names": [figure["name"] for figure in poor],
        "worst": worst["name"],
        "slope": worst["slope"],
        "larger_percent": 100 * (worst["slope"] - 1),
        "percent": 100 * worst["largest_relative_error"],
    }


def _out_of_time(findings: Findings) -> dict[str, Any] | None:
    if len(findings.refitted) >= findings.n_planned:
        return None
    return {
        "kind": "out of time",
        "n_refitted": len(findings.refitted),
        "n_planned": findings.n_planned,
        "seconds": findings.seconds,
    }


def _conspicuous(findings: Findings, effects: Effects) -> dict[str, Any] | None:
    found = beyond_the_convention(findings, effects)
    return {"kind": "conspicuous", "convention": HARRELL} | found if found["n"] else None
