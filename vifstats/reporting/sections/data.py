"""What the model was fitted on, as counts and settings, and the influence of every row."""

from typing import Any

import numpy as np

from vifstats.losses import Cox, FineGray, LinearPredictor, Loss
from vifstats.losses.effects import Effects
from vifstats.plots.style import whole
from vifstats.reporting.findings import Findings

__all__ = ["about_data", "look_up"]

# A page with more rows to look up loads slowly; the command's CSV file has them all.
MOST_ROWS, MOST_COLUMNS = 1500, 8


def about_data(findings: Findings) -> dict[str, Any]:
    """Missing values, ties, strata, weights, entry, penalty: numbers, and None where not known."""
    loss = findings.influence.estimate.loss
    out: dict[str, Any] = {"penalized": _penalty(loss), "n_missing": 0}
    if isinstance(loss, Cox | FineGray):
        out |= _of_follow_up(loss)
    elif isinstance(loss, LinearPredictor):
        out["weights"] = _range(loss.weights)
    return out


def _of_follow_up(loss: Cox | FineGray) -> dict[str, Any]:
    data = loss.data
    event = np.asarray(data.event, dtype=bool)
    strata = np.zeros(len(event), dtype=int) if data.strata is None else data.strata
    pairs, n_at = np.unique(
        np.column_stack([strata[event], data.time[event]]), axis=0, return_counts=True
    )
    return {
        "ties": getattr(loss, "ties", "breslow"),
        "n_event_times": len(pairs),
        "n_tied_events": int(n_at[n_at > 1].sum()),
        "n_strata": len(np.unique(strata)),
        "n_late_entries": _late(data),
        "weights": _range(data.weights),
    }


def _late(data: Any) -> int:
    entry = getattr(data, "entry", None)
    return 0 if entry is None else int((np.asarray(entry) > 0).sum())


def _penalty(loss: Loss) -> str | bool | None:
    penalty = getattr(loss, "penalty", None)
    return penalty if isinstance(penalty, str) else bool(np.any(penalty))


def _range(weights: Any) -> dict[str, float] | None:
    """Smallest and largest weight; None where all are 1."""
    if weights is None or np.all(weights == 1):
        return None
    return {"smallest": float(np.min(weights)), "largest": float(np.max(weights))}


def look_up(
    findings: Findings, effects: Effects, entries: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Each effect after each removal, in the order of the data; None where they are too many.

    `entries`: of the coefficients, which have the decimals of each.
    """
    influence = findings.influence
    if len(influence.index) > MOST_ROWS:
        return None
    est = influence.estimate
    size = np.nan_to_num(np.abs(findings.dfbetas)).max(axis=0, initial=0.0)
    shown = sorted(sorted(effects.shown, key=lambda j: -size[j])[:MOST_COLUMNS])
    without = effects.of(est.theta - findings.values)[:, shown]
    decimals = {item["name"]: item["decimals"] for item in entries}
    distances = influence.cooks_distance.tolist()  # not once a row: it is computed on demand
    return {
        "columns": [est.names[j] for j in shown],
        "decimals": [decimals.get(est.names[j]) for j in shown],
        "items": [
            {
                "row": whole(label),
                "exact": bool(influence.exact[k]),
                "cooks_distance": distances[k],
                "without": without[k].tolist(),
            }
            for k, label in enumerate(influence.index)
        ],
    }
