"""Whose removal changes which coefficients are significant, each confirmed by a refit."""

from dataclasses import dataclass

import numpy as np

from vifstats.diagnostics.wald_fits import WaldFits
from vifstats.effects import Effects
from vifstats.estimate import Estimate
from vifstats.reporting.findings import LEVEL, Findings

__all__ = ["Verdict", "candidates", "undetermined", "verdicts"]

# Rows beyond these are believed without a refit.
NEAREST = 20
LIMIT = 200


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether one coefficient stays significant at 5 % when any one row leaves.

    Attributes
    ----------
    parameter : int
        Position.
    significant : bool
        With all rows.
    flipping : ndarray of int
        Positions of the rows without which it is the other way round.
    n_refitted : int
        How many of those were refitted.
    furthest : int or None
        The one of those without which the refitted p-value is furthest on the other side.
    """

    parameter: int
    significant: bool
    flipping: np.ndarray
    n_refitted: int
    furthest: int | None


def undetermined(est: Estimate) -> bool:
    """Whether no parameter means anything: it may turn along a gauge, or the minimum is infinite.

    Parameters
    ----------
    est : Estimate

    Returns
    -------
    bool
    """
    return est.separated or len(est.loss.gauge(est.theta)) > 0


def candidates(findings: Findings, effects: Effects) -> np.ndarray:
    """The rows whose removal may change a verdict, the most likely first.

    Parameters
    ----------
    findings : Findings
    effects : Effects

    Returns
    -------
    ndarray of int
        Positions: of each coefficient the rows that are predicted to flip it, with the standard
        error held, at most 200 of them, and the 20 that come nearest to that.
    """
    influence = findings.influence
    if undetermined(influence.estimate):
        return np.zeros(0, dtype=int)
    ranked = []
    for j in effects.shown:
        toward, flips = _toward(influence.estimate, influence.values, j)
        order = np.argsort(-toward, kind="stable")
        n = min(LIMIT, int(flips.sum())) + NEAREST
        ranked.append([(rank, row) for rank, row in enumerate(order[:n]) if toward[row] > 0])
    together = sorted(pair for pairs in ranked for pair in pairs)
    return np.array(list(dict.fromkeys(int(row) for _, row in together)), dtype=int)


def verdicts(findings: Findings, effects: Effects) -> list[Verdict]:
    """The verdict on each effect: refitted rows by their refit, others as predicted.

    Parameters
    ----------
    findings : Findings
    effects : Effects

    Returns
    -------
    list of Verdict
        No row decides where no effect is determined.
    """
    influence = findings.influence
    if undetermined(influence.estimate):
        nobody = np.zeros(0, dtype=int)
        return [Verdict(int(j), False, nobody, 0, None) for j in effects.shown]
    known = np.flatnonzero(influence.exact & ~influence.failed)
    beyond = WaldFits.of(influence.take(known)).beyond_bound(LEVEL)
    return [_verdict(findings, j, known, beyond[:, j]) for j in effects.shown]


def _verdict(findings: Findings, j: int, known: np.ndarray, beyond: np.ndarray) -> Verdict:
    """The verdict on one parameter, with how far |z| is beyond the bound without refitted rows."""
    influence = findings.influence
    est = influence.estimate
    significant = bool(est.p_values[j] < LEVEL)
    _, flips = _toward(est, influence.values, j)
    flips[known] = ((beyond > 0) != significant) & np.isfinite(beyond)
    flipping = np.flatnonzero(flips & ~influence.failed)
    proved = np.isin(known, flipping)
    distance = np.where(proved, np.abs(beyond), -1.0)
    furthest = int(known[distance.argmax()]) if proved.any() else None
    return Verdict(int(j), significant, flipping, int(proved.sum()), furthest)


def _toward(est: Estimate, values: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray]:
    """How far each removal moves |z| toward its bound, and whether beyond; standard error held."""
    scale = est.standard_errors[j]
    full, without = abs(est.theta[j]) / scale, np.abs(est.theta[j] - values[:, j]) / scale
    bound = est.inference.quantile(1 - LEVEL / 2, est.df)
    toward = np.nan_to_num((full - without) * (1 if full > bound else -1))
    return toward, toward > abs(full - bound)
