"""Every coefficient, and how far the removal of any one row takes it."""

from typing import Any

import numpy as np

from vifstats.losses.effects import Effects
from vifstats.plots.rows import HARRELL
from vifstats.plots.style import called
from vifstats.reporting.findings import LEVEL, Findings
from vifstats.reporting.sections.verdicts import Verdict

__all__ = ["coefficients", "extremes"]

# A refit may change which row is the outermost: so many at each end are refitted.
EACH_END = 3
# More rows that decide are counted, not named.
MOST_NAMED = 5


def extremes(findings: Findings, effects: Effects) -> np.ndarray:
    """The rows that take an effect furthest, up or down: their refits make the ranges exact.

    Parameters
    ----------
    findings : Findings
    effects : Effects

    Returns
    -------
    ndarray of int
        Positions.
    """
    values = findings.influence.values[:, effects.shown]
    known = np.where(np.isfinite(values), values, 0.0)
    order = np.argsort(known, axis=0, kind="stable")
    return np.unique([order[:EACH_END], order[-EACH_END:]])


def coefficients(
    findings: Findings, effects: Effects, verdicts: list[Verdict], rows: bool
) -> list[dict[str, Any]]:
    """One entry for each effect, in the order of the fit.

    Parameters
    ----------
    findings : Findings
    effects : Effects
    verdicts : list of Verdict
        Of the same effects.
    rows : bool
        Whether rows may be named.

    Returns
    -------
    list of dict
    """
    return [_coefficient(findings, effects, verdict, rows) for verdict in verdicts]


def _coefficient(
    findings: Findings, effects: Effects, verdict: Verdict, rows: bool
) -> dict[str, Any]:
    influence, j = findings.influence, verdict.parameter
    est = influence.estimate
    theta, scale = est.theta[j], est.standard_errors[j]
    lower, upper = est.confidence_limits(1 - LEVEL)[j]
    values = influence.values[:, j]
    dfbetas = values / est.naive_errors[j]
    few = rows and len(verdict.flipping) <= MOST_NAMED
    item = {
        "name": est.names[j],
        "coefficient": theta,
        "standard_error": scale,
        "p": est.p_values[j],
        "effect": effects.of(theta),
        "lower": effects.of(lower),
        "upper": effects.of(upper),
        "decimals": effects.decimals(theta, scale),
        "significant": verdict.significant,
        "n_flipping": len(verdict.flipping),
        "n_flipping_refitted": verdict.n_refitted,
        "flipping": [called(influence.index[row]) for row in verdict.flipping] if few else [],
        "n_beyond": int((np.abs(np.nan_to_num(dfbetas)) > HARRELL).sum()),
    }
    if not np.isfinite(values).any():
        return item | {"lowest": None, "highest": None, "largest": None}
    low, high = int(np.nanargmax(values)), int(np.nanargmin(values))
    largest = int(np.nanargmax(np.abs(values)))
    return item | {
        "lowest": _without(findings, effects, j, low, rows),
        "highest": _without(findings, effects, j, high, rows),
        "largest": _without(findings, effects, j, largest, rows),
    }


def _without(findings: Findings, effects: Effects, j: int, row: int, rows: bool) -> dict[str, Any]:
    """An effect without one row."""
    influence = findings.influence
    theta, value = influence.estimate.theta[j], influence.values[row, j]
    out = {
        "row": called(influence.index[row]) if rows else None,
        "exact": bool(influence.exact[row]),
        "effect": effects.of(theta - value),
        "dfbetas": value / influence.estimate.naive_errors[j],
    }
    return out | ({"percent": 100 * np.expm1(-value)} if effects.ratio else {})
