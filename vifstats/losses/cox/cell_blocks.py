"""Cells in blocks, and ranges of cells as whole blocks and the parts of two others.

A range of cells is put together from whole blocks, whose sums serve all pieces alike, and from the
cells of the blocks in which it begins and ends, which are few enough to be taken pair by pair.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.segment_sums import expanded

__all__ = ["TERMS", "Blocked", "CellBlocks", "cell_blocks", "short_segments"]

# Terms in a block of a long segment. With more terms, pairs cost more and whole blocks less, in
# proportion.
TERMS = 16
# A cell of more terms than this is a block of its own: no range begins or ends within a cell.
MANY_TERMS = 8
# A segment with at most this many terms is one block.
FEW_TERMS = 128


@dataclass(frozen=True, eq=False)
class CellBlocks:
    """Blocks of consecutive cells, each within one segment."""

    # int (n_blocks,): the first cell, and the number of terms, of each
    first: np.ndarray
    n_terms: np.ndarray
    # bool (n_blocks,): whether pairs with its terms may be taken one by one
    light: np.ndarray
    # int (n_segments + 1,): segment boundaries among the blocks
    bounds: np.ndarray
    n_cells: int

    @cached_property
    def in_pairs(self) -> np.ndarray:
        """Number of terms of each whose pairs are taken one by one, shape (n_blocks,)."""
        return np.where(self.light, self.n_terms, 0)

    @cached_property
    def ends(self) -> np.ndarray:
        """The first cell of each block, and the number of cells, shape (n_blocks + 1,)."""
        return np.append(self.first, self.n_cells)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of cells of each block, shape (n_blocks,)."""
        return np.diff(self.ends)

    @cached_property
    def segment_start(self) -> np.ndarray:
        """The first block of the segment of each, shape (n_blocks,)."""
        return np.repeat(self.bounds[:-1], np.diff(self.bounds))

    @cached_property
    def of_cell(self) -> np.ndarray:
        """The block of each cell, shape (n_cells,)."""
        return np.repeat(np.arange(len(self.first)), self.sizes)

    @cached_property
    def alone(self) -> np.ndarray:
        """Whether a block is light and is its whole segment: then no range takes it as a whole."""
        sizes = np.diff(self.bounds)
        return self.light & np.repeat(sizes == 1, sizes)

    def split(self, ranges: Ranges) -> "Blocked":
        """The ranges as whole blocks and parts of two.

        If one block holds all of a range, that block counts as its end.
        """
        lo, hi = ranges.ends
        # of empty ranges, some block
        begin, end = (self.of_cell.take(cell, mode="clip") for cell in (lo, hi - 1))
        partial = (begin < end) & (lo > self.first.take(begin, mode="clip")) & (lo < hi)
        after = end + ~self.light.take(end, mode="clip")
        after[lo >= hi] = 0
        whole = Ranges(begin + partial, after, self.bounds)
        return Blocked(begin, end, partial, whole, ranges)


@dataclass(frozen=True, eq=False)
class Blocked:
    """Ranges of cells as the part of a block, whole blocks, and the part of another."""

    # int (n,): blocks of the first and of the last cell; of empty ranges they have no meaning
    begin: np.ndarray
    end: np.ndarray
    # bool (n,): whether part of the first block is not in the range, and the end is another
    partial: np.ndarray
    # Over the blocks
    whole: Ranges
    # Over the cells
    ranges: Ranges

    def in_parts(self, blocks: CellBlocks, item: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Whether cells of some ranges are in the parts, not in the whole blocks."""
        block = blocks.of_cell[cell]
        at_begin = self.partial[item] & (block == self.begin[item])
        return blocks.light[block] & (at_begin | (block == self.end[item]))


def cell_blocks(bounds: np.ndarray, n_terms: np.ndarray) -> CellBlocks:
    """Cells as blocks: short segments as one, others by about TERMS terms.

    `bounds` int (n_segments + 1,); `n_terms` int (n_cells,): of each cell.
    """
    before, n_cells = np.append(0, np.cumsum(n_terms)), len(n_terms)
    long = ~short_segments(bounds, n_terms)
    item, offset = expanded(np.where(long, np.diff(bounds), 0))
    cell = bounds[item] + offset
    alone = cell[n_terms[cell] > MANY_TERMS]
    together = n_terms[cell[n_terms[cell] <= MANY_TERMS]]
    # so that a block has at most TERMS terms, with those of the last cell that begins in it
    step = (before[cell] - before[bounds[item]]) // (TERMS + 1 - together.max(initial=1))
    opens = np.zeros(n_cells + 1, dtype=bool)
    opens[bounds] = opens[alone] = opens[alone + 1] = True
    opens[cell] |= np.diff(step, prepend=-1) != 0
    first = np.flatnonzero(opens[:-1])
    light = np.ones(n_cells, dtype=bool)
    light[alone] = False
    return CellBlocks(
        first=first,
        n_terms=np.diff(before[np.append(first, n_cells)]),
        light=light[first],
        bounds=np.searchsorted(first, bounds),
        n_cells=n_cells,
    )


def short_segments(bounds: np.ndarray, n_terms: np.ndarray) -> np.ndarray:
    """Which segments have few enough terms to take every pair as it is, bool (n_segments,)."""
    before = np.append(0, np.cumsum(n_terms))
    return np.diff(before[bounds]) <= FEW_TERMS
