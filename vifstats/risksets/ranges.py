"""Sums over ranges of cells, and their transpose, without ever subtracting two sums.

A subject is at risk at a range of event times; sums over its risk interval and sums over a risk
set are a matrix of 0s and 1s and its transpose. A range that begins where its segment (stratum)
begins reads a running sum. Any other range is split at the middle of the smallest aligned
block of 2^k cells that holds it, into a suffix of the left half and a prefix of the right one (a
disjoint sparse table). Differences of running sums would cancel where early risk sets are tiny.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Bins", "Ranges", "Segments", "expanded", "slices_of"]

# Segments up to this length are summed together, padded to a power of two.
SHORT_SEGMENT = 4096


class Bins:
    """Sums of rows by bin, in the order of the rows.

    Parameters
    ----------
    bin_of : ndarray of int, shape (n,)
        The bin of each row, in 0 .. n_bins - 1.
    n_bins : int
    """

    def __init__(self, bin_of: np.ndarray, n_bins: int) -> None:
        self.n_bins = n_bins
        is_sorted = bool(np.all(bin_of[:-1] <= bin_of[1:]))
        self._order = None if is_sorted else np.argsort(bin_of, kind="stable")
        ordered = bin_of if is_sorted else bin_of[self._order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        self._starts, self._filled = first, ordered[first]

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows in each bin: shape (n, ...) to (n_bins, ...)."""
        ordered = rows if self._order is None else rows.take(self._order, axis=0)
        if len(self._starts) == len(rows) == self.n_bins:
            return ordered.astype(float)
        out = np.zeros((self.n_bins, *rows.shape[1:]))
        if len(self._starts):
            out[self._filled] = np.add.reduceat(ordered, self._starts, axis=0)
        return out


class Segments:
    """Running sums that restart where a segment begins.

    Parameters
    ----------
    bounds : ndarray of int, shape (n_segments + 1,)
        Segment s is the cells bounds[s] .. bounds[s + 1] - 1.
    """

    def __init__(self, bounds: np.ndarray) -> None:
        self.bounds = bounds

    @cached_property
    def _parts(self) -> tuple[list[slice], list[np.ndarray]]:
        """Long segments as slices; short ones as padded index matrices, -1 where there is none."""
        lengths = np.diff(self.bounds)
        if len(lengths) == 1:
            return [slice(0, self.bounds[1])], []
        is_long = np.flatnonzero(lengths > SHORT_SEGMENT)
        long = [slice(self.bounds[s], self.bounds[s + 1]) for s in is_long]
        matrices = []
        size_class = np.ceil(np.log2(np.maximum(lengths, 1))).astype(int)
        for c in np.unique(size_class[(lengths > 0) & (lengths <= SHORT_SEGMENT)]):
            rows = np.flatnonzero((size_class == c) & (lengths > 0))
            cells = self.bounds[rows, None] + np.arange(2**c)
            matrices.append(np.where(cells < self.bounds[rows + 1, None], cells, -1))
        return long, matrices

    def accumulate(
        self, cells: np.ndarray, reverse: bool = False, ufunc: np.ufunc = np.add
    ) -> np.ndarray:
        """Running sum (or maximum) from each segment's first cell, or from its last one back.

        Backwards, a maximum is of values >= 0.
        """
        long, matrices = self._parts
        out = np.empty_like(cells, dtype=float)
        for part in long:
            ufunc.accumulate(_turn(cells[part], reverse), axis=0, out=_turn(out[part], reverse))
        for matrix in matrices:
            inside = matrix >= 0
            padded = np.where(_widen(inside, cells.ndim), cells[matrix], 0.0)
            running = np.empty_like(padded)
            turned = np.s_[:, ::-1] if reverse else np.s_[:]
            ufunc.accumulate(padded[turned], axis=1, out=running[turned])
            out[matrix[inside]] = running[inside]
        return out


def _turn(cells: np.ndarray, reverse: bool) -> np.ndarray:
    return cells[::-1] if reverse else cells


def _widen(mask: np.ndarray, ndim: int) -> np.ndarray:
    return mask.reshape(mask.shape + (1,) * (ndim - 1))


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges lo .. hi - 1 of cells, each within one segment; empty where lo >= hi.

    Attributes
    ----------
    lo, hi : ndarray of int, shape (n,)
    bounds : ndarray of int, shape (n_segments + 1,)
        Segment boundaries among the cells.

    Examples
    --------
    >>> ranges = Ranges(np.array([0, 1]), np.array([2, 3]), np.array([0, 3]))
    >>> ranges.gather(np.array([1.0, 10.0, 100.0]))
    array([ 11., 110.])
    >>> ranges.scatter(np.array([1.0, 2.0]))
    array([1., 3., 2.])
    """

    lo: np.ndarray
    hi: np.ndarray
    bounds: np.ndarray

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.bounds[-1])

    @cached_property
    def segments(self) -> Segments:
        """The running sums of these cells."""
        return Segments(self.bounds)

    @cached_property
    def _segment_start(self) -> np.ndarray:
        return self.bounds[np.searchsorted(self.bounds, self.lo, side="right") - 1]

    @cached_property
    def _prefix(self) -> np.ndarray:
        """Rows whose range begins with its segment."""
        return np.flatnonzero((self.lo < self.hi) & (self.lo == self._segment_start))

    @cached_property
    def _prefix_bins(self) -> Bins:
        return Bins(self.hi[self._prefix] - 1, self.n_cells)

    @cached_property
    def _inner(self) -> dict[int, np.ndarray]:
        """The other rows by level: the highest bit in which lo and hi - 1 differ."""
        rows = np.flatnonzero((self.lo < self.hi) & (self.lo != self._segment_start))
        differing = self.lo[rows] ^ (self.hi[rows] - 1)
        levels = np.frexp(differing.astype(float))[1]  # 0 where they are equal
        return {int(level): rows[levels == level] for level in np.unique(levels)}

    def scatter_maximum(self, rows: np.ndarray) -> np.ndarray:
        """The largest of the rows, all >= 0, whose range covers each cell; 0 for none."""
        largest = np.zeros(self.n_cells)
        np.maximum.at(largest, self.hi[self._prefix] - 1, rows[self._prefix])
        out = self.segments.accumulate(largest, reverse=True, ufunc=np.maximum)
        for level, at in self._inner.items():
            first, last = np.zeros((2, self.n_cells))
            np.maximum.at(first, self.lo[at], rows[at])
            if level == 0:
                np.maximum(out, first, out=out)
                continue
            np.maximum.at(last, self.hi[at] - 1, rows[at])
            both = np.concatenate(
                [
                    np.maximum.accumulate(_halves(first, level)[:, 0], axis=1),
                    np.maximum.accumulate(_halves(last, level)[:, 1, ::-1], axis=1)[:, ::-1],
                ],
                axis=1,
            )
            np.maximum(out, both.reshape(-1)[: self.n_cells], out=out)
        return out

    def restricted(self, cells: np.ndarray) -> "Ranges":
        """The same ranges over some of the cells only, renumbered."""
        before = np.zeros(self.n_cells + 1, dtype=np.intp)
        before[1:][cells] = 1
        before = np.cumsum(before)
        lo, hi = before[self.lo], before[np.maximum(self.hi, self.lo)]
        return Ranges(lo, hi, before[self.bounds])

    @property
    def all_prefix(self) -> bool:
        """Whether every range is empty or begins with its segment."""
        return not self._inner

    def gather(self, cells: np.ndarray) -> np.ndarray:
        """Sum of the cells in each range: shape (n_cells, ...) to (n, ...)."""
        out = np.zeros((len(self.lo), *cells.shape[1:]))
        if len(self._prefix):
            running = self.segments.accumulate(cells)
            out[self._prefix] = running.take(self.hi[self._prefix] - 1, axis=0)
        for level, rows in self._inner.items():
            lo, last = self.lo[rows], self.hi[rows] - 1
            if level == 0:
                out[rows] = cells[lo]
                continue
            halves = _halves(cells, level)
            left = np.cumsum(halves[:, 0, ::-1], axis=1)[:, ::-1]
            right = np.cumsum(halves[:, 1], axis=1)
            block, within = lo >> level, 2 ** (level - 1)
            out[rows] = left[block, lo & (within - 1)] + right[block, last & (within - 1)]
        return out

    def scatter(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows whose range covers each cell: shape (n, ...) to (n_cells, ...)."""
        if len(self._prefix) == len(self.lo):
            return self.segments.accumulate(self._prefix_bins.sums(rows), reverse=True)
        binned = self._prefix_bins.sums(rows[self._prefix])
        out = self.segments.accumulate(binned, reverse=True)
        for level, at in self._inner.items():
            here = rows[at]
            if level == 0:
                out += Bins(self.lo[at], self.n_cells).sums(here)
                continue
            first = _halves(Bins(self.lo[at], self.n_cells).sums(here), level)
            last = _halves(Bins(self.hi[at] - 1, self.n_cells).sums(here), level)
            both = np.zeros_like(first)
            np.cumsum(first[:, 0], axis=1, out=both[:, 0])
            both[:, 1] = np.cumsum(last[:, 1, ::-1], axis=1)[:, ::-1]
            out += both.reshape(-1, *rows.shape[1:])[: self.n_cells]
        return out

    def minimum(self, cells: np.ndarray) -> np.ndarray:
        """The smallest cell of each range, inf where it is empty: (n_cells,) to (n,)."""
        out = np.full(len(self.lo), np.inf)
        rows = np.flatnonzero(self.lo < self.hi)
        lo, hi = self.lo[rows], self.hi[rows]
        if self.all_prefix:
            out[rows] = -self.segments.accumulate(-cells, ufunc=np.maximum)[hi - 1]
            return out
        # Two overlapping windows of 2^level cells cover a range: a minimum may count cells twice.
        levels = np.frexp(hi - lo)[1] - 1
        window = cells
        for level in range(int(levels.max()) + 1):
            at = np.flatnonzero(levels == level)
            out[rows[at]] = np.minimum(window[lo[at]], window[hi[at] - 2**level])
            window = np.minimum(window[: max(len(window) - 2**level, 0)], window[2**level :])
        return out

    def take(self, rows: np.ndarray) -> "Ranges":
        """Some of the ranges, over the same cells."""
        return Ranges(self.lo[rows], self.hi[rows], self.bounds)

    def pairs_below(
        self, key: np.ndarray, threshold: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Every (row, cell) with the cell in the row's range and ``key[cell] < threshold[row]``.

        A binary tree of minima is descended from its root for all rows at once, so the work is
        the number of pairs found times the depth of the tree.

        Parameters
        ----------
        key : ndarray, shape (n_cells,)
        threshold : ndarray, shape (n,)

        Returns
        -------
        rows, cells : ndarray of int, shape (n_pairs,)
            Ordered by row, then by cell.
        """
        minima = [key]
        while len(minima[-1]) > 1:
            even = minima[-1] if len(minima[-1]) % 2 == 0 else np.append(minima[-1], np.inf)
            minima.append(np.minimum(even[::2], even[1::2]))
        rows = np.flatnonzero((self.lo < self.hi) & (minima[-1][0] < threshold))
        nodes = np.zeros(len(rows), dtype=np.intp)
        for level in reversed(range(len(minima) - 1)):
            rows = np.repeat(rows, 2)
            nodes = np.repeat(2 * nodes, 2)
            nodes[1::2] += 1
            inside = (nodes << level < self.hi[rows]) & (nodes + 1 << level > self.lo[rows])
            rows, nodes = rows[inside], nodes[inside]
            below = minima[level][nodes] < threshold[rows]
            rows, nodes = rows[below], nodes[below]
        return rows, nodes


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


def _halves(cells: np.ndarray, level: int) -> np.ndarray:
    """Cells as aligned blocks of 2^level in two halves, zero-padded at the end."""
    size = 2**level
    n_blocks = -(-len(cells) // size)
    if n_blocks * size != len(cells):
        padded = np.zeros((n_blocks * size, *cells.shape[1:]))
        padded[: len(cells)] = cells
        cells = padded
    return cells.reshape(n_blocks, 2, size // 2, *cells.shape[1:])
