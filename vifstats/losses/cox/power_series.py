"""What pieces take from the cells at which they are exposed, for all pieces in near-linear time.

For a piece of mass r over a term with sum phi, put eps = r/phi and u = x - m. Removing it changes
the gradient by a u eps/(1 - eps) and the Hessian by a [u u' eps/(1 - eps)^2 + ...], summed over
every term in its range: n times m pairs that do not separate in piece and term. But

    eps/(1 - eps) = eps + eps^2 + ... + eps^K + eps^(K+1)/(1 - eps)

does (docs/mathematics.md, equation (23)), but for its last part: eps^k = r^k phi^-k, so each power
is a sum of phi^-k over whole blocks of cells, read by all pieces that end in one block. In the
blocks where they begin and end every pair is taken as it is. K is chosen for each cell so that the
last part is below rounding unless eps > EXPLICIT, and those pairs are few, because the masses at
risk sum to at most phi; they are added one by one. Where eps > 1/2 (one piece a term at the most)
phi - r would cancel: the others are summed afresh.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from vifstats.losses.cox.cell_blocks import short_segments
from vifstats.losses.cox.explicit_pairs import dominated, terms_of
from vifstats.losses.cox.fast import GROUP, levels, loops
from vifstats.losses.cox.kernels import Kernel, OnePass
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.plans import BlockPlan, PiecewisePlan, Plan, Reads, block_plan, reach
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import in_cache, put_rows, rows_of, slices_of
from vifstats.losses.cox.tiles import (
    BlockTerms,
    Columns,
    Odds,
    Space,
    Taken,
    TermColumns,
    Tiles,
    tiles,
)
from vifstats.losses.cox.whole_blocks import BlockTables, Whole, whole_blocks

__all__ = ["exposure"]

# Pairs handled at once: their arrays, times the number of covariates, stay in cache.
SLICE = 1 << 15
# Tiles are made of so many pieces at a time.
AT_ONCE = 1 << 15


def exposure(sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray) -> np.ndarray:
    """Sum a kernel over every term in the range of every piece.

    `row_code` int (n,): the removal of each row, in sorted order. Returns (n_pieces, kernel.width).
    """
    compiled = loops(kernel.table_width * len(pieces.r))
    one_pass = None if compiled is None else kernel.one_pass(compiled, pieces)
    if one_pass is not None:
        plan, out = _in_one_pass(one_pass, sums, pieces, kernel.width)
    elif compiled is not None and kernel.in_two_passes:
        plan, out = _in_two_passes(compiled, sums, pieces)
    else:
        plan, out = _in_blocks(compiled, sums, pieces, kernel)
    _add_remainder(out, plan, sums, pieces, kernel, row_code)
    return out


def _in_blocks(
    compiled: ModuleType | None, sums: RiskSums, pieces: Pieces, kernel: Kernel
) -> tuple[Plan, np.ndarray]:
    plan = block_plan(sums, pieces)
    of_block, of_cell = (np.append(0, np.cumsum(n)) for n in (plan.blocks.n_terms, sums.n_terms))
    terms = BlockTerms(of_block, of_cell, sums.terms)
    columns = kernel.of_terms(terms.every)
    if compiled is None or not isinstance(columns, TermColumns) or columns.logs:
        return plan, _of_tiles(plan, terms, columns, pieces, kernel)
    return plan, _combined(_of_loops(compiled, plan, terms, columns, pieces), pieces, kernel)


def _combined(total: np.ndarray, pieces: Pieces, kernel: Kernel) -> np.ndarray:
    out = np.empty((len(pieces.r), kernel.width))
    for some in in_cache(len(out), kernel.table_width):
        out[some] = kernel.combined(total[some], pieces, some)
    return out


def _in_one_pass(
    one_pass: OnePass, sums: RiskSums, pieces: Pieces, width: int
) -> tuple[Plan, np.ndarray]:
    """The changes where no range begins late."""
    bounds, hi = pieces.ranges.bounds, pieces.ranges.hi
    short = short_segments(bounds, sums.n_terms)
    pairs_only = np.repeat(short, np.diff(bounds))
    powers = reach(sums, ~pairs_only)
    # made here: NumPy asks for large pages, in which writing to new memory is several times faster
    out = np.zeros((len(pieces.r), width))
    K_cell, beyond = one_pass(
        out,
        (pieces.x, pieces.r, hi, pieces.ranges.filled_by_end),
        _cells(sums),
        (bounds, short),
        (powers.scale, powers.limits, powers.explicit),
    )
    key = sums.phi_min * np.where(pairs_only, 0.5, powers.explicit)
    return Plan(K_cell, key, np.flatnonzero(beyond)), out


def _cells(sums: RiskSums) -> tuple[np.ndarray, ...]:
    return sums.R, sums.S0D, sums.a, sums.n_terms, sums.m0, sums.tied.delta


def _in_two_passes(compiled: ModuleType, sums: RiskSums, pieces: Pieces) -> tuple[Plan, np.ndarray]:
    """The changes of the gradient where ranges begin anywhere."""
    ranges, powers = pieces.ranges, reach(sums, np.ones(sums.sets.n_cells, dtype=bool))
    out = np.zeros(pieces.x.shape)
    K_cell, beyond, in_pairs = compiled.late_gradients(
        out,
        (pieces.x, pieces.r, *ranges.ends, ranges.by_start, ranges.by_end),
        _cells(sums),
        ranges.bounds,
        (powers.scale, powers.limits, powers.explicit),
        ranges.chunks,
    )
    key = sums.phi_min * powers.explicit
    return PiecewisePlan(K_cell, key, np.flatnonzero(beyond), in_pairs), out


def _ordered(end: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Some pieces, ordered by their ends."""
    ends = end[some]
    return some if (np.diff(ends) >= 0).all() else some[np.argsort(ends)]


def _of_tiles(
    plan: BlockPlan, terms: BlockTerms, columns: Columns, pieces: Pieces, kernel: Kernel
) -> np.ndarray:
    """What pieces take from whole blocks by powers and from parts of blocks pair by pair.

    Some of the pieces at a time: what says which blocks they read takes a dozen numbers for each.
    They begin near each other, and then end near each other, so that they share blocks.
    """
    tables = BlockTables.of(plan, terms, columns)
    n, late = len(pieces.r), pieces.ranges.late_by_start
    # What pieces take before the blocks in which they end, and, in the same memory, what they
    # change: that is never wider, and is put where what had been there has been read.
    room = np.zeros(n * (columns.width if len(late) else kernel.width))
    before, out = _rows(room, n, columns.width if len(late) else 0), _rows(room, n, kernel.width)
    for part in _parts(len(late)):
        some, sums = late[part], np.zeros((len(late[part]), columns.width))
        taking = _Taking.of(tables, plan, terms, columns, pieces.r, some)
        for rows, taken in taking.between():
            put_rows(sums, rows, taken)
        for rows, taken in taking.at_begins():
            sums[rows] += taken
        put_rows(before, some, sums)
    for part in _parts(n):
        few, sums, changes = pieces.take(part), before[part].copy(), out[part]
        changes.fill(0.0)
        for rows, taken in _Taking.of(tables, plan, terms, columns, pieces.r, part).up_to_ends():
            if len(late):
                taken += sums[rows]
            put_rows(changes, rows, kernel.combined(taken, few, rows))
    return out


def _rows(room: np.ndarray, n: int, width: int) -> np.ndarray:
    """The beginning of some room as n rows."""
    return room[: n * width].reshape(n, width)


def _parts(n: int) -> Iterator[slice]:
    """Parts of about the same size."""
    ends = np.linspace(0, n, -(-n // AT_ONCE) + 1).astype(int).tolist()
    return map(slice, ends[:-1], ends[1:])


def _of_loops(
    compiled: ModuleType, plan: BlockPlan, terms: BlockTerms, columns: TermColumns, pieces: Pieces
) -> np.ndarray:
    """As `_of_tiles`."""
    blocks, ranges, reads = plan.blocks, pieces.ranges, plan.reads(slice(None))
    parts = reads.parts
    grown = np.empty((len(columns.plain), 0)) if columns.grown is None else columns.grown
    some = np.flatnonzero(ranges.lo < ranges.hi)
    whole = parts.whole
    late = (whole.lo < whole.hi) & (whole.lo > blocks.segment_start[parts.end])
    sizes = levels(len(blocks.first))
    return compiled.taken(
        (columns.plain, grown, columns.width),
        (terms.every.phi, terms.of_cell),
        (
            terms.first,
            blocks.first,
            blocks.light,
            blocks.alone,
            blocks.segment_start,
            np.maximum.reduceat(plan.K_cell, blocks.first).astype(np.intp),
        ),
        (
            np.ascontiguousarray(ranges.lo),  # may be one number for all
            ranges.hi,
            parts.begin,
            parts.end,
            parts.partial,
            *whole.ends,
            pieces.r,
            reads.powers_of(slice(None)).astype(np.intp),
            _ordered(parts.end, some),
        ),
        sizes if late.any() else sizes[:0],
        GROUP,
        plan.scale,
    )


@dataclass(frozen=True, eq=False)
class _Taking:
    """What pieces take, before their own x comes in."""

    columns: Columns
    terms: BlockTerms
    reads: Reads
    r: np.ndarray  # (n_pieces,)
    whole: Whole | None
    space: Space

    @classmethod
    def of(
        cls,
        tables: BlockTables | None,
        plan: BlockPlan,
        terms: BlockTerms,
        columns: Columns,
        r: np.ndarray,
        some: slice | np.ndarray,
    ) -> "_Taking":
        """`r` (n_pieces,): of all pieces, of which ``some`` take."""
        reads, r = plan.reads(some), rows_of(r, some)
        return cls(columns, terms, reads, r, whole_blocks(tables, r, reads), Space())

    def up_to_ends(self) -> Iterator[Taken]:
        """From the blocks in which pieces end, pair by pair, and from whole blocks up to them."""
        parts = self.reads.parts
        lo, hi = parts.ranges.ends
        some = np.flatnonzero(lo < hi)
        end, after = parts.end.take(some), self.terms.of_cell.take(hi)
        taken = after.take(some) - self.terms.first.take(end)
        begin = self.terms.of_cell.take(lo) if self.reads.late.any() else None
        odds = Odds(self.r, begin, after, self.space)
        for tile in tiles(end, some, self.reads.blocks.in_pairs, taken):
            sums = self._pairs(tile, tile.block, odds)
            if self.whole is not None:
                self.whole.add_at_end(sums, tile, self.space)
            yield tile.rows, tile.untiled(sums)

    def at_begins(self) -> Iterator[Taken]:
        """From the blocks in which pieces begin late, to the end of a group of blocks."""
        parts, first = self.reads.parts, self.reads.parts.whole.lo
        begin = self.terms.of_cell.take(parts.ranges.lo)
        odds = Odds(np.where(parts.partial, self.r, 0.0), begin, None, self.space)
        # in tiles by the first whole block: the block before it is the one in which they begin
        n_terms = np.append(0, self.reads.blocks.in_pairs)
        for tile in tiles(first, np.arange(len(first)), n_terms):
            sums = self._pairs(tile, np.maximum(tile.block - 1, 0), odds)
            if self.whole is not None:
                self.whole.add_at_begin(sums, tile, self.space)
            yield tile.rows, tile.untiled(sums)

    def between(self) -> Iterator[Taken]:
        """From what is not at one of their ends."""
        return iter(()) if self.whole is None else self.whole.between(self.space)

    def _pairs(self, tile: Tiles, block: np.ndarray, odds: Odds) -> np.ndarray:
        """From parts of light blocks, of each tile one, shape (t, s, table_width)."""
        if not tile.n_terms.any():
            return np.zeros((*tile.pieces.shape, self.columns.width))
        terms = self.terms.of(self.terms.first[block][:, None], tile.n_terms[:, None])
        return self.columns.sums(odds.of(tile, terms), terms)


def _add_remainder(
    out: np.ndarray,
    plan: Plan,
    sums: RiskSums,
    pieces: Pieces,
    kernel: Kernel,
    row_code: np.ndarray,
) -> None:
    others = dominated(sums, pieces, plan.candidates, row_code, kernel.columns)
    # How many pairs a candidate has is known only once they are found; four is a guess, which only
    # bounds the memory of the search.
    for part in slices_of(np.full(len(plan.candidates), 4), SLICE):
        some = plan.candidates[part]
        at, cell = pieces.ranges.take(some).pairs_below(plan.key, pieces.r[some])
        piece = some[at]
        K = plan.summed(piece, cell)
        left = np.flatnonzero((K > 0) | (pieces.r[piece] > 0.5 * sums.phi_min[cell]))
        piece, cell, K = piece[left], cell[left], K[left]
        for few in slices_of(sums.n_terms[cell], SLICE):
            terms = terms_of(piece[few], cell[few], K[few], sums, pieces, others)
            change = kernel.remainder(terms, pieces, others)
            # Pairs come ordered by piece, so the terms of a piece stand together, and at most the
            # first and the last piece of a slice are added in two parts: hence +=.
            first = np.flatnonzero(np.diff(terms.piece, prepend=-1))
            out[terms.piece[first]] += np.add.reduceat(change, first, axis=0)
