"""Covariates that no risk set can compare: constant wherever two rows are at risk together."""

import numpy as np

from vifstats.losses.cox.risk_sets import RiskSets

__all__ = ["constant_columns"]

# Most columns vary within the first block, and are not looked at again.
BLOCK = 4096


def constant_columns(X: np.ndarray, sets: RiskSets) -> np.ndarray:
    """Which columns are constant within every risk set, exactly.

    Rows are linked if some event time finds both at risk: a column is constant in every risk set
    if and only if it is constant on each set of linked rows. Rows at risk in ranges of event
    times, sorted by where they begin, are linked to the next unless all so far have ended.

    `X` (n, p): in the user's order. Returns bool (p,).

    Examples
    --------
    The only other row leaves before the first event:

    >>> from vifstats.checks import survival
    >>> from vifstats.losses.cox.risk_sets import risk_sets
    >>> data = survival([[5.0], [3.0], [3.0]], [1.0, 2.0, 3.0], [0, 1, 1])
    >>> constant_columns(data.X, risk_sets(data))
    array([ True])
    """
    lo, hi = sets.ranges.lo, sets.ranges.hi
    rows = sets.exposed.by_start if sets.late else np.arange(len(lo))
    left, last, ended = np.arange(X.shape[1]), rows[:0], 0
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        some = np.append(last, some[lo[some] < hi[some]])
        until = np.maximum.accumulate(np.maximum(hi[some], ended))
        linked = lo[some[1:]] < until[:-1]
        last, ended = some[-1:], until.max(initial=ended)
        changes = np.diff(X[np.ix_(sets.order[some], left)], axis=0) != 0
        left = left[~changes[linked].any(axis=0)]
        if not len(left):
            break
    constant = np.zeros(X.shape[1], dtype=bool)
    constant[left] = True
    return constant
