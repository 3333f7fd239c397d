"""Whose removal changes which coefficients are significant, each confirmed by a refit."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.estimate import Estimate
from vifstats.losses.base import positive_definite
from vifstats.reporting.effects import Effects
from vifstats.reporting.findings import Z95, Findings
from vifstats.result import Influence

__all__ = ["Verdict", "candidates", "p_values", "refitted_z", "standard_errors", "verdicts"]

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
    """

    parameter: int
    significant: bool
    flipping: np.ndarray
    n_refitted: int


def p_values(z: Any) -> Any:
    """Two-sided p-values of standard normal statistics.

    Parameters
    ----------
    z : array_like

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p_values([0.0, 1.959963984540054]).round(4)
    array([1.  , 0.05])
    """
    return np.array([math.erfc(abs(value) / math.sqrt(2)) for value in np.ravel(z)])


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
    """
    influence = findings.influence
    est, known = influence.estimate, np.flatnonzero(influence.exact & ~influence.failed)
    z = refitted_z(est, influence, known)
    out = []
    for j in effects.shown:
        _, flips = _toward(est, influence.values, j)
        significant = bool(abs(est.theta[j]) / est.standard_errors[j] > Z95)
        flips[known] = (np.abs(z[:, j]) > Z95) != significant
        flips[known] &= np.isfinite(z[:, j])
        flipping = np.flatnonzero(flips & ~influence.failed)
        out.append(Verdict(int(j), significant, flipping, int(np.isin(flipping, known).sum())))
    return out


def refitted_z(est: Estimate, influence: Influence, rows: np.ndarray) -> np.ndarray:
    """Coefficients over their standard errors without each of some refitted rows.

    Parameters
    ----------
    est : Estimate
    influence : Influence
        Refitted in these rows.
    rows : ndarray of int
        Positions.

    Returns
    -------
    ndarray, shape (len(rows), n_params)
        nan where there is no refit, or no positive definite Hessian.
    """
    thetas = est.theta - influence.values[rows]
    out = np.full_like(thetas, np.nan)
    usable = np.flatnonzero(np.isfinite(thetas).all(axis=1))
    for part in np.array_split(usable, max(1, len(usable) // 64)):
        if not len(part):
            continue
        H = est.loss.reduced_curvatures(thetas[part], influence.removals.take(rows[part]))
        out[part] = thetas[part] / standard_errors(H, est.dispersion)
    return out


def standard_errors(H: np.ndarray, dispersion: float) -> np.ndarray:
    """Standard errors by each of a stack of Hessians, nan where one is not positive definite.

    Parameters
    ----------
    H : ndarray, shape (k, n_params, n_params)
    dispersion : float

    Returns
    -------
    ndarray, shape (k, n_params)

    Examples
    --------
    >>> standard_errors(np.array([[[4.0]], [[-1.0]]]), 1.0)
    array([[0.5],
           [nan]])
    """
    out = np.full(H.shape[:2], np.nan)
    usable = positive_definite(H)
    out[usable] = np.sqrt(dispersion * np.einsum("kii->ki", np.linalg.inv(H[usable])))
    return out


def _toward(est: Estimate, values: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray]:
    """How far each removal moves \\|z\\| toward 1.96, and whether beyond; standard error held."""
    scale = est.standard_errors[j]
    full, without = abs(est.theta[j]) / scale, np.abs(est.theta[j] - values[:, j]) / scale
    toward = np.nan_to_num((full - without) * (1 if full > Z95 else -1))
    return toward, toward > abs(full - Z95)
