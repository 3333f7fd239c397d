"""Whether the estimate diverges once some rows are gone: a likelihood monotone in a covariate.

The partial likelihood grows without end along +x_k when every event has the largest x_k of its risk
set, and along -x_k likewise. An event that has not is a *violation*; a removal separates the data
if it clears them all, by taking the event itself or every row above it. Looking at any one
violation leaves at most two removals that can do so, and those are checked in full. Directions
that combine covariates are not looked at; refits find them, as fits that do not converge.
"""

import numpy as np

from vifstats.losses.cox.risk_sets import RiskSets

__all__ = ["separating"]


def separating(sets: RiskSets, X: np.ndarray, code: np.ndarray, n_removals: int) -> np.ndarray:
    """Which removals leave a monotone likelihood in some covariate.

    Parameters
    ----------
    sets : RiskSets
    X : ndarray, shape (n, p)
        Covariates without a penalty, in sorted order.
    code : ndarray of int, shape (n,)
        The removal of each row, -1 for none.
    n_removals : int

    Returns
    -------
    ndarray of bool, shape (n_removals,)
    """
    found = np.zeros(n_removals, dtype=bool)
    for column in X.T:
        rank = _rank(column)
        for x in (rank, rank.max() + 1.0 - rank):
            violations = _violations(sets, x, np.ones(len(x), dtype=bool))
            if not len(violations):  # monotone with all rows, so without any of them
                return np.ones(n_removals, dtype=bool)
            for candidate in _candidates(sets, x, code, violations[0]):
                if not found[candidate]:
                    found[candidate] = not len(_violations(sets, x, code != candidate))
    return found


def _rank(x: np.ndarray) -> np.ndarray:
    """Ranks 1, 2, ... of values in any unit; equal where they are."""
    return np.unique(x, return_inverse=True)[1] + 1.0


def _violations(sets: RiskSets, x: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Positions among the deaths of the present ones that have not the largest rank at risk."""
    rank = np.where(present, x, 0.0)  # 0 stands for nobody
    largest = sets.ranges.scatter_maximum(rank)
    own = sets.own
    return np.flatnonzero(present[own] & (rank[own] < largest[sets.cell_of_event]))


def _candidates(sets: RiskSets, x: np.ndarray, code: np.ndarray, violation: int) -> set[int]:
    """The removals that clear one violation: the event's own, or the only one above it."""
    row = sets.own[violation]
    cell = sets.cell_of_event[violation]
    above = (sets.ranges.lo <= cell) & (cell < sets.ranges.hi) & (x > x[row])
    codes = {int(code[row])} | (set(code[above].tolist()) if _one_value(code[above]) else set())
    return codes - {-1}


def _one_value(values: np.ndarray) -> bool:
    return bool((values == values[0]).all())
