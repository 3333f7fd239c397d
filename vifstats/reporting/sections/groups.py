"""Groups that leave whole: the effects without each of them."""

from typing import Any

import numpy as np

from vifstats.losses.effects import Effects
from vifstats.plots.style import largest, whole
from vifstats.reporting.findings import Findings

__all__ = ["groups", "most_moved"]

MOST_GROUPS = 20


def groups(findings: Findings, effects: Effects) -> dict[str, Any] | None:
    """The groups that move the effect they move most, and that effect without each.

    None where rows leave one at a time.
    """
    influence = findings.influence
    if influence.removals.single:
        return None
    j = most_moved(findings, effects)
    scale = influence.estimate.standard_errors[j]
    rows = np.sort(largest(findings.values[:, j], MOST_GROUPS))
    return {
        "name": influence.estimate.names[j],
        "decimals": effects.decimals(influence.estimate.theta[j], scale),
        "n_groups": len(influence.index),
        "smallest": int(influence.removals.sizes.min()),
        "largest": int(influence.removals.sizes.max()),
        "items": [
            {
                "group": whole(influence.index[row]),
                "n_rows": int(influence.removals.sizes[row]),
                "effect": effects.of(influence.estimate.theta[j] - influence.values[row, j]),
                "exact": bool(influence.exact[row]),
            }
            for row in rows
        ],
    }


def most_moved(findings: Findings, effects: Effects) -> int:
    """Position of the effect with the largest dfbetas."""
    size = np.abs(findings.dfbetas[:, effects.shown])
    return int(effects.shown[np.nan_to_num(size).max(axis=0).argmax()])
