"""What pieces take from whole blocks of cells, by powers: docs/mathematics.md, equation (23)."""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.cell_blocks import TERMS, CellBlocks
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.plans import BlockPlan
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.segment_sums import CACHE, Segments, expanded
from vifstats.losses.cox.spans import spans
from vifstats.losses.cox.tiles import BlockTerms, Powers, TermColumns, Tiles, and_none

__all__ = ["Whole", "whole_blocks"]


@dataclass(frozen=True, eq=False)
class Whole:
    """What pieces take from whole blocks by the powers of r, in units of the plan's scale."""

    blocks: CellBlocks
    # (n_blocks, K, table_width): the tables of all powers over the blocks of a segment up to each
    running: np.ndarray
    # (n_pieces + 1,): of pieces whose whole blocks do not begin with the segment 0 and K = 0
    r: np.ndarray
    K: np.ndarray
    # What those take from each power; None if there are none
    late: "_Late | None"

    def of(self, tile: Tiles) -> np.ndarray:
        """Shape (t, s, table_width)."""
        r, K = self.r.take(tile.pieces), int(self.K.take(tile.pieces).max(initial=0))
        last = tile.block - self.blocks.light[tile.block]
        r *= (last >= self.blocks.segment_start[tile.block])[:, None]
        return _powers(r, K).swapaxes(1, 2) @ self.running[np.maximum(last, 0), :K]

    def add_late(self, total: np.ndarray) -> None:
        """Add what the other pieces take to `total`, (n_pieces + 1, table_width)."""
        if self.late is not None:
            self.late.add(total)


@dataclass(frozen=True, eq=False)
class _Late:
    """Pieces whose whole blocks do not begin with their segment."""

    # int (k,): ascending
    rows: np.ndarray
    # Over the blocks
    ranges: Ranges
    # r, K (k,): mass, and number of powers, of each; K_block (n_blocks,): powers that are not 0
    r: np.ndarray
    K: np.ndarray
    K_block: np.ndarray
    tables: np.ndarray  # (n_blocks, K, table_width)

    def add(self, total: np.ndarray) -> None:
        """One power after the other, for the pieces and the blocks that need it."""
        sizes = (-1, -1)
        for k in range(1, int(self.K.max(initial=0)) + 1):
            some, blocks = np.flatnonzero(k <= self.K), np.flatnonzero(self.K_block >= k)
            if (len(some), len(blocks)) != sizes:
                sizes = len(some), len(blocks)
                ranges = self.ranges.take(some).restricted(blocks)
                filled = np.flatnonzero(ranges.lo < ranges.hi)
                at = some[filled]
                read = spans(ranges.lo[filled], ranges.hi[filled] - 1, len(blocks))
            part = read.gather(self.tables[blocks, k - 1])
            part *= (self.r[at] ** k)[:, None]
            total[self.rows[at]] += part


def whole_blocks(
    plan: BlockPlan, terms: BlockTerms, pieces: Pieces, columns: TermColumns
) -> Whole | None:
    """The sums over whole blocks; None if no range has one."""
    blocks, ranges = plan.blocks, plan.parts.whole
    some = ranges.lo < ranges.hi
    if not some.any():
        return None
    tables = _tables(plan, terms, columns)
    flat = tables.reshape(len(tables), -1)
    running = Segments(blocks.bounds).accumulate(flat).reshape(tables.shape)
    r, K = pieces.r / plan.scale, np.where(some, plan.K_piece, 0)
    rows = np.flatnonzero(some & (ranges.lo > blocks.segment_start[plan.parts.end]))
    late = None
    if len(rows):
        K_block = np.maximum.reduceat(plan.K_cell, blocks.first)
        late = _Late(rows, ranges.take(rows), r[rows], K[rows], K_block, tables)
    r[~some] = r[rows] = 0.0
    K[rows] = 0
    return Whole(blocks, running, and_none(r), and_none(K), late)


def _tables(plan: BlockPlan, terms: BlockTerms, columns: TermColumns) -> np.ndarray:
    """The tables of all powers summed over each block, shape (n_blocks, K, table_width)."""
    blocks = plan.blocks
    out = np.zeros((len(blocks.first), int(plan.K_cell.max()), columns.width))
    # a block of many terms is several tiles
    block, part = expanded(np.where(blocks.alone, 0, -(-blocks.n_terms // TERMS)))
    size = max(1, CACHE // (TERMS * columns.width))
    for start in range(0, len(block), size):
        some = block[start : start + size]
        of_tile = terms.of(some, TERMS, TERMS * part[start : start + size])
        K = plan.K_cell[blocks.first[some[0]] : blocks.ends[some[-1] + 1]].max()
        table = columns.sums(Powers(_powers(plan.scale / of_tile.phi, K)), of_tile)
        first = np.flatnonzero(np.diff(some, prepend=-1))
        out[some[first], :K] += np.add.reduceat(table, first, axis=0)
    return out


def _powers(base: np.ndarray, K: int) -> np.ndarray:
    """The first K powers: (t, c) to (t, K, c)."""
    powers = np.repeat(base[:, None], K, axis=1)
    return np.multiply.accumulate(powers, axis=1, out=powers)
