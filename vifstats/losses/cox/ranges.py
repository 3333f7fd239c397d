"""Sums over ranges of cells, and their transpose, without ever subtracting two sums.

A subject is at risk at a range of event times; sums over its risk interval and sums over a risk
set are a matrix of 0s and 1s and its transpose. Where all ranges begin with their segment
(stratum), each reads a running sum; otherwise see `spans`.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from types import ModuleType

import numpy as np

from vifstats.losses.cox.fast import CHUNK_BITS, loops
from vifstats.losses.cox.segment_sums import Bins, Segments, rows_of, sorted_order
from vifstats.losses.cox.spans import gathered, spans

__all__ = ["Ranges"]

# A range reads so many sums, or is sorted, which is as much work as adding as many numbers.
READS = 4
# For each range that begins with its segment so many may begin late: of more, running sums from
# the beginnings of segments serve too few.
EARLY = 16


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
        if (compiled := loops(READS * len(self.lo))) is not None:
            return compiled.counted_order(self.lo, self.n_cells + 1)
        return sorted_order(self.lo)

    @property
    def by_end(self) -> np.ndarray:
        """The ranges in the order of hi, int (n,)."""
        ordered = bool((self.hi[1:] >= self.hi[:-1]).all())
        return np.arange(len(self.hi)) if ordered else sorted_order(self.hi)

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

    @cached_property
    def late(self) -> np.ndarray:
        """Which ranges, not empty, do not begin with their segment, bool (n,).

        Where few others do begin with it, they count as these: running sums would serve few.
        """
        opens, some = np.zeros(self.n_cells + 1, dtype=bool), self.lo < self.hi
        opens[self.bounds] = True
        late = some & ~opens[self.lo]
        n, n_late = np.count_nonzero(some), np.count_nonzero(late)
        return some if EARLY * (n - n_late) < n_late else late

    @cached_property
    def _prefix(self) -> np.ndarray:
        """Rows whose range begins with its segment."""
        return np.flatnonzero((self.lo < self.hi) & ~self.late)

    @cached_property
    def _prefix_bins(self) -> Bins:
        return Bins(self.hi[self._prefix] - 1, self.n_cells, self._prefix, len(self.lo))

    @property
    def _rest(self) -> np.ndarray:
        return np.flatnonzero(self.late)

    @property
    def late_by_start(self) -> np.ndarray:
        """The late ranges in the order of lo."""
        if self.all_prefix:
            return np.zeros(0, dtype=np.intp)
        return self.by_start[self.late.take(self.by_start)]

    @cached_property
    def all_prefix(self) -> bool:
        """Whether every range is empty or begins with its segment."""
        return not self.late.any()

    @cached_property
    def chunks(self) -> tuple[np.ndarray, int]:
        """For compiled loops: levels of the ranges, int (n,), and bits of a chunk.

        The level is by how many bits the chunks differ where a range begins and ends; -1 if empty.
        """
        level = np.frexp((self.lo >> CHUNK_BITS) ^ (self.hi - 1 >> CHUNK_BITS))[1].astype(np.int8)
        level[self.lo >= self.hi] = -1
        return level, CHUNK_BITS

    def gather(self, cells: np.ndarray) -> np.ndarray:
        """Sum of the cells in each range: shape (n_cells, ...) to (n, ...)."""
        if cells.ndim == 1 and (compiled := self._loops(cells)) is not None:
            return compiled.gathered(cells, *self.ends, *self.chunks, False)
        if not self.all_prefix:
            return gathered(*self.ends, cells)
        return self._read(self.segments.accumulate(cells), 0.0)

    def _read(self, running: np.ndarray, empty: float) -> np.ndarray:
        """What has run up to the last cell of each range, and ``empty`` of those without any."""
        out = np.full((len(self.lo), *running.shape[1:]), empty)
        if self.n_cells:
            running.take(self.hi - 1, axis=0, out=out, mode="wrap")
            out[self.lo >= self.hi] = empty
        return out

    def _loops(self, values: np.ndarray) -> ModuleType | None:
        """Compiled loops, where ranges begin late and there is much to sum."""
        if values.dtype != float or self.all_prefix:
            return None
        return loops(READS * max(values.size, len(self.lo)))

    def scatter(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows whose range covers each cell: shape (n, ...) to (n_cells, ...)."""
        if not self.all_prefix:
            flat = rows.reshape(len(rows), prod(rows.shape[1:]))
            out = spans(*self.ends, self.n_cells).scatter(flat)
            return out.reshape(len(out), *rows.shape[1:])
        return self.segments.accumulate(self._prefix_bins.sums(rows), reverse=True)

    def scatter_moments(self, r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`scatter` of r, (n,), and of r x, (n, p), which is not made."""
        own = spans(*self.ends, self.n_cells)
        return own.scatter(r[:, None])[:, 0], own.scatter(x, by=r)

    def scatter_maximum(self, rows: np.ndarray) -> np.ndarray:
        """The largest of the rows, all >= 0, whose range covers each cell; 0 for none."""
        out = np.zeros(self.n_cells)
        np.maximum.at(out, self.hi[self._prefix] - 1, rows[self._prefix])
        out = self.segments.accumulate(out, reverse=True, ufunc=np.maximum)
        # Two overlapping windows of 2^level cells cover a range: a maximum may count twice.
        rest = self._rest
        lo, hi = self.lo[rest], self.hi[rest]
        levels = np.frexp(hi - lo)[1] - 1
        window = np.zeros(self.n_cells)
        for level in reversed(range(int(levels.max(initial=-1)) + 1)):
            half = 2**level
            # From the longest windows down: a window of 2 half cells is two of half, its first and
            # its last.
            window[half:] = np.maximum(window[half:], window[:-half].copy())
            at = np.flatnonzero(levels == level)
            np.maximum.at(window, lo[at], rows[rest[at]])
            np.maximum.at(window, hi[at] - half, rows[rest[at]])
        return np.maximum(out, window)

    def restricted(self, cells: np.ndarray) -> "Ranges":
        """The same ranges over some of the cells only, renumbered."""
        before = np.zeros(self.n_cells + 1, dtype=np.intp)
        before[1:][cells] = 1
        np.cumsum(before, out=before)
        lo, hi = before[self.lo], before[np.maximum(self.hi, self.lo)]
        return Ranges(lo, hi, before[self.bounds])

    def minimum(self, cells: np.ndarray) -> np.ndarray:
        """The smallest cell of each range, inf where it is empty: (n_cells,) to (n,)."""
        if (compiled := self._loops(cells)) is not None:
            return compiled.gathered(cells, *self.ends, *self.chunks, True)
        if self.all_prefix:
            return self._read(self.segments.accumulate(cells, ufunc=np.minimum), np.inf)
        out = np.full(len(self.lo), np.inf)
        # Two overlapping windows of 2^level cells cover a range: a minimum may count cells twice.
        level_of = np.frexp(np.maximum(self.hi - self.lo, 0))[1].astype(np.uint8)  # 0: empty
        rows = np.argsort(level_of, kind="stable")
        ends = np.cumsum(np.bincount(level_of)).tolist()
        window = cells
        for level, (start, stop) in enumerate(pairwise(ends)):
            at = rows[start:stop]
            last = self.hi.take(at) - 2**level
            out[at] = np.minimum(window.take(self.lo.take(at)), window.take(last))
            window = np.minimum(window[: max(len(window) - 2**level, 0)], window[2**level :])
        return out

    def take(self, rows: np.ndarray | slice) -> "Ranges":
        """Some of the ranges, over the same cells."""
        return Ranges(rows_of(self.lo, rows), rows_of(self.hi, rows), self.bounds)

    def pairs_below(self, key: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every (row, cell) with the cell in the row's range and ``key[cell] < threshold[row]``.

        A binary tree of minima is descended from its root for all rows at once, so the work is
        the number of pairs found times the depth of the tree.

        Shapes: `key` (n_cells,); `threshold` (n,). Returns `rows`, `cells` int (n_pairs,): ordered
        by row, then by cell.
        """
        minima = [key]
        while len(minima[-1]) > 1:
            below = minima[-1]
            above = below[::2].copy()  # an odd one out stands alone
            pairs = above[: len(below) // 2]
            np.minimum(pairs, below[1::2], out=pairs)
            minima.append(above)
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
