"""Sums over ranges of cells, and their transpose, without ever subtracting two sums.

A subject is at risk at a range of event times; sums over its risk interval and sums over a risk
set are a matrix of 0s and 1s and its transpose. Differences of running sums would cancel where
early risk sets are tiny, so a range is put together from sums that lie inside it:

- one that begins where its segment (stratum) begins reads a running sum;
- one that crosses blocks of BLOCK cells is the end of a block, whole blocks, and the start of a
  block; the whole blocks are again a range, of cells BLOCK times as large;
- one inside a block is added cell by cell, and among few cells read from a table of all pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

from vifstats.losses.cox.fast import CHUNK_BITS, GROUP, levels, loops
from vifstats.losses.cox.segment_sums import Bins, Segments

__all__ = ["Ranges"]

# A range that begins after its segment (delayed entry) is the end of one block, whole blocks, and
# the beginning of another. It is not a difference of two running sums: that would leave a short
# range the rounding of all cells before it.
BLOCK_BITS = 5
BLOCK = 2**BLOCK_BITS
# With at most this many cells, a table of every (first, last) pair serves.
FEW_CELLS = 128
# A range reads so many sums, which is as much work as adding as many numbers.
READS = 4


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges lo .. hi - 1 of cells, each within one segment; empty where lo >= hi.

    Examples
    --------
    >>> ranges = Ranges(np.array([0, 1]), np.array([2, 3]), np.array([0, 3]))
    >>> ranges.gather(np.array([1.0, 10.0, 100.0]))
    array([ 11., 110.])
    >>> ranges.scatter(np.array([1.0, 2.0]))
    array([1., 3., 2.])
    """

    # lo, hi: int (n,)
    lo: np.ndarray
    hi: np.ndarray
    # int (n_segments + 1,): segment boundaries among the cells
    bounds: np.ndarray

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.bounds[-1])

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """lo and hi."""
        return self.lo, self.hi

    @cached_property
    def by_start(self) -> np.ndarray:
        """The ranges in the order of lo, int (n,)."""
        n = max(1, len(self.lo))  # whole numbers sort faster than they are ranked
        return np.sort(self.lo * n + np.arange(len(self.lo))) % n

    @property
    def by_end(self) -> np.ndarray:
        """The ranges in the order of hi, int (n,)."""
        ordered = bool((self.hi[1:] >= self.hi[:-1]).all())
        return np.arange(len(self.hi)) if ordered else np.argsort(self.hi)

    @property
    def filled_by_end(self) -> np.ndarray:
        """Those that are not empty, where all begin with their segment, in the order of hi."""
        if len(self.bounds) == 2 and not self.lo.any():  # the empty ones end at 0
            return self.by_end[np.count_nonzero(self.hi <= 0) :]
        order = self.by_end
        return order[self.lo[order] < self.hi[order]]

    @cached_property
    def segments(self) -> Segments:
        """The running sums of these cells."""
        return Segments(self.bounds)

    @property
    def _segment_start(self) -> np.ndarray:
        if len(self.bounds) == 2:
            return self.bounds[:1]  # of all ranges
        return self.bounds[np.searchsorted(self.bounds, self.lo, side="right") - 1]

    @cached_property
    def _prefix(self) -> np.ndarray:
        """Rows whose range begins with its segment."""
        return np.flatnonzero((self.lo < self.hi) & (self.lo == self._segment_start))

    @cached_property
    def _prefix_bins(self) -> Bins:
        return Bins(self.hi[self._prefix] - 1, self.n_cells)

    @cached_property
    def _rest(self) -> np.ndarray:
        return np.flatnonzero((self.lo < self.hi) & (self.lo != self._segment_start))

    @cached_property
    def _nonempty(self) -> np.ndarray:
        return np.flatnonzero(self.lo < self.hi)

    @property
    def _few(self) -> bool:
        """Whether a table of pairs serves best: few cells, and many ranges within them."""
        return self.n_cells <= FEW_CELLS and len(self._rest) > self.n_cells

    @cached_property
    def _pair_bins(self) -> Bins:
        rows = self._nonempty
        return Bins(self.lo[rows] * self.n_cells + self.hi[rows] - 1, self.n_cells**2)

    @cached_property
    def _within(self) -> list[np.ndarray]:
        """Rows inside a block: those with at least 1, 2, ... cells."""
        lo, hi = self.lo[self._rest], self.hi[self._rest]
        inside = np.flatnonzero(lo >> BLOCK_BITS == hi - 1 >> BLOCK_BITS)
        length = (hi - lo)[inside]
        longest_first = np.argsort(-length, kind="stable")
        rows = self._rest[inside[longest_first]]
        return [rows[: np.sum(length > step)] for step in range(int(length.max(initial=0)))]

    @cached_property
    def _within_bins(self) -> list[Bins]:
        """The cell in which each step of `_within` is."""
        return [Bins(self.lo[rows] + step, self.n_cells) for step, rows in enumerate(self._within)]

    @cached_property
    def _across(self) -> np.ndarray:
        """Rows that cross blocks."""
        lo, last = self.lo[self._rest], self.hi[self._rest] - 1
        return self._rest[lo >> BLOCK_BITS != last >> BLOCK_BITS]

    @cached_property
    def _blocks(self) -> "Ranges":
        """The whole blocks inside each row of `_across`."""
        lo, last = self.lo[self._across], self.hi[self._across] - 1
        n_blocks = -(-self.n_cells // BLOCK)
        # bounds of their own, below which no range begins: a block may hold several segments
        bounds = np.array([0, n_blocks])
        return Ranges((lo >> BLOCK_BITS) + 1, last >> BLOCK_BITS, bounds)

    @property
    def all_prefix(self) -> bool:
        """Whether every range is empty or begins with its segment."""
        return not len(self._rest)

    def gather(self, cells: np.ndarray) -> np.ndarray:
        """Sum of the cells in each range: shape (n_cells, ...) to (n, ...)."""
        if cells.ndim == 1 and (compiled := self._loops(cells)) is not None:
            return compiled.gathered(cells, *self.ends, CHUNK_BITS, False)
        out = np.zeros((len(self.lo), *cells.shape[1:]))
        if self._few:
            rows = self._nonempty
            out[rows] = _all_pairs(cells)[self.lo[rows], self.hi[rows] - 1]
            return out
        if len(self._prefix):
            # From the first cell of the segment on: the range is one entry of its running sums.
            running = self.segments.accumulate(cells)
            out[self._prefix] = running.take(self.hi[self._prefix] - 1, axis=0)
        for step, rows in enumerate(self._within):
            out[rows] += cells.take(self.lo[rows] + step, axis=0)
        if len(self._across):
            lo, last = self.lo[self._across], self.hi[self._across] - 1
            blocks = _parts(cells, BLOCK)
            starts = np.cumsum(blocks, axis=1)
            whole = self._blocks.gather(starts[:, -1])
            whole += _flat(starts).take(last, axis=0)
            ends = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1]
            whole += _flat(ends).take(lo, axis=0)
            out[self._across] = whole
        return out

    def _loops(self, values: np.ndarray) -> ModuleType | None:
        """Compiled loops, where ranges begin late and there is much to sum."""
        if values.dtype != float or self.all_prefix:
            return None
        return loops(READS * max(values.size, len(self.lo)))

    def scatter(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows whose range covers each cell: shape (n, ...) to (n_cells, ...)."""
        if self._few:
            first_last = self._pair_bins.sums(rows[self._nonempty])
            return _covering(first_last.reshape(self.n_cells, self.n_cells, *rows.shape[1:]))
        if rows.ndim > 1 and (compiled := self._loops(rows)) is not None:
            flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
            out = compiled.scattered(flat, self.lo, self.hi, levels(self.n_cells), GROUP)
            return out.reshape(len(out), *rows.shape[1:])
        if len(self._prefix) == len(self.lo):
            return self.segments.accumulate(self._prefix_bins.sums(rows), reverse=True)
        binned = self._prefix_bins.sums(rows[self._prefix])
        out = self.segments.accumulate(binned, reverse=True)
        for at, bins in zip(self._within, self._within_bins, strict=True):
            out += bins.sums(rows[at])
        if len(self._across):
            first, last, whole = self._across_bins
            values = rows[self._across]
            parts = np.cumsum(_parts(first.sums(values), BLOCK), axis=1)
            parts += np.cumsum(_parts(last.sums(values), BLOCK)[:, ::-1], axis=1)[:, ::-1]
            parts += whole.scatter(values)[:, None]
            out += _flat(parts)[: self.n_cells]
        return out

    @cached_property
    def _across_bins(self) -> tuple[Bins, Bins, "Ranges"]:
        first = Bins(self.lo[self._across], self.n_cells)
        return first, Bins(self.hi[self._across] - 1, self.n_cells), self._blocks

    def scatter_maximum(self, rows: np.ndarray) -> np.ndarray:
        """The largest of the rows, all >= 0, whose range covers each cell; 0 for none."""
        out = np.zeros(self.n_cells)
        np.maximum.at(out, self.hi[self._prefix] - 1, rows[self._prefix])
        out = self.segments.accumulate(out, reverse=True, ufunc=np.maximum)
        # Two overlapping windows of 2^level cells cover a range: a maximum may count twice.
        lo, hi = self.lo[self._rest], self.hi[self._rest]
        levels = np.frexp(hi - lo)[1] - 1
        window = np.zeros(self.n_cells)
        for level in reversed(range(int(levels.max(initial=-1)) + 1)):
            half = 2**level
            # From the longest windows down: a window of 2 half cells is two of half, its first and
            # its last.
            window[half:] = np.maximum(window[half:], window[:-half].copy())
            at = np.flatnonzero(levels == level)
            np.maximum.at(window, lo[at], rows[self._rest[at]])
            np.maximum.at(window, hi[at] - half, rows[self._rest[at]])
        return np.maximum(out, window)

    def restricted(self, cells: np.ndarray) -> "Ranges":
        """The same ranges over some of the cells only, renumbered."""
        before = np.zeros(self.n_cells + 1, dtype=np.intp)
        before[1:][cells] = 1
        before = np.cumsum(before)
        lo, hi = before[self.lo], before[np.maximum(self.hi, self.lo)]
        return Ranges(lo, hi, before[self.bounds])

    def minimum(self, cells: np.ndarray) -> np.ndarray:
        """The smallest cell of each range, inf where it is empty: (n_cells,) to (n,)."""
        if (compiled := self._loops(cells)) is not None:
            return compiled.gathered(cells, *self.ends, CHUNK_BITS, True)
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

    def pairs_below(self, key: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every (row, cell) with the cell in the row's range and ``key[cell] < threshold[row]``.

        A binary tree of minima is descended from its root for all rows at once, so the work is
        the number of pairs found times the depth of the tree.

        Shapes: `key` (n_cells,); `threshold` (n,). Returns `rows`, `cells` int (n_pairs,): ordered
        by row, then by cell.
        """
        minima = [key]
        while len(minima[-1]) > 1:
            # An odd one out is paired with a node that is never below anything.
            even = minima[-1] if len(minima[-1]) % 2 == 0 else np.append(minima[-1], np.inf)
            minima.append(np.minimum(even[::2], even[1::2]))
        rows = np.flatnonzero((self.lo < self.hi) & (minima[-1][0] < threshold))
        nodes = np.zeros(len(rows), dtype=np.intp)
        for level in reversed(range(len(minima) - 1)):
            rows = np.repeat(rows, 2)
            nodes = np.repeat(2 * nodes, 2)
            nodes[1::2] += 1
            # A node of this level covers the cells node << level to (node + 1) << level, the last
            # left out: it goes on only if some of those are in the row's range.
            inside = (nodes << level < self.hi[rows]) & (nodes + 1 << level > self.lo[rows])
            rows, nodes = rows[inside], nodes[inside]
            below = minima[level][nodes] < threshold[rows]
            rows, nodes = rows[below], nodes[below]
        return rows, nodes


def _parts(cells: np.ndarray, size: int) -> np.ndarray:
    """Cells as aligned parts of ``size``, zero-padded at the end: (n_parts, size, ...)."""
    n_parts = -(-len(cells) // size)
    if n_parts * size != len(cells):
        padded = np.zeros((n_parts * size, *cells.shape[1:]))
        padded[: len(cells)] = cells
        cells = padded
    return cells.reshape(n_parts, size, *cells.shape[1:])


def _all_pairs(cells: np.ndarray) -> np.ndarray:
    """Sums of cells first .. last, shape (n_cells, n_cells, ...), where first <= last."""
    n = len(cells)
    upper = np.triu(np.ones((n, n))).reshape(n, n, *(1,) * (cells.ndim - 1))
    return np.cumsum(upper * cells, axis=1)


def _covering(first_last: np.ndarray) -> np.ndarray:
    """The transpose: for each cell the sum over pairs with first <= cell <= last."""
    begun = np.cumsum(first_last, axis=0)
    not_ended = np.cumsum(begun[:, ::-1], axis=1)[:, ::-1]
    at = np.arange(len(first_last))
    return not_ended[at, at]


def _flat(parts: np.ndarray) -> np.ndarray:
    return parts.reshape(parts.shape[0] * parts.shape[1], *parts.shape[2:])
