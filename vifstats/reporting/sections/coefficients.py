"""Every coefficient, and how far the removal of any one row takes it."""

from functools import partial
from typing import Any

import numpy as np

from vifstats.losses.effects import Effects
from vifstats.plots.style import HARRELL, whole
from vifstats.reporting.findings import LEVEL, Findings
from vifstats.reporting.sections.steps import steps_of
from vifstats.reporting.sections.verdicts import Verdict

__all__ = [
    "beyond_the_convention",
    "coefficients",
    "end_of",
    "extremes",
    "near_the_convention",
    "percent_of",
    "sizes",
]

# A refit may change which row is the outermost, so this many at each end are refitted.
EACH_END = 3
# If more rows than this change a conclusion, they are counted, not named.
MOST_NAMED = 5
# A refit may take a row beyond the convention that is predicted to reach this part of it.
NEAR = 0.75


def extremes(findings: Findings, effects: Effects) -> np.ndarray:
    """The rows that take an effect furthest, up or down: their refits make the ranges exact."""
    values = findings.values[:, effects.shown]
    known = np.where(np.isfinite(values), values, 0.0)
    order = np.argsort(known, axis=0, kind="stable")
    return np.unique([order[:EACH_END], order[-EACH_END:]])


def near_the_convention(findings: Findings, effects: Effects) -> np.ndarray:
    """The rows that may be beyond Harrell's convention, which predictions may fall short of.

    Their positions, those that are nearest to it first.
    """
    size = sizes(findings, effects).max(axis=1, initial=0.0)
    rows = np.flatnonzero(size > NEAR * HARRELL)
    return rows[np.argsort(np.abs(size[rows] - HARRELL), kind="stable")]


def beyond_the_convention(findings: Findings, effects: Effects) -> dict[str, int]:
    """How many rows move some effect by more than Harrell's convention, and how many were refitted.

    "n", "n_exact" of these, and "n_near": rows that are not refitted, and so near to the convention
    that a refit may change on which side they are.
    """
    size, exact = sizes(findings, effects).max(axis=1, initial=0.0), findings.influence.exact
    beyond = size > HARRELL
    near = (size > NEAR * HARRELL) & (size < HARRELL / NEAR) & ~exact
    return {
        "n": int(beyond.sum()),
        "n_exact": int((beyond & exact).sum()),
        "n_near": int(near.sum()),
    }


def coefficients(
    findings: Findings, effects: Effects, verdicts: list[Verdict]
) -> list[dict[str, Any]]:
    """One entry for each effect, in the order of the fit.

    Effects are of one unit of a covariate, and of one of its steps: see `steps_of`.
    """
    est = findings.influence.estimate
    steps = steps_of(est.loss, len(est.theta))
    n_beyond = (sizes(findings, effects) > HARRELL).sum(axis=0)
    entries = [_coefficient(findings, effects, v, *steps[v.parameter]) for v in verdicts]
    return [item | {"n_beyond": int(n)} for item, n in zip(entries, n_beyond, strict=True)]


def _coefficient(
    findings: Findings, effects: Effects, verdict: Verdict, step: float, what: str
) -> dict[str, Any]:
    influence, j = findings.influence, verdict.parameter
    est = influence.estimate
    theta, scale = est.theta[j], est.standard_errors[j]
    lower, upper = est.confidence_limits(1 - LEVEL)[j]
    values, dfbetas = findings.values[:, j], findings.dfbetas[:, j]
    few = len(verdict.flipping) <= MOST_NAMED
    item = {
        "name": est.names[j],
        "coefficient": theta,
        "standard_error": scale,
        "p": est.p_values[j],
        "effect": effects.of(theta),
        "lower": effects.of(lower),
        "upper": effects.of(upper),
        "decimals": effects.decimals(theta, scale),
        "step": step,
        "step_is": what,
        "step_effect": effects.of(theta * step),
        "step_decimals": effects.decimals(theta * step, scale * step),
        "significant": verdict.significant,
        "n_flipping": len(verdict.flipping),
        "n_flipping_refitted": verdict.n_refitted,
        "n_flipping_predicted": len(verdict.flipping) - verdict.n_refitted,
        "flipping": [whole(influence.index[row]) for row in verdict.flipping] if few else [],
        "goes": end_of(findings.diverging[j]),
    }
    if findings.diverging[j] != 0:
        item |= dict.fromkeys(("p", "effect", "lower", "upper", "step_effect"))
    if not np.isfinite(values).any():
        return item | {"lowest": None, "highest": None, "largest": None}
    low, high = int(np.nanargmax(values)), int(np.nanargmin(values))
    largest = int(np.nanargmax(np.abs(dfbetas)))
    goes = findings.infinite[:, j]
    without = partial(_without, findings, effects, j, step)
    return item | {
        "lowest": without(low) if not (goes < 0).any() else _infinite(findings, goes < 0, "-"),
        "highest": without(high) if not (goes > 0).any() else _infinite(findings, goes > 0, "+"),
        "largest": without(largest),
    }


def _without(findings: Findings, effects: Effects, j: int, step: float, row: int) -> dict[str, Any]:
    """An effect without one row, of one unit and of one step."""
    influence = findings.influence
    theta, value = influence.estimate.theta[j], influence.values[row, j]
    out = {
        "row": whole(influence.index[row]),
        "exact": bool(influence.exact[row]),
        "goes": "",
        "effect": effects.of(theta - value),
        "step_effect": effects.of((theta - value) * step),
        "dfbetas": findings.dfbetas[row, j],
    }
    return out | ({"percent": percent_of(-value * step)} if effects.ratio else {})


def _infinite(findings: Findings, rows: np.ndarray, end: str) -> dict[str, Any]:
    """An end of a range that is infinite, without the first of some rows."""
    row = int(np.flatnonzero(rows)[0])
    out = {"row": whole(findings.influence.index[row]), "exact": True, "goes": end}
    return out | dict.fromkeys(("effect", "step_effect", "dfbetas", "percent"))


def end_of(goes: float) -> str:
    """The end to which a coefficient goes: "+", "-", "?" where that is unknown, or ""."""
    return "?" if np.isnan(goes) else {0.0: "", 1.0: "+", -1.0: "-"}[float(goes)]


def percent_of(change: float) -> float:
    """By how much a ratio changes with its logarithm."""
    with np.errstate(over="ignore"):
        return 100 * float(np.expm1(change))


def sizes(findings: Findings, effects: Effects) -> np.ndarray:
    """|dfbetas| of each row and effect; where only predicted, times the slope of refits on it.

    So predictions that are too small on the whole are set right. 0 where there is none.

    Shape (n_removals, n_effects).
    """
    size = np.nan_to_num(np.abs(findings.dfbetas[:, effects.shown]))
    if findings.agreement is None:
        return size
    slopes = findings.agreement.table["slope"].to_numpy()[effects.shown]
    usable = np.where(np.isfinite(slopes) & (slopes > 1), slopes, 1.0)
    return np.where(findings.influence.exact[:, None], size, size * usable)
