"""Harrell's concordance in n log n: how often, of two comparable rows, the riskier dies first.

A death is compared with every row of its stratum that is at risk at its time and does not die then.
Those are a suffix of the rows ordered by time, less, with delayed entry, a suffix of the rows
ordered by entry. How much weight of a suffix has a lower score is read from a wavelet matrix: the
ranks bit by bit, the rows sorted by each bit in turn, so that a suffix stays a range.
"""

from collections.abc import Iterator

import numpy as np

from vifstats.losses.cox.risk_sets import RiskSets

__all__ = ["concordance"]


def concordance(sets: RiskSets, w: np.ndarray, score: np.ndarray) -> float:
    """Concordant plus half the tied pairs, over all comparable pairs.

    `w`, `score` (n,): case weights, 0 for an absent row, and linear predictors, in sorted order. A
    pair counts with the product of its weights. Returns nan where no pair is comparable.

    References
    ----------
    Harrell, Lee & Mark (1996), Statistics in Medicine 15; R ``survival::concordance``.

    Examples
    --------
    >>> import vifstats as vs
    >>> sets = vs.losses.Cox([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0], [1, 1, 0]).risk_sets
    >>> round(concordance(sets, np.ones(3), np.array([2.0, 0.0, 1.0])), 4)
    0.6667
    """
    rank = np.unique(score, return_inverse=True)[1]
    below, equal, every = np.zeros((3, len(sets.own)))
    for sign, order, start, stop in _suffixes(sets):
        lower, same, total = _weights_below(rank[order], w[order], start, stop, rank[sets.own])
        below += sign * lower
        equal += sign * same
        every += sign * total
    pairs = w[sets.own] @ every
    return float(w[sets.own] @ (below + 0.5 * equal) / pairs) if pairs > 0 else np.nan


def _suffixes(sets: RiskSets) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Sign, order, start and stop of the ranges of rows that make each death's comparisons."""
    cell = sets.cell_of_event
    end_of_stratum = sets.row_bounds[sets.cell_stratum[cell] + 1]
    last_death = sets.own[(sets.first_death + sets.deaths - 1)[cell]]
    everyone = np.arange(len(sets.order))
    yield 1, everyone, last_death + 1, end_of_stratum
    if (sets.ranges.lo != sets.ranges.bounds[sets.stratum]).any():
        # those who have yet to enter: their first cell comes after this one
        key = sets.ranges.lo + sets.stratum  # ascending by stratum, also where two share a cell
        by_entry = np.argsort(key, kind="stable")
        ordered = key[by_entry]
        yet_to_enter = np.searchsorted(ordered, cell + sets.cell_stratum[cell], side="right")
        yield -1, by_entry, np.minimum(yet_to_enter, end_of_stratum), end_of_stratum


def _weights_below(
    rank: np.ndarray, w: np.ndarray, start: np.ndarray, stop: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight in rank[start:stop] of ranks below, equal to, and of any relation to each wanted."""
    # A wavelet tree over the ranks, from the highest bit down: rows are parted by the bit, and each
    # range follows its query. If the query has a 1, all zeros of the range are below it; what is
    # left in the end has the same rank. All ranges together take n log n, whatever their lengths.
    running = _running(w)
    total = running[stop] - running[start]
    below = np.zeros(len(wanted))
    for bit in reversed(range(int(rank.max(initial=0)).bit_length())):
        one = (rank >> bit) & 1 == 1
        zeros = _running(~one)
        n_zeros = zeros[-1]
        weight = _running(np.where(one, 0.0, w))
        high = (wanted >> bit) & 1 == 1
        below += np.where(high, weight[stop] - weight[start], 0.0)
        start = np.where(high, n_zeros + start - zeros[start], zeros[start])
        stop = np.where(high, n_zeros + stop - zeros[stop], zeros[stop])
        by_bit = np.concatenate([np.flatnonzero(~one), np.flatnonzero(one)])
        rank, w = rank[by_bit], w[by_bit]
    running = _running(w)
    return below, running[stop] - running[start], total


def _running(values: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... values."""
    out = np.zeros(len(values) + 1, dtype=float if values.dtype.kind == "f" else np.intp)
    np.cumsum(values, out=out[1:])
    return out
