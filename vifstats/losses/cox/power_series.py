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

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from vifstats.losses.cox.cell_blocks import cell_blocks
from vifstats.losses.cox.explicit_pairs import dominated, terms_of
from vifstats.losses.cox.fast import GROUP, levels, loops
from vifstats.losses.cox.kernels import Kernel
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import in_cache, slices_of
from vifstats.losses.cox.tiles import (
    BlockTerms,
    Odds,
    TermColumns,
    Tiles,
    and_none,
    tiles,
)
from vifstats.losses.cox.whole_blocks import Plan, whole_blocks

__all__ = ["EXPLICIT", "MAX_POWER", "exposure", "powers_needed"]

# Powers stop once eps^K < 10^-DIGITS, relative to the first; with MAX_POWER that is at EXPLICIT.
DIGITS, EXPLICIT, MAX_POWER = 14.0, 1e-1, 14
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0
# Pairs handled at once: their arrays, times the number of covariates, stay in cache.
SLICE = 1 << 15


def exposure(sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray) -> np.ndarray:
    """Sum a kernel over every term in the range of every piece.

    `row_code` int (n,): the removal of each row, in sorted order. Returns (n_pieces, kernel.width).
    """
    plan = _plan(sums, pieces)
    terms = BlockTerms(np.append(0, np.cumsum(plan.blocks.n_terms)), sums.terms)
    columns = kernel.of_terms(terms.every)
    compiled = None if columns.logs else loops(columns.plain.size)
    if compiled is None:
        total = _of_tiles(plan, terms, columns, pieces)
    else:
        total = _of_loops(compiled, plan, terms, columns, pieces)
    out = np.empty((len(pieces.r), kernel.width))
    for some in in_cache(len(out), kernel.table_width):
        out[some] = kernel.combined(total[some], pieces, some)
    del total
    _add_remainder(out, plan, sums, pieces, kernel, row_code)
    return out


def _plan(sums: RiskSums, pieces: Pieces) -> Plan:
    blocks = cell_blocks(pieces.ranges.bounds, sums.n_terms)
    pairs_only = blocks.alone[blocks.of_cell]
    scale, most = _scale(sums, ~pairs_only)
    explicit = min(EXPLICIT, 10.0 ** (-DIGITS / most))
    # What a table of powers holds depends on the cell alone, so one K must serve the largest mass
    # that is exposed there. A light piece reads fewer tables, by its own K.
    K_cell = powers_needed(_largest_mass(pieces) / sums.phi_min, most)
    K_cell[pairs_only] = 0
    # All pairs with these are taken as they are, but for eps > 1/2.
    key = sums.phi_min * np.where(pairs_only, 0.5, explicit)
    smallest = pieces.ranges.minimum(sums.phi_min)
    # Candidates are found by the smallest phi of the whole range, which is read once a piece; the
    # descent for pairs then starts with few of them.
    lowest = pieces.ranges.minimum(key) if pairs_only.any() else smallest * explicit
    return Plan(
        blocks=blocks,
        parts=blocks.split(pieces.ranges),
        K_cell=K_cell,
        K_piece=powers_needed(pieces.r / smallest, most),
        key=key,
        candidates=np.flatnonzero(pieces.r > lowest),
        scale=scale,
    )


def _scale(sums: RiskSums, cells: np.ndarray) -> tuple[float, int]:
    """The unit of phi for powers in some cells, and how many are in the range of doubles."""
    largest = sums.S0.max(where=cells, initial=0.0)
    if not largest:
        return 1.0, MAX_POWER
    # phi is kept in units of the largest S0, so phi^-k reaches 10^(k span): a wide span affords
    # fewer powers, and more pairs are then added one by one, from a smaller eps on.
    span = np.log10(largest / sums.phi_min.min(where=cells, initial=np.inf))
    return float(largest), int(np.clip(LOG10_RANGE / max(span, 1.0), 1, MAX_POWER))


def powers_needed(eps: np.ndarray, most: int) -> np.ndarray:
    """The K with eps^K < 10^-DIGITS, from 1 to ``most``; exposed nowhere, eps is 0."""
    with np.errstate(divide="ignore"):
        K = np.ceil(DIGITS / -np.log10(np.minimum(eps, EXPLICIT)))
    return np.clip(K, 1, most).astype(np.int8)


def _of_tiles(plan: Plan, terms: BlockTerms, columns: TermColumns, pieces: Pieces) -> np.ndarray:
    """What pieces take from whole blocks by powers and from parts of blocks pair by pair.

    Shape (n_pieces + 1, table_width); the last row is of no piece.
    """
    blocks, parts, ranges = plan.blocks, plan.parts, pieces.ranges
    total = np.zeros((len(pieces.r) + 1, columns.width))
    whole = whole_blocks(plan, terms, pieces, columns)
    taken = _Parts(columns, terms, Odds(*map(and_none, (pieces.r, *ranges.ends))))
    some = np.flatnonzero(ranges.lo < ranges.hi)
    for tile in tiles(parts.end[some], some, blocks):
        part = taken.of(tile)
        if whole is not None:
            part += whole.of(tile)
        total[tile.pieces] = part
    some = np.flatnonzero(parts.partial)
    for tile in tiles(parts.begin[some], some, blocks):
        total[tile.pieces] += taken.of(tile)
    if whole is not None:
        whole.add_late(total)
    return total


def _of_loops(
    compiled: ModuleType, plan: Plan, terms: BlockTerms, columns: TermColumns, pieces: Pieces
) -> np.ndarray:
    """As `_of_tiles`."""
    blocks, parts, ranges = plan.blocks, plan.parts, pieces.ranges
    grown = np.empty((len(columns.plain), 0)) if columns.grown is None else columns.grown
    some = np.flatnonzero(ranges.lo < ranges.hi)
    order = some if (np.diff(parts.end[some]) >= 0).all() else some[np.argsort(parts.end[some])]
    whole = parts.whole
    late = (whole.lo < whole.hi) & (whole.lo > blocks.segment_start[parts.end])
    sizes = levels(len(blocks.first))
    return compiled.taken(
        (columns.plain, grown, columns.width),
        (terms.every.phi, np.searchsorted(terms.every.cell[:-1], np.arange(blocks.n_cells + 1))),
        (
            terms.first,
            blocks.first,
            blocks.light,
            blocks.alone,
            blocks.segment_start,
            np.maximum.reduceat(plan.K_cell, blocks.first).astype(np.intp),
        ),
        (
            *ranges.ends,
            parts.begin,
            parts.end,
            parts.partial,
            *whole.ends,
            pieces.r,
            plan.K_piece.astype(np.intp),
            order,
        ),
        sizes if late.any() else sizes[:0],
        GROUP,
        plan.scale,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """What pieces take from parts of light blocks."""

    columns: TermColumns
    terms: BlockTerms
    odds: Odds

    def of(self, tile: Tiles) -> np.ndarray:
        """Shape (t, s, table_width)."""
        if not tile.n_terms:
            return np.zeros((*tile.pieces.shape, self.columns.width))
        terms = self.terms.of(tile.block, tile.n_terms)
        return self.columns.sums(self.odds.of(tile, terms), terms)


def _largest_mass(pieces: Pieces) -> np.ndarray:
    """At least the largest mass exposed in each cell: the largest that has yet to leave."""
    ranges = pieces.ranges
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    largest = np.zeros(ranges.n_cells)
    # A mass is put where it ends and carried back to the beginning of the stratum, as if no one
    # entered late. That bounds it from above, which costs a power at most, never a digit.
    np.maximum.at(largest, ranges.hi[rows] - 1, pieces.r[rows])
    return ranges.segments.accumulate(largest, reverse=True, ufunc=np.maximum)


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
        # Pairs in parts of blocks are complete, but for those with eps > 1/2.
        K = np.where(plan.parts.in_parts(plan.blocks, piece, cell), 0, plan.K_cell[cell])
        left = np.flatnonzero((K > 0) | (pieces.r[piece] > 0.5 * sums.phi_min[cell]))
        piece, cell, K = piece[left], cell[left], K[left]
        for few in slices_of(sums.n_terms[cell], SLICE):
            terms = terms_of(piece[few], cell[few], K[few], sums, pieces, others)
            change = kernel.remainder(terms, pieces, others)
            # Pairs come ordered by piece, so the terms of a piece stand together, and at most the
            # first and the last piece of a slice are added in two parts: hence +=.
            first = np.flatnonzero(np.diff(terms.piece, prepend=-1))
            out[terms.piece[first]] += np.add.reduceat(change, first, axis=0)
