"""Where rows enter among the cells, and the order of whole numbers, without comparing them all."""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled

__all__ = ["cells_up_to", "counted_order"]

# Times that are compared one by one, without a branch.
FEW = 8


@compiled
def _bucket(time: float, first: float, unit: float, n: int) -> int:
    """Of equal width, 0 .. n - 1: what is later is in no earlier one, whatever rounding does."""
    at = (time - first) * unit
    return int(at) if at < n - 1 else n - 1


@compiled
def _count_up_to(out: np.ndarray, entry: np.ndarray, times: np.ndarray, before: np.ndarray) -> None:
    """How many times are <= each entry, to `out`; `times` ascending, `before` as many and one: 0s.

    The times are put in as many buckets, so that few are left to search.
    """
    n = len(times)
    unit = n / (times[-1] - times[0])
    if not np.isfinite(unit):
        unit = 0.0
    for c in range(n):
        before[_bucket(times[c], times[0], unit, n) + 1] = c + 1
    for b in range(n):
        before[b + 1] = max(before[b], before[b + 1])
    for i in range(len(entry)):
        if entry[i] < times[0]:
            continue
        bucket = _bucket(entry[i], times[0], unit, n)
        low, high = before[bucket], before[bucket + 1]
        while high - low > FEW:
            middle = low + high >> 1
            if times[middle] <= entry[i]:
                low = middle + 1
            else:
                high = middle
        out[i] += low
        for c in range(low, high):
            out[i] += times[c] <= entry[i]


@compiled
def cells_up_to(
    entry: np.ndarray, cell_time: np.ndarray, row_bounds: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """The cell after the last one of the same or an earlier stratum with time <= entry, int (n,).

    `entry` (n,); `row_bounds`, `bounds`: where the rows and the cells of strata begin, with the
    end.
    """
    out, before = np.empty(len(entry), dtype=np.intp), np.empty(len(cell_time) + 1, dtype=np.intp)
    for s in range(len(bounds) - 1):
        rows, cells = slice(row_bounds[s], row_bounds[s + 1]), slice(bounds[s], bounds[s + 1])
        out[rows] = cells.start
        if rows.start < rows.stop and cells.start < cells.stop:
            room = before[: cells.stop - cells.start + 1]
            room[:] = 0
            _count_up_to(out[rows], entry[rows], cell_time[cells], room)
    return out


@compiled
def counted_order(keys: np.ndarray, n: int) -> np.ndarray:
    """As `sorted_order`, of whole numbers 0 .. n - 1."""
    place = np.zeros(n + 1, dtype=np.intp)
    for i in range(len(keys)):
        place[keys[i] + 1] += 1
    for k in range(n):
        place[k + 1] += place[k]
    out = np.empty(len(keys), dtype=np.intp)
    for i in range(len(keys)):
        out[place[keys[i]]] = i
        place[keys[i]] += 1
    return out
