"""Sums of powers of 1/phi by block of cells, of each block as many powers as it needs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.cell_blocks import TERMS
from vifstats.losses.cox.plans import BlockPlan
from vifstats.losses.cox.segment_sums import CACHE, Segments, expanded
from vifstats.losses.cox.tiles import BlockTerms, Columns, Powers, powers

__all__ = ["PowerTable", "block_sums"]


@dataclass(frozen=True, eq=False)
class PowerTable:
    """What blocks have of the powers that they need, and 0 of other ones.

    High powers are needed where few are at risk. Most blocks need three or four of fourteen: a full
    table would be mostly of numbers that nothing reads.
    """

    K: np.ndarray  # int (n,): powers of each block
    # (n_rows + 1, table_width): blocks of the first power, blocks of the second, ...; and 0
    rows: np.ndarray

    @classmethod
    def zeros(cls, K: np.ndarray, width: int) -> "PowerTable":
        """Blocks that have nothing yet."""
        return cls(K, np.zeros((int(K.sum()) + 1, width)))

    @cached_property
    def _needed(self) -> np.ndarray:
        """Whether there is such a row, bool (most powers, n)."""
        return np.arange(self.K.max())[:, None] < self.K

    @cached_property
    def _row(self) -> np.ndarray:
        """The row of each power of each block, and of a block -1: int (n + 1, most powers)."""
        row = np.full((len(self.K) + 1, len(self._needed)), len(self.rows) - 1)
        row[:-1].T[self._needed] = np.arange(len(self.rows) - 1)
        return row

    def of(self, blocks: np.ndarray, some: slice) -> np.ndarray:
        """Some powers of some blocks, int (t,), to (t, K, table_width); 0 of a block -1."""
        return self.rows.take(self._row.take(blocks, axis=0)[:, some], axis=0)

    def add(self, blocks: np.ndarray, sums: np.ndarray) -> None:
        """Add to the first K powers of distinct blocks (t, K, table_width)."""
        row = self._row.take(blocks, axis=0)[:, : sums.shape[1]]
        self.rows[row] += sums
        self.rows[-1] = 0.0  # took what no one needs

    def running(self, bounds: np.ndarray, reverse: bool = False) -> "PowerTable":
        """Sums from the first block of a segment up to each, or from each to the last."""
        K = Segments(bounds).accumulate(self.K, reverse, np.maximum).astype(np.intp)
        out = PowerTable.zeros(K, self.rows.shape[1])
        out.rows[out._row[:-1].T[: len(self._needed)][self._needed]] = self.rows[:-1]
        # the segments of the first power, of the second, ... are segments of all rows
        most, n = out._needed.shape
        opens = (n * np.arange(most)[:, None] + bounds[:-1]).ravel()
        ends = np.append(0, np.cumsum(out._needed))[np.append(opens, most * n)]
        out.rows[:-1] = Segments(ends).accumulate(out.rows[:-1], reverse)
        return out


def block_sums(plan: BlockPlan, terms: BlockTerms, columns: Columns) -> PowerTable:
    """The sums over each block that may be taken as a whole."""
    blocks = plan.blocks
    K_block = np.maximum.reduceat(plan.K_cell, blocks.first).astype(np.intp)
    table = PowerTable.zeros(np.where(blocks.alone, 0, K_block), columns.width)
    # a block of many terms is several tiles
    block, part = expanded(np.where(blocks.alone, 0, -(-blocks.n_terms // TERMS)))
    size = max(1, CACHE // (TERMS * columns.width))
    for start in range(0, len(block), size):
        some = block[start : start + size]
        opens = terms.first[some] + TERMS * part[start : start + size]
        count = np.minimum(terms.first[some + 1] - opens, TERMS)
        of_tile = terms.of(opens[:, None], count[:, None])
        K = int(table.K[some[0] : some[-1] + 1].max())
        powers_of = powers(plan.scale / of_tile.phi, K).swapaxes(0, 1)
        sums = columns.sums(Powers(powers_of), of_tile)
        first = np.flatnonzero(np.diff(some, prepend=-1))
        if len(first) < len(some):
            some, sums = some[first], np.add.reduceat(sums, first, axis=0)
        table.add(some, sums)
    return table
