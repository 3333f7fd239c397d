"""What pieces take from whole blocks of cells, by powers: docs/mathematics.md, equation (23)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.cell_blocks import TERMS
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.plans import BlockPlan, powers_needed
from vifstats.losses.cox.segment_sums import CACHE, Segments, expanded, in_cache
from vifstats.losses.cox.spans import span_entries, spans
from vifstats.losses.cox.tiles import BlockTerms, Powers, Space, TermColumns, Tiles, powers

__all__ = ["Late", "Whole", "whole_blocks"]

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

    plan: BlockPlan
    some: np.ndarray  # bool (n_pieces,)
    r: np.ndarray  # (n_pieces,)
    at_begin: _Side  # of pieces that begin in a block
    tables: np.ndarray  # (n_blocks, K, table_width)
    size: int  # blocks of a group
    between: np.ndarray  # (n_groups, n_groups, K, table_width): over the groups first .. last

    def add(self, total: np.ndarray, pieces: np.ndarray) -> None:
        """Add what some pieces, int (k,), take from what is not at one of their ends."""
        whole = self.plan.parts.whole
        first, last = whole.lo[pieces] // self.size, (whole.hi[pieces] - 1) // self.size
        far = self.some[pieces] & (last - first > 1)
        pair = np.where(far, (first + 1) * len(self.between) + last - 1, 0)
        K = np.where(far, self.plan.powers_of(pieces), 0)
        r = np.where(far, self.r[pieces], 0.0)
        for some, need in _stages(K):
            table = self.between[:, :, some].reshape(len(self.between) ** 2, -1)
            for part in in_cache(len(need), table.shape[1]):
                at = need[part]
                total[at] += _contracted(table.take(pair[at], axis=0), r[at], some)
        self._add_within(total, pieces, np.flatnonzero(self.some[pieces] & (first == last)))

    def _add_within(self, total: np.ndarray, pieces: np.ndarray, at: np.ndarray) -> None:
        """From blocks of one group."""
        n, r, K = len(self.tables), self.r[pieces[at]], self.plan.powers_of(pieces[at])
        parts = spans(*self.plan.parts.whole.take(pieces[at]).ends, n).parts
        for some, need in _stages(K):
            table = span_entries(self.tables[:, some].reshape(n, -1))
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


def whole_blocks(
    plan: BlockPlan, terms: BlockTerms, pieces: Pieces, columns: TermColumns
) -> Whole | None:
    """The sums over whole blocks; None if no range has one."""
    blocks, whole, end = plan.blocks, plan.parts.whole, plan.parts.end
    some = whole.lo < whole.hi
    if not some.any():
        return None
    tables = _tables(plan, terms, columns)
    n, r = len(tables), np.where(some, pieces.r / plan.scale, 0.0)
    last = np.arange(n) - blocks.light
    last[last < blocks.segment_start] = n
    late = some & (whole.lo > blocks.segment_start[end])

    def side(running: np.ndarray, at: np.ndarray, block: np.ndarray, who: np.ndarray) -> _Side:
        eps = np.zeros(n)
        np.maximum.at(eps, block[who], plan.eps[who])
        return _Side(running, at, powers_needed(eps, plan.reach.most), np.where(who, r, 0.0))

    from_segment = side(_running(tables, plan), last, end, some & ~late)
    if not late.any():
        return Whole([from_segment], None)
    size = -(-n // GROUPS)
    up_to, onwards = _within_groups(tables, size)
    far = late & (whole.lo // size < (whole.hi - 1) // size)
    from_group = side(up_to, last, end, far)
    to_group = side(onwards, np.arange(n) + 1, np.maximum(whole.lo - 1, 0), far)
    groups = onwards[:-1:size]
    between = np.zeros((len(groups), *groups.shape))
    for first in range(len(groups)):
        np.cumsum(groups[first:], axis=0, out=between[first, first:])
    return Whole([from_segment, from_group], Late(plan, late, r, to_group, tables, size, between))


def _running(tables: np.ndarray, plan: BlockPlan) -> np.ndarray:
    """Summed over the blocks of a segment up to each, and 0 at the end."""
    blocks, out = plan.blocks, np.zeros((len(tables) + 1, *tables.shape[1:]))
    K_block = np.maximum.reduceat(plan.K_cell, blocks.first)
    for k in range(tables.shape[1]):
        # before the first block that needs this power there is nothing to sum
        some = slice(int(np.argmax(K_block > k)), len(tables))
        segments = Segments(np.maximum(blocks.bounds - some.start, 0))
        out[some, k] = segments.accumulate(tables[some, k])
    return out


def _within_groups(tables: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Summed over the blocks of a group up to each, and from each on, and 0 at the end."""
    n_groups = -(-len(tables) // size)
    out = np.zeros((2, n_groups * size + 1, *tables.shape[1:]))
    out[:, : len(tables)] = tables
    up_to, onwards = out[:, :-1].reshape(2, n_groups, size, -1)
    for i in range(1, size):
        up_to[:, i] += up_to[:, i - 1]
        onwards[:, -1 - i] += onwards[:, -i]
    out[:, len(tables)] = 0.0  # after the last block
    return out[0], out[1]


def _tables(plan: BlockPlan, terms: BlockTerms, columns: TermColumns) -> np.ndarray:
    """The tables of all powers summed over each block, shape (n_blocks, K, table_width)."""
    blocks = plan.blocks
    out = np.zeros((len(blocks.first), int(plan.K_cell.max()), columns.width))
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
