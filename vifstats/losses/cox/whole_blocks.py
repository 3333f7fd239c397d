"""What pieces take from whole blocks of cells, by powers: docs/mathematics.md, equation (23)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.cell_blocks import TERMS
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.plans import BlockPlan, Reads, powers_needed
from vifstats.losses.cox.segment_sums import CACHE, Segments, expanded, in_cache
from vifstats.losses.cox.spans import span_entries, spans
from vifstats.losses.cox.tiles import BlockTerms, Columns, Powers, Space, Tiles, powers

__all__ = ["BlockTables", "Late", "Whole", "whole_blocks"]

# Blocks of a long segment stand in this many groups: a table has the sum of each range of groups.
GROUPS = 32
# The share of pieces whose powers are read at once; the others need more.
USUAL = 0.95


@dataclass(frozen=True, eq=False)
class _Side:
    """Sums over whole blocks up to, or from, the one next to a tile's block."""

    # (n_blocks + 1, K, table_width): running sums of the tables of all powers; and 0
    running: np.ndarray
    # int (n_blocks,): of a tile's block, which of these, and how many powers
    at: np.ndarray
    K: np.ndarray
    r: np.ndarray  # (n_pieces,): 0 of pieces that do not read it

    def add(self, part: np.ndarray, tile: Tiles, space: Space) -> None:
        """Add what the pieces of tiles take to `part`, (t, s, table_width)."""
        r = self.r.take(tile.pieces)
        if r.any():
            K = int(self.K.take(tile.block).max())
            tables = self.running.take(self.at.take(tile.block), axis=0)[:, :K]
            taken = space.room("whole", part.shape)
            part += np.matmul(powers(r, K).transpose(1, 2, 0), tables, out=taken)


@dataclass(frozen=True, eq=False)
class Whole:
    """What pieces take from whole blocks by the powers of r, in units of the plan's scale."""

    # of pieces that end in a block
    at_end: list[_Side]
    # of the others, whose whole blocks do not begin with their segment; None if there are none
    late: "Late | None"


@dataclass(frozen=True, eq=False)
class Late:
    """Pieces whose whole blocks do not begin with their segment.

    Their blocks are the end of a group of blocks, whole groups, and the start of another group; or
    some of one group.
    """

    tables: "BlockTables"
    reads: Reads
    some: np.ndarray  # bool (n_pieces,)
    r: np.ndarray  # (n_pieces,)
    at_begin: _Side  # of pieces that begin in a block

    def add(self, total: np.ndarray, pieces: np.ndarray) -> None:
        """Add what some pieces, int (k,), take from what is not at one of their ends."""
        whole, size, between = self.reads.parts.whole, self.tables.size, self.tables.between
        first, last = whole.lo[pieces] // size, (whole.hi[pieces] - 1) // size
        far = self.some[pieces] & (last - first > 1)
        pair = np.where(far, (first + 1) * len(between) + last - 1, 0)
        K = np.where(far, self.reads.powers_of(pieces), 0)
        r = np.where(far, self.r[pieces], 0.0)
        for some, need in _stages(K):
            table = between[:, :, some].reshape(len(between) ** 2, -1)
            for part in in_cache(len(need), table.shape[1]):
                at = need[part]
                total[at] += _contracted(table.take(pair[at], axis=0), r[at], some)
        self._add_within(total, pieces, np.flatnonzero(self.some[pieces] & (first == last)))

    def _add_within(self, total: np.ndarray, pieces: np.ndarray, at: np.ndarray) -> None:
        """From blocks of one group."""
        n, r, K = len(self.tables.each), self.r[pieces[at]], self.reads.powers_of(pieces[at])
        parts = spans(*self.reads.parts.whole.take(pieces[at]).ends, n).parts
        for some, need in _stages(K):
            table = span_entries(self.tables.each[:, some].reshape(n, -1))
            total[at[need]] += _contracted(parts[need] @ table, r[need], some)


def _stages(K: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """The powers that nearly all read, for all, then the other ones for those that need them."""
    if not K.any():
        return
    usual, most = int(np.quantile(K, USUAL, method="lower")), int(K.max())
    if usual:
        yield slice(0, usual), np.flatnonzero(K)
    if usual < most:
        yield slice(usual, most), np.flatnonzero(usual < K)


def _contracted(sums: np.ndarray, r: np.ndarray, some: slice) -> np.ndarray:
    """The sum of r^(k + 1) times what is summed of powers k: from (n, K w) to (n, w)."""
    by_power = powers(r, some.stop)[some]
    return np.einsum("kn,nkw->nw", by_power, sums.reshape(len(r), len(by_power), -1))


@dataclass(frozen=True, eq=False)
class BlockTables:
    """The sums of all powers over whole blocks, which serve all pieces."""

    plan: BlockPlan
    # (n_blocks + 1, K, table_width): over the blocks of a segment up to each; and 0
    running: np.ndarray
    # (n_blocks, K, table_width): over each block; none of them where no range begins late
    each: np.ndarray

    @classmethod
    def of(cls, plan: BlockPlan, terms: BlockTerms, columns: Columns) -> "BlockTables | None":
        """None where no block is ever taken as a whole."""
        if plan.blocks.alone.all():
            return None
        tables = _tables(plan, terms, columns)
        each = tables[:0] if plan.ranges.all_prefix else tables[:-1].copy()
        _run(tables, plan)
        return cls(plan, tables, each)

    @property
    def size(self) -> int:
        """Blocks of a group."""
        return -(-len(self.each) // GROUPS)

    @cached_property
    def within_groups(self) -> np.ndarray:
        """Over the blocks of a group up to each, and from each on, and 0 at the end."""
        return _within_groups(self.each, self.size)

    @cached_property
    def between(self) -> np.ndarray:
        """Over the groups first .. last, shape (n_groups, n_groups, K, table_width)."""
        groups = self.within_groups[1, : -1 : self.size]
        between = np.zeros((len(groups), *groups.shape))
        for first in range(len(groups)):
            np.cumsum(groups[first:], axis=0, out=between[first, first:])
        return between


def whole_blocks(tables: BlockTables | None, pieces: Pieces, reads: Reads) -> Whole | None:
    """The sums over whole blocks that some pieces read; None if no range has one."""
    blocks, whole, end = reads.blocks, reads.parts.whole, reads.parts.end
    some = whole.lo < whole.hi
    if tables is None or not some.any():
        return None
    n, r = len(blocks.first), np.where(some, pieces.r / tables.plan.scale, 0.0)
    last = np.arange(n) - blocks.light
    last[last < blocks.segment_start] = n
    late = some & (whole.lo > blocks.segment_start[end])

    def side(running: np.ndarray, at: np.ndarray, block: np.ndarray, who: np.ndarray) -> _Side:
        eps = np.zeros(n)
        np.maximum.at(eps, block[who], reads.eps[who])
        return _Side(running, at, powers_needed(eps, reads.most), np.where(who, r, 0.0))

    from_segment = side(tables.running, last, end, some & ~late)
    if not late.any():
        return Whole([from_segment], None)
    up_to, onwards = tables.within_groups
    far = late & (whole.lo // tables.size < (whole.hi - 1) // tables.size)
    from_group = side(up_to, last, end, far)
    to_group = side(onwards, np.arange(n) + 1, np.maximum(whole.lo - 1, 0), far)
    return Whole([from_segment, from_group], Late(tables, reads, late, r, to_group))


def _run(tables: np.ndarray, plan: BlockPlan) -> None:
    """Make of the tables of blocks, and 0 at the end, sums over those of a segment up to each."""
    blocks = plan.blocks
    K_block = np.maximum.reduceat(plan.K_cell, blocks.first)
    for k in range(tables.shape[1]):
        # before the first block that needs this power there is nothing to sum
        some = slice(int(np.argmax(K_block > k)), len(K_block))
        segments = Segments(np.maximum(blocks.bounds - some.start, 0))
        tables[some, k] = segments.accumulate(tables[some, k])


def _within_groups(tables: np.ndarray, size: int) -> np.ndarray:
    """As of `BlockTables`, shape (2, n_groups size + 1, K, table_width)."""
    n_groups = -(-len(tables) // size)
    out = np.zeros((2, n_groups * size + 1, *tables.shape[1:]))
    out[:, : len(tables)] = tables
    up_to, onwards = out[:, :-1].reshape(2, n_groups, size, -1)
    for i in range(1, size):
        up_to[:, i] += up_to[:, i - 1]
        onwards[:, -1 - i] += onwards[:, -i]
    out[:, len(tables)] = 0.0  # after the last block
    return out


def _tables(plan: BlockPlan, terms: BlockTerms, columns: Columns) -> np.ndarray:
    """The tables of all powers summed over each block; and 0: (n_blocks + 1, K, table_width)."""
    blocks = plan.blocks
    out = np.zeros((len(blocks.first) + 1, int(plan.K_cell.max()), columns.width))
    # a block of many terms is several tiles
    block, part = expanded(np.where(blocks.alone, 0, -(-blocks.n_terms // TERMS)))
    size = max(1, CACHE // (TERMS * columns.width))
    for start in range(0, len(block), size):
        some = block[start : start + size]
        opens = terms.first[some] + TERMS * part[start : start + size]
        count = np.minimum(terms.first[some + 1] - opens, TERMS)
        of_tile = terms.of(opens[:, None], count[:, None])
        K = int(plan.K_cell[blocks.first[some[0]] : blocks.ends[some[-1] + 1]].max())
        base = plan.scale / of_tile.phi
        base *= np.arange(base.shape[1]) < of_tile.count
        table = columns.sums(Powers(powers(base, K).swapaxes(0, 1)), of_tile)
        first = np.flatnonzero(np.diff(some, prepend=-1))
        if len(first) < len(some):
            some, table = some[first], np.add.reduceat(table, first, axis=0)
        out[some, :K] += table
    return out
