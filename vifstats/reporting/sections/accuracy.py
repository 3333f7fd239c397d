"""How accurate the numbers of this very report are: the method against refits."""

from typing import Any

import numpy as np

from vifstats.deletion.compare_methods import against
from vifstats.deletion.row_facts import at_risk, residuals
from vifstats.losses.effects import Effects
from vifstats.plots.style import whole
from vifstats.reporting.findings import Findings

__all__ = ["accuracy", "explained_by"]

# Each method is compared with at most this many refits; one Newton step takes too long if there
# are more parameters than this.
MOST_REFITS, MOST_PARAMETERS = 200, 200
FIGURES = ["slope", "pearson", "spearman", "largest_relative_error", "n", "left_out"]


def accuracy(findings: Findings, effects: Effects) -> dict[str, Any]:
    """The agreement of the method with refits, for each effect.

    "figures" is empty where every row was refitted, or none.
    """
    n_top = len(np.intersect1d(findings.top, findings.refitted))
    out = {
        "method": findings.influence.method,
        "n_all": len(findings.influence.index),
        "n_refitted": len(findings.refitted),
        "n_planned": findings.n_planned,
        "n_exact_before": int(findings.approximate.exact.sum()),
        "n_top": n_top,
        "n_random": len(findings.refitted) - n_top,
        "seed": findings.seed,
        "n_exact": int(findings.influence.exact.sum()),
        "all_exact": bool(findings.influence.exact.all()),
        "separated": findings.influence.estimate.separated,
        "n_failed": int(findings.influence.failed[findings.refitted].sum()),
        "seconds": findings.seconds,
        "methods": _methods(findings),
        "figures": [],
        "worst_row": None,
    }
    if findings.agreement is None:
        return out
    names = [findings.influence.estimate.names[j] for j in effects.shown]
    table = findings.agreement.table.iloc[effects.shown]
    errors = table["largest_relative_error"]
    return out | {
        "figures": [
            {"name": name, **figures}
            for name, figures in zip(names, table[FIGURES].to_dict("records"), strict=True)
        ],
        "lowest_slope": table["slope"].min(),
        "highest_slope": table["slope"].max(),
        "lowest_larger_percent": 100 * (table["slope"].min() - 1),
        "highest_larger_percent": 100 * (table["slope"].max() - 1),
        "largest_error_percent": 100 * errors.max(),
        "least_accurate": names[int(np.nan_to_num(errors, nan=-1.0).argmax())],
        "worst_row": _worst_row(findings),
    }


def _methods(findings: Findings) -> list[dict[str, Any]]:
    """How IF, VIF and the Newton step agree with these refits; empty where there are too few."""
    influence = findings.influence
    est = influence.estimate
    rows = np.flatnonzero(influence.exact & np.isfinite(findings.values).all(axis=1))
    rows = rows if influence.exact.all() else np.intersect1d(rows, findings.refitted)
    if len(rows) < 2 or est.separated or len(est.theta) > MOST_PARAMETERS:
        return []
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_REFITS)).astype(int)]
    lines = against(influence.take(some))
    keys = ["slope", "pearson", "largest_relative_error", "n"]
    return [{"name": name, **{key: line[key] for key in keys}} for name, line in lines.items()]


def explained_by(findings: Findings) -> tuple[np.ndarray, str] | None:
    """What the error of a row may depend on: its last risk set, or its leverage.

    The values, shape (n_removals,), and what they are.
    """
    sizes = at_risk(findings.influence)
    if sizes is not None:
        return sizes, "number at risk at the end of follow-up"
    pair = residuals(findings.influence)
    return None if pair is None else (pair[0], "leverage")


def _worst_row(findings: Findings) -> dict[str, Any] | None:
    """The refitted row with the largest error, in standard errors."""
    explanation = explained_by(findings)
    if explanation is None:
        return None
    at = findings.refitted[~findings.influence.failed[findings.refitted]]
    sides = (side.dfbetas.to_numpy()[at] for side in (findings.influence, findings.approximate))
    size = np.abs(np.subtract(*sides)).max(axis=1)
    worst = int(np.nan_to_num(size).argmax())
    values, what = explanation
    return {
        "row": whole(findings.influence.index[at[worst]]),
        "standard_errors": size[worst],
        "what": what,
        "value": values[at[worst]],
    }
