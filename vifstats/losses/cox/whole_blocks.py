"""What pieces take from whole blocks of cells, by powers: docs/mathematics.md, equation (23)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.plans import BlockPlan, Reads
from vifstats.losses.cox.power_tables import PowerTable, block_sums
from vifstats.losses.cox.spans import summed
from vifstats.losses.cox.tiles import BlockTerms, Columns, Space, Taken, Tiles, powers, tiles

__all__ = ["BlockTables", "Whole", "whole_blocks"]

# Blocks of a long segment stand in this many groups: a table has the sum of each range of groups.
GROUPS = 48
# This share of the pieces within a group is taken with as many powers as they read.
FEW_POWERS = 0.9


@dataclass(frozen=True, eq=False)
class _Side:
    """Sums that are one for all pieces of a tile, up to its block or from it on."""

    table: PowerTable
    at: np.ndarray  # int (n_blocks,): of a tile's block, which of the table; -1 for none
    r: np.ndarray  # (n_pieces,): 0 of pieces that do not read it

    def add(self, part: np.ndarray, tile: Tiles, K: int, space: Space) -> None:
        """Add what the pieces of tiles take by K powers to `part`, (t, s, table_width)."""
        r = self.r.take(tile.pieces)
        if r.any():
            sums = self.table.of(self.at.take(tile.block), slice(0, K))
            taken = space.room("whole", part.shape)
            part += np.matmul(powers(r, K).transpose(1, 2, 0), sums, out=taken)


@dataclass(frozen=True, eq=False)
class Whole:
    """What some pieces take from whole blocks by the powers of r, in units of the plan's scale.

    Where a piece begins late, its blocks are the end of a group of blocks, whole groups, and the
    start of another group; or some of one group.
    """

    tables: "BlockTables"
    reads: Reads
    r: np.ndarray  # (n_pieces,)
    # of pieces whose first whole block it is, or that end in it; the first is None if none is late
    at_begin: _Side | None
    at_end: list[_Side]

    def add_at_end(self, part: np.ndarray, tile: Tiles, space: Space) -> None:
        """Add what pieces take up to the blocks in which they end to `part`, (t, s, width)."""
        K = self.reads.most_powers(tile.pieces)
        for side in self.at_end:
            side.add(part, tile, K, space)

    def add_at_begin(self, part: np.ndarray, tile: Tiles, space: Space) -> None:
        """Add what pieces take from the blocks in which they begin to the end of a group."""
        if self.at_begin is not None:
            self.at_begin.add(part, tile, self.reads.most_powers(tile.pieces), space)

    def between(self, space: Space) -> Iterator[Taken]:
        """What pieces take from what is not at one of their ends."""
        late = np.flatnonzero(self.reads.late & (self.r != 0))
        whole, size = self.reads.parts.whole.take(late), self.tables.size
        first, last = whole.lo // size, (whole.hi - 1) // size
        far = last - first > 1
        pair = (first * self.tables.n_groups + last)[far] + self.tables.n_groups - 1
        yield from self._of_groups(pair, late[far], space)
        near = late[first == last]
        # a table has as many powers as the piece that reads most; nearly all read few
        K = self.reads.powers_of(near)
        most = np.searchsorted(np.cumsum(np.bincount(K)), FEW_POWERS * len(K))
        for some in (near[most >= K], near[most < K]):
            if len(some):
                yield some, self._within(some)

    def _of_groups(self, pair: np.ndarray, pieces: np.ndarray, space: Space) -> Iterator[Taken]:
        """From whole groups, of which each piece has a first and a last one."""
        n, table = self.tables.n_groups**2, self.tables.between
        side = _Side(table, np.arange(n), self.r)
        for tile in tiles(pair, pieces, np.zeros(n, dtype=np.intp)):
            sums = np.zeros((*tile.pieces.shape, table.rows.shape[1]))
            side.add(sums, tile, self.reads.most_powers(tile.pieces), space)
            yield tile.rows, tile.untiled(sums)

    def _within(self, pieces: np.ndarray) -> np.ndarray:
        """From blocks of one group."""
        lo, hi = self.reads.parts.whole.take(pieces).ends
        blocks = np.arange(lo.min(), hi.max())
        some = slice(0, self.reads.most_powers(pieces))
        table = self.tables.sums.of(blocks, some)
        n, K, width = table.shape
        sums = summed(lo - blocks[0], hi - blocks[0], table.reshape(n, K * width))
        return np.einsum("km,mkw->mw", powers(self.r[pieces], K), sums.reshape(-1, K, width))


@dataclass(frozen=True, eq=False)
class BlockTables:
    """The sums of all powers over whole blocks, which serve all pieces."""

    plan: BlockPlan
    # over each block; if no range begins late, over the blocks of its segment up to it
    sums: PowerTable

    @classmethod
    def of(cls, plan: BlockPlan, terms: BlockTerms, columns: Columns) -> "BlockTables | None":
        """None where no block is ever taken as a whole."""
        if plan.blocks.alone.all():
            return None
        sums = block_sums(plan, terms, columns)
        return cls(plan, sums.running(plan.blocks.bounds) if plan.ranges.all_prefix else sums)

    @cached_property
    def last(self) -> np.ndarray:
        """The last whole block of ranges that end in each, or -1: int (n_blocks,)."""
        blocks = self.plan.blocks
        last = np.arange(len(blocks.first)) - blocks.light
        last[last < blocks.segment_start] = -1
        return last

    @property
    def size(self) -> int:
        """Blocks of a group."""
        return -(-len(self.sums.K) // GROUPS)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return -(-len(self.sums.K) // self.size)

    @cached_property
    def from_segment(self) -> PowerTable:
        """Over the blocks of a segment up to each."""
        prefix = self.plan.ranges.all_prefix
        return self.sums if prefix else self.sums.running(self.plan.blocks.bounds)

    @property
    def _bounds(self) -> np.ndarray:
        """Where groups begin, int (n_groups + 1,)."""
        return np.append(np.arange(0, len(self.sums.K), self.size), len(self.sums.K))

    @cached_property
    def from_group(self) -> PowerTable:
        """Over the blocks of a group up to each."""
        return self.sums.running(self._bounds)

    @cached_property
    def to_group(self) -> PowerTable:
        """Over the blocks of a group from each on."""
        return self.sums.running(self._bounds, reverse=True)

    @cached_property
    def between(self) -> PowerTable:
        """Over the groups first .. last, of ``first * n_groups + last``."""
        groups = self.to_group.of(self._bounds[:-1], slice(None)).swapaxes(0, 1)
        K, n, width = groups.shape
        out = PowerTable.zeros(np.full(n * n, K), width)
        between = out.rows[:-1].reshape(K, n, n, width)
        for first in range(n):
            np.cumsum(groups[:, first:], axis=1, out=between[:, first, first:])
        return out


def whole_blocks(tables: BlockTables | None, r: np.ndarray, reads: Reads) -> Whole | None:
    """The sums over whole blocks that pieces of masses ``r`` read; None if no range has one."""
    whole, late = reads.parts.whole, reads.late
    some = whole.lo < whole.hi
    if tables is None or not some.any():
        return None
    r, last, at_end = np.where(some, r / tables.plan.scale, 0.0), tables.last, []
    if (early := some & ~late).any():
        at_end.append(_Side(tables.from_segment, last, np.where(early, r, 0.0)))
    if not late.any():
        return Whole(tables, reads, r, None, at_end)
    far = np.where(late & (whole.lo // tables.size < (whole.hi - 1) // tables.size), r, 0.0)
    at_end.append(_Side(tables.from_group, last, far))
    each = np.arange(len(tables.sums.K) + 1)  # after the last one, none
    return Whole(tables, reads, r, _Side(tables.to_group, each, far), at_end)
