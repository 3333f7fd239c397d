"""Whether what a picture shows rises or falls, so that its caption says only what is there."""

from typing import Any

import numpy as np

from vifstats.deletion.agreement import ranks
from vifstats.deletion.row_facts import follow_up
from vifstats.losses.effects import Effects
from vifstats.reporting.findings import Findings
from vifstats.reporting.sections.accuracy import explained_by
from vifstats.reporting.sections.groups import most_moved

__all__ = ["rank_correlation", "trends"]

# Of fewer rows no correlation is told.
FEWEST = 20


def trends(findings: Findings, effects: Effects) -> dict[str, Any]:
    """Rank correlations: of influence and time, and of errors and what may explain them.

    "time" and "error", None where there is none.
    """
    out: dict[str, float | None] = {"time": None, "error": None}
    facts = follow_up(findings.influence)
    if facts is not None:
        size = np.abs(findings.dfbetas[:, most_moved(findings, effects)])
        out["time"] = rank_correlation(size, facts["time"].to_numpy())
    explanation = explained_by(findings)
    if explanation is not None and findings.agreement is not None:
        rows = findings.refitted[~findings.influence.failed[findings.refitted]]
        sides = (s.dfbetas.to_numpy()[rows] for s in (findings.influence, findings.approximate))
        error = np.abs(np.subtract(*sides)).max(axis=1)
        out["error"] = rank_correlation(error, explanation[0][rows])
    return out


def rank_correlation(values: np.ndarray, against: np.ndarray) -> float | None:
    """Spearman's, of pairs that are known; None of too few, or where one side does not vary.

    Shapes: (n,) both.

    Examples
    --------
    >>> rank_correlation(np.arange(30.0) ** 2, np.arange(30.0)), rank_correlation(*np.ones((2, 30)))
    (1.0, None)
    """
    known = np.isfinite(values) & np.isfinite(against)
    both = [ranks(v[known]) for v in (values, against)]
    if known.sum() < FEWEST or not all(np.ptp(rank) for rank in both):
        return None
    return round(float(np.corrcoef(both)[0, 1]), 2)
