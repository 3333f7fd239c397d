"""Sums by bin, and running sums that restart with each segment."""

from collections.abc import Iterator
from math import prod

import numpy as np
from scipy.sparse import csr_array

__all__ = [
    "Bins",
    "Segments",
    "add_rows",
    "expanded",
    "gram",
    "in_cache",
    "permute",
    "put_rows",
    "rows_of",
    "slices_of",
    "sorted_order",
]

# Rows change places in so many parts.
PERMUTED = 8
# A call of NumPy for each segment costs as much as a step for so many numbers of all segments.
CALL = 500
# Rows this wide are summed as products with ones, so many at a time: NumPy's running sums go column
# by column through memory.
WIDE, TOGETHER = 32, 16
# Numbers of a block of rows that passes through several steps while it is in cache (256 kB).
CACHE = 1 << 15


class Bins:
    """Sums of rows by bin, in the order of the rows.

    `bin_of` int (m,): the bin of each row, in 0 .. n_bins - 1; `some` int (m,): which of n rows
    these are, ascending, where others are in no bin.
    """

    def __init__(
        self, bin_of: np.ndarray, n_bins: int, some: np.ndarray | None = None, n: int = 0
    ) -> None:
        if some is None or len(some) == n:
            some, n = None, len(bin_of)
        in_order = bool(np.all(bin_of[:-1] <= bin_of[1:]))
        counts = np.bincount(bin_of, minlength=n_bins)
        self._one_each = some is None and in_order and bool((counts == 1).all())
        if self._one_each:  # nothing is kept
            return
        order = np.arange(len(bin_of)) if in_order else sorted_order(bin_of)
        if some is not None:
            order = some[order]
        # a sparse product takes the rows as they are and adds them up in one pass
        parts = np.ones(len(bin_of)), order, np.append(0, np.cumsum(counts))
        self._matrix = csr_array(parts, shape=(n_bins, n))

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows in each bin, perhaps the rows themselves: (n, ...) to (n_bins, ...)."""
        if self._one_each:
            return rows.astype(float, copy=False)
        flat = rows.reshape(len(rows), prod(rows.shape[1:])) if rows.ndim > 2 else rows
        return (self._matrix @ flat).reshape(self._matrix.shape[0], *rows.shape[1:])


class Segments:
    """Running sums that restart where a segment begins.

    `bounds` int (n_segments + 1,): segment s is the cells bounds[s] .. bounds[s + 1] - 1.
    """

    def __init__(self, bounds: np.ndarray) -> None:
        self.bounds = bounds

    def accumulate(
        self, cells: np.ndarray, reverse: bool = False, ufunc: np.ufunc = np.add
    ) -> np.ndarray:
        """Running sum (or maximum) from each segment's first cell, or from its last one back."""
        out = np.empty_like(cells, dtype=float)
        if reverse:
            _accumulate(self.bounds[-1] - self.bounds[::-1], cells[::-1], out[::-1], ufunc)
        else:
            _accumulate(self.bounds, cells, out, ufunc)
        return out


def _accumulate(bounds: np.ndarray, cells: np.ndarray, out: np.ndarray, ufunc: np.ufunc) -> None:
    bounds = bounds[np.diff(bounds, prepend=-1) > 0]  # without segments of nothing
    if len(bounds) == 2:
        _running(cells, out, ufunc)
        return
    lengths, width = np.diff(bounds), max(1, prod(cells.shape[1:]))
    for some in slices_of(lengths, CACHE // width):
        ends, counts = bounds[some.start : some.stop + 1].tolist(), lengths[some]
        block = slice(ends[0], ends[-1])
        steps = int(counts.max() - 1).bit_length()
        if len(counts) * CALL > (ends[-1] - ends[0]) * width * steps:
            out[block] = cells[block]
            _double(out[block], expanded(counts)[1], ufunc)
            continue
        for part in map(slice, ends[:-1], ends[1:]):
            _running(cells[part], out[part], ufunc)


def _running(cells: np.ndarray, out: np.ndarray, ufunc: np.ufunc) -> None:
    """A running sum (or maximum) of all cells, into out."""
    n = len(cells) // TOGETHER
    wide = ufunc is np.add and cells.ndim == 2 and cells.shape[1] >= WIDE and n > 1
    if not wide or not np.isfinite(cells).all():  # 0 times infinity is nan
        ufunc.accumulate(cells, axis=0, out=out)
        return
    stop = n * TOGETHER
    groups = out[:stop].reshape(n, TOGETHER, -1)
    np.matmul(np.tri(TOGETHER), cells[:stop].reshape(groups.shape), out=groups)
    groups[1:] += np.add.accumulate(groups[:-1, -1], axis=0)[:, None]
    np.add.accumulate(cells[stop:], axis=0, out=out[stop:])
    out[stop:] += out[stop - 1]


def _double(cells: np.ndarray, before: np.ndarray, ufunc: np.ufunc) -> None:
    """Make of cells, in place, sums over each and the ones ``before`` it: of 2, 4, 8, ..."""
    step = 1
    while step <= before.max(initial=0):
        further = (before[step:] >= step).reshape(-1, *[1] * (cells.ndim - 1))
        ufunc(cells[step:], cells[:-step], out=cells[step:], where=further)
        step *= 2


def sorted_order(keys: np.ndarray) -> np.ndarray:
    """The order that sorts whole numbers >= 0, (n,), and leaves equal ones as they are: int (n,).

    NumPy sorts numbers of 16 bits by radix, several times as fast as longer ones.
    """
    largest = int(keys.max(initial=0))
    if largest >> 32:
        return np.argsort(keys, kind="stable")
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    if largest >> 16:
        high = (keys >> 16).astype(np.uint16)
        order = order[np.argsort(high[order], kind="stable")]
    return order


def expanded(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For items that stand for several, the item of each and its number 0, 1, ... there."""
    item = np.repeat(np.arange(len(counts)), counts)
    return item, np.arange(len(item)) - np.repeat(np.cumsum(counts) - counts, counts)


def slices_of(counts: np.ndarray, size: int) -> Iterator[slice]:
    """Consecutive slices of items whose counts add up to about ``size``."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + size, side="right")))
        yield slice(start, stop)
        start = stop


def in_cache(n_rows: int, width: int) -> Iterator[slice]:
    """Consecutive blocks of rows, of which `width` numbers each stay in cache."""
    size = max(64, CACHE // max(1, width))
    return (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def rows_of(values: np.ndarray, some: slice | np.ndarray) -> np.ndarray:
    """values[some] of some rows: `take` is several times as fast as an index."""
    return values[some] if isinstance(some, slice) else values.take(some, axis=0)


def put_rows(out: np.ndarray, at: np.ndarray | slice, rows: np.ndarray) -> None:
    """out[at] = rows, of doubles (n, w): a row as one item is put twice as fast as by an index."""
    if isinstance(at, slice):
        out[at] = rows
        return
    item = np.dtype((np.void, rows.shape[1] * rows.itemsize))
    np.put(out.view(item), at, np.ascontiguousarray(rows).view(item))


def add_rows(out: np.ndarray, at: np.ndarray | slice, rows: np.ndarray) -> None:
    """out[at] += rows, as `put_rows`, at places that differ."""
    if isinstance(at, slice):
        out[at] += rows
    else:
        put_rows(out, at, out.take(at, axis=0) + rows)


def permute(rows: np.ndarray, place: np.ndarray) -> None:
    """Move each of the rows (n, w) to its place, int (n,), with room for a share of them.

    A part of the places is filled at a time, and who stands there moves to where the others were.
    """
    n = len(rows)
    size = -(-n // PERMUTED)
    belongs, stands = place.copy(), np.empty(n, dtype=np.intp)
    stands[place] = np.arange(n)
    filling, moving = np.empty((2, size, rows.shape[1]))
    for start in range(0, n, size):
        stop = min(start + size, n)
        comes = stands[start:stop]
        filled = rows.take(comes, axis=0, out=filling[: stop - start], mode="clip")
        far = comes >= stop
        leaves = np.ones(stop - start, dtype=bool)
        leaves[comes[~far] - start] = False
        out, into = start + np.flatnonzero(leaves), comes[far]
        put_rows(rows, into, rows.take(out, axis=0, out=moving[: len(out)], mode="clip"))
        belongs[into] = belongs[out]
        stands[belongs[into]] = into
        rows[start:stop] = filled


def gram(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sum of weight x x' over rows (n, p), without another array of their size: (p, p)."""
    p = rows.shape[1]
    out = np.zeros((p, p))
    for block in in_cache(len(rows), p):
        out += (rows[block] * weights[block, None]).T @ rows[block]
    return out
