"""The most influential rows: who they are, and what happens without them."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.deletion.row_facts import covariates, follow_up
from vifstats.losses.effects import Effects
from vifstats.plots.style import largest, whole
from vifstats.reporting.findings import Findings
from vifstats.reporting.sections.coefficients import end_of, percent_of
from vifstats.reporting.sections.groups import most_moved
from vifstats.reporting.sections.steps import steps_of

__all__ = ["MOST_COLUMNS", "N_IN_SUM", "top_rows"]

# A table of more columns is not read.
MOST_COLUMNS = 8
N_IN_SUM = 10


def top_rows(findings: Findings, effects: Effects, table: pd.DataFrame | None) -> dict[str, Any]:
    """The top rows with what is known of them.

    `table` has the user's own columns, one line for each row of the data. Keys "items", "columns"
    (of the covariates shown) and "n_columns" (that there are).
    """
    influence = findings.influence
    facts, known = covariates(influence, table), follow_up(influence)
    columns = [] if facts is None else _columns(facts, effects, influence.estimate.names)
    items = []
    for row in findings.top:
        item = _row(findings, effects, row)
        if known is not None:
            item["time"], event = known["time"].iloc[row], known["event"].iloc[row]
            item["event"] = None if np.isnan(event) else bool(event)
        if facts is not None:
            item["covariates"] = {str(name): facts[name].iloc[row] for name in columns}
        if not influence.removals.single:
            item["n_rows"] = int(influence.removals.sizes[row])
        items.append(item)
    return {
        "items": items,
        "columns": [str(name) for name in columns],
        "n_columns": 0 if facts is None else facts.shape[1],
        "n_removals": len(influence.index),
        "in_sum": _in_sum(findings, effects),
    }


def _in_sum(findings: Findings, effects: Effects) -> dict[str, Any]:
    """What the rows that move one coefficient most would do to it together, if influences added."""
    influence, j = findings.influence, most_moved(findings, effects)
    rows = largest(findings.values[:, j], N_IN_SUM)
    total = -findings.values[rows, j].sum() / influence.estimate.naive_errors[j]
    return {"name": influence.estimate.names[j], "n": len(rows), "standard_errors": total}


def _columns(facts: pd.DataFrame, effects: Effects, names: tuple[str, ...]) -> list[Any]:
    """The first columns, those of the model before others."""
    inside = [column for column in facts if str(column) in names]
    others = [column for column in facts if str(column) not in names]
    return [*inside, *others][:MOST_COLUMNS]


def _row(findings: Findings, effects: Effects, row: int) -> dict[str, Any]:
    influence, est = findings.influence, findings.influence.estimate
    theta = est.theta - findings.values[row]
    without, goes = effects.of(theta), findings.infinite[row]
    item = {
        "row": whole(influence.index[row]),
        "cooks_distance": np.nan if goes.any() else influence.cooks_distance.iloc[row],
        "status": influence.status.iloc[row],
        "exact": bool(influence.exact[row]),
        "without": {est.names[j]: without[j] for j in effects.shown},
        "infinite": {est.names[j]: end_of(goes[j]) for j in effects.shown if goes[j] != 0},
    }
    shown = findings.dfbetas[row, effects.shown]
    if not np.isfinite(shown).any():
        return item
    j = effects.shown[np.nanargmax(np.abs(shown))]
    step, what = steps_of(est.loss, len(est.theta))[j] if effects.ratio else (1.0, "")
    item["most_moved"] = {
        "name": est.names[j],
        "step_is": what,
        "from": effects.of(est.theta[j] * step),
        "to": effects.of(theta[j] * step),
        "decimals": effects.decimals(est.theta[j] * step, est.standard_errors[j] * step),
        "dfbetas": findings.dfbetas[row, j],
    }
    if effects.ratio:
        item["most_moved"]["percent"] = percent_of(-findings.values[row, j] * step)
    return item
