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
from typing import Protocol

import numpy as np

from vifstats.losses.cox.cell_blocks import Blocked, CellBlocks, cell_blocks
from vifstats.losses.cox.explicit_pairs import Terms, dominated, terms_of
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sums import PowerSums, RiskSums
from vifstats.losses.cox.segment_sums import CACHE, Segments, in_cache, slices_of
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tiles import LightTerms, Tiles, TileTerms, light_terms, odds_of, tiles

__all__ = ["EXPLICIT", "MAX_POWER", "Kernel", "exposure", "powers_needed"]

# Powers stop once eps^K < 10^-DIGITS, relative to the first; with MAX_POWER that is at EXPLICIT.
DIGITS, EXPLICIT, MAX_POWER = 14.0, 1e-1, 14
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0
# Pairs handled at once: their arrays, times the number of covariates, stay in cache.
SLICE = 1 << 15


class Kernel(Protocol):
    """What is summed: the change of the gradient, or of the Hessian."""

    @property
    def width(self) -> int:
        """Number of columns of what is summed."""

    @property
    def table_width(self) -> int:
        """Number of columns of its table."""

    @property
    def columns(self) -> Columns:
        """The pairs of covariates whose second moments it needs."""

    @property
    def ahead(self) -> int:
        """By how much the power of 1/phi in its table is more than that of r."""

    def table(self, k: int, powers: PowerSums, cells: np.ndarray | slice) -> np.ndarray:
        """What is to be summed over the cells of a range for the k-th power."""

    def pairs(self, odds: np.ndarray, terms: TileTerms) -> np.ndarray:
        """The sum of all powers of r^k times the tables, from eps/(1 - eps) of pieces and terms.

        `odds` (t, s, c). Returns (t, s, table_width).
        """

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """The part of all powers for some pieces, from the sums over k of r^k times the tables'."""

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, shape (n_terms, width)."""


def exposure(sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray) -> np.ndarray:
    """Sum a kernel over every term in the range of every piece.

    `row_code` int (n,): the removal of each row, in sorted order. Returns (n_pieces, kernel.width).
    """
    plan = _plan(sums, pieces)
    total = _of_tiles(plan, sums, pieces, kernel)
    out = np.empty((len(pieces.r), kernel.width))
    for some in in_cache(len(out), kernel.table_width):
        out[some] = kernel.combined(total[some], pieces, some)
    del total
    _add_remainder(out, plan, sums, pieces, kernel, row_code)
    return out


@dataclass(frozen=True, eq=False)
class _Plan:
    """How many powers each cell and each piece needs, and which pairs are added one by one.

    Cells with a pair to add one by one all have the same K, or 0 where no block is taken whole.
    """

    blocks: CellBlocks
    parts: Blocked
    K_cell: np.ndarray
    K_piece: np.ndarray
    key: np.ndarray
    candidates: np.ndarray
    scale: float


def _plan(sums: RiskSums, pieces: Pieces) -> _Plan:
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
    return _Plan(
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


def _of_tiles(plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel) -> np.ndarray:
    """What pieces take from whole blocks by powers and from parts of blocks pair by pair.

    Shape (n_pieces + 1, kernel.table_width); the last row is of no piece.
    """
    blocks, parts, ranges = plan.blocks, plan.parts, pieces.ranges
    total = np.zeros((len(pieces.r) + 1, kernel.table_width))
    whole = _whole(plan, sums, pieces, kernel)
    taken = _Parts(kernel, light_terms(sums, blocks), *map(_and_none, (pieces.r, *ranges.ends)))
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


def _and_none(values: np.ndarray) -> np.ndarray:
    """With a 0 at the end, for no piece."""
    return np.append(values, 0)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What pieces take from parts of light blocks."""

    kernel: Kernel
    light: LightTerms
    # (n_pieces + 1,)
    r: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    def of(self, tile: Tiles) -> np.ndarray:
        """Shape (t, s, table_width)."""
        if not tile.n_terms:
            return np.zeros((*tile.pieces.shape, self.kernel.table_width))
        terms = self.light.of(tile.block, tile.n_terms)
        odds = odds_of(*(part.take(tile.pieces) for part in (self.r, self.lo, self.hi)), terms)
        return self.kernel.pairs(odds, terms)


@dataclass(frozen=True, eq=False)
class _Whole:
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
        powers = np.empty((len(r), K, r.shape[1]))
        for k in range(K):
            np.multiply(r, powers[:, k - 1] if k else 1.0, out=powers[:, k])
        return powers.swapaxes(1, 2) @ self.running[np.maximum(last, 0), :K]

    def add_late(self, total: np.ndarray) -> None:
        """Add what the other pieces take to `total`, (n_pieces + 1, table_width)."""
        if self.late is not None:
            self.late.add(total)


@dataclass(frozen=True, eq=False)
class _Late:
    """Pieces whose whole blocks do not begin with their segment."""

    rows: np.ndarray  # int (k,): ascending
    ranges: Ranges  # over the blocks
    r: np.ndarray
    K: np.ndarray
    tables: np.ndarray  # (n_blocks, K, table_width)

    def add(self, total: np.ndarray) -> None:
        """One power after the other, for the pieces that need it."""
        some, r, ranges = np.arange(len(self.rows)), self.r, self.ranges
        power = r.copy()
        for k in range(1, int(self.K.max(initial=0)) + 1):
            kept = np.flatnonzero(self.K[some] >= k)
            if len(kept) < len(some):
                some, r, power, ranges = some[kept], r[kept], power[kept], ranges.take(kept)
            part = ranges.gather(self.tables[:, k - 1])
            part *= power[:, None]
            total[self.rows[some]] += part
            power *= r


def _whole(plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel) -> _Whole | None:
    """The sums over whole blocks; None if no range has one."""
    blocks, ranges = plan.blocks, plan.parts.whole
    some = ranges.lo < ranges.hi
    if not some.any():
        return None
    tables = _tables(plan, sums, kernel)
    flat = tables.reshape(len(tables), -1)
    running = Segments(blocks.bounds).accumulate(flat).reshape(tables.shape)
    r, K = pieces.r / plan.scale, np.where(some, plan.K_piece, 0)
    rows = np.flatnonzero(some & (ranges.lo > blocks.segment_start[plan.parts.end]))
    late = _Late(rows, ranges.take(rows), r[rows], K[rows], tables) if len(rows) else None
    r[~some] = r[rows] = 0.0
    K[rows] = 0
    return _Whole(blocks, running, _and_none(r), _and_none(K), late)


def _tables(plan: _Plan, sums: RiskSums, kernel: Kernel) -> np.ndarray:
    """The tables of all powers summed over each block, shape (n_blocks, K, table_width)."""
    blocks, K_cell = plan.blocks, plan.K_cell
    out = np.zeros((len(blocks.first), int(K_cell.max()), kernel.table_width))
    parts = list(slices_of(blocks.sizes, max(1, CACHE // kernel.table_width)))
    cells = [slice(*blocks.ends[[part.start, part.stop]]) for part in parts]
    most = [K_cell[some].max() for some in cells]
    every = sums.powers(out.shape[1], plan.scale, K_cell > 0, kernel.ahead)
    for k, powers in enumerate(every, start=1):
        for part, some, K in zip(parts, cells, most, strict=True):
            if K >= k:
                table = kernel.table(k, powers, some)
                first = blocks.first[part] - some.start
                np.add.reduceat(table, first, axis=0, out=out[part, k - 1])
    return out


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
    plan: _Plan,
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
