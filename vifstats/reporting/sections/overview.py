"""What was fitted, on how much, and what a reader should be warned of."""

from typing import Any

import numpy as np

from vifstats.deletion.row_facts import follow_up
from vifstats.losses import Cox
from vifstats.losses.effects import Effects
from vifstats.plots.rows import HARRELL
from vifstats.plots.style import called
from vifstats.reporting.findings import Findings

__all__ = ["alerts", "overview"]

EVENTS_PER_PARAMETER = 10
GOOD_SLOPES = (0.9, 1.1)
GOOD_ERROR = 0.2


def overview(findings: Findings, effects: Effects, unit: str) -> dict[str, Any]:
    """The model in numbers.

    Parameters
    ----------
    findings : Findings
    effects : Effects
    unit : str
        What one row of the result is called.

    Returns
    -------
    dict
    """
    influence = findings.influence
    return {
        "model": effects.model,
        "effect": effects.effect,
        "ratio": effects.ratio,
        "unit": unit,
        "n_rows": len(influence.estimate.labels),
        "n_removals": len(influence.index),
        "n_events": _events(findings),
        "n_parameters": len(influence.estimate.theta),
        "n_gauge": len(influence.estimate.loss.gauge(influence.estimate.theta)),
        "method": influence.method,
        "n_exact": int(influence.exact.sum()),
    }


def alerts(
    findings: Findings, overview: dict[str, Any], figures: list[dict[str, Any]], rows: bool
) -> list[dict[str, Any]]:
    """What stands between a reader and the numbers, each with the numbers it is about.

    Parameters
    ----------
    findings : Findings
    overview : dict
    figures : list of dict
        How well the method agrees with refits, one for each parameter.
    rows : bool
        Whether rows may be named.

    Returns
    -------
    list of dict
        With the key "kind".
    """
    found = [
        {"kind": "gauge", "n": overview["n_gauge"]} if overview["n_gauge"] else None,
        *_by_status(findings, rows),
        _few_events(overview),
        _inaccurate(figures),
        _out_of_time(findings),
        _conspicuous(findings),
    ]
    return [alert for alert in found if alert]


def _events(findings: Findings) -> int | None:
    loss = findings.influence.estimate.loss
    if isinstance(loss, Cox):
        return int(loss.data.event.sum())
    facts = follow_up(findings.influence)
    return None if facts is None else int(facts["event"].sum())


def _by_status(findings: Findings, rows: bool) -> list[dict[str, Any]]:
    if findings.influence.estimate.separated:  # as then the status of every row says
        return [{"kind": "separated"}]
    status = findings.influence.status
    kinds = ("separation", "did not converge", "indefinite", "not in fit", "owned")
    out = []
    for kind in kinds:
        labels = status.index[status == kind]
        if len(labels):
            named = [called(label) for label in labels[:5]] if rows else []
            out.append({"kind": kind, "n": len(labels), "rows": named})
    return out


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


def _inaccurate(figures: list[dict[str, Any]]) -> dict[str, Any] | None:
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
        "n": len(poor),
        "names": [figure["name"] for figure in poor],
        "worst": worst["name"],
        "slope": worst["slope"],
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


def _conspicuous(findings: Findings) -> dict[str, Any] | None:
    influence = findings.influence
    size = np.abs(influence.values / influence.estimate.naive_errors)
    n = int((np.nan_to_num(size).max(axis=1, initial=0.0) > HARRELL).sum())
    return {"kind": "conspicuous", "n": n, "convention": HARRELL} if n else None
