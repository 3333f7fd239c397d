"""What pieces take from the cells at which they are exposed, for all pieces in near-linear time.

For a piece of mass r over a term with sum phi, put eps = r/phi and u = x - m. Removing it changes
the gradient by a u eps/(1 - eps) and the Hessian by a [u u' eps/(1 - eps)^2 + ...], summed over
every term in its range: n times m pairs that do not separate in piece and term. But

    eps/(1 - eps) = eps + eps^2 + ... + eps^K + eps^(K+1)/(1 - eps)

does (docs/mathematics.md, equation (23)), but for its last part: eps^k = r^k phi^-k, so each power
is a range sum of phi^-k, read once a piece. K is chosen for each cell so that the last part is
below rounding unless eps > EXPLICIT, and those pairs are few, because the masses at risk sum to at
most phi; they are added one by one. Where eps > 1/2 (one piece a term at the most) phi - r would
cancel: the others are summed afresh.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vifstats.losses.cox.explicit_pairs import Terms, dominated, terms_of
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sums import PowerSums, RiskSums
from vifstats.losses.cox.segment_sums import expanded, in_cache, slices_of
from vifstats.losses.cox.sums_afresh import Others

__all__ = ["EXPLICIT", "MAX_POWER", "Kernel", "exposure", "powers_needed"]

# Powers stop once eps^K < 10^-DIGITS, relative to the first; with MAX_POWER that is at EXPLICIT.
DIGITS, EXPLICIT, MAX_POWER = 14.0, 1e-2, 7
# Strata with at most this many rows add every pair one by one.
FEW_ROWS = 64
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0
# Cells, or pairs, handled at once: their arrays, times the number of covariates, stay in cache.
CHUNK, SLICE = 2048, 1 << 15


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

    def table(self, k: int, powers: PowerSums, cells: np.ndarray | slice) -> np.ndarray:
        """What is to be summed over the cells of a range for the k-th power."""

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """The part of all powers for some pieces, from the sums over k of r^k times the tables'."""

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, shape (n_terms, width)."""


def exposure(sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray) -> np.ndarray:
    """Sum a kernel over every term in the range of every piece.

    `row_code` int (n,): the removal of each row, in sorted order. Returns (n_pieces, kernel.width).
    """
    plan = _plan(sums, pieces)
    powers = _powers_by_chunks if plan.by_chunks else _powers_by_ranges
    out = powers(plan, sums, pieces, kernel)
    _add_remainder(out, plan, sums, pieces, kernel, row_code)
    return out


@dataclass(frozen=True, eq=False)
class _Plan:
    """How many powers each cell and each piece needs, and which pairs are added one by one.

    Cells with a pair to add one by one all have the same K, or 0 in strata of few rows.
    """

    K_cell: np.ndarray
    K_piece: np.ndarray
    key: np.ndarray
    candidates: np.ndarray
    scale: float
    powers: list[PowerSums]
    by_chunks: bool


def _plan(sums: RiskSums, pieces: Pieces) -> _Plan:
    # phi is kept in units of the largest S0, so phi^-k reaches 10^(k span): a wide span affords
    # fewer powers, and more pairs are then added one by one, from a smaller eps on.
    span = np.log10(sums.S0.max() / sums.phi_min.min())
    most = int(np.clip(LOG10_RANGE / max(span, 1.0), 1, MAX_POWER))
    explicit = min(EXPLICIT, 10.0 ** (-DIGITS / most))
    few = _cells_of_few_rows(sums)
    # What a table of powers holds depends on the cell alone, so one K must serve the largest mass
    # that is exposed there. A light piece reads fewer tables, by its own K.
    K_cell = powers_needed(_largest_mass(pieces) / sums.phi_min, most)
    K_cell[few] = 0
    key = sums.phi_min * explicit
    # A key of 0 is below every mass: with K = 0 all pairs of these cells are the remainder.
    key[few] = 0.0
    smallest = pieces.ranges.minimum(sums.phi_min)
    scale = float(sums.S0.max())
    # Candidates are found by the smallest phi of the whole range, which is read once a piece; the
    # descent for pairs then starts with few of them.
    lowest = smallest if not len(few) else pieces.ranges.minimum(key) / explicit
    return _Plan(
        K_cell=K_cell,
        K_piece=powers_needed(pieces.r / smallest, most),
        key=key,
        candidates=np.flatnonzero(pieces.r > lowest * explicit),
        scale=scale,
        powers=[sums.power_sums(k, scale) for k in range(1, int(K_cell.max()) + 1)],
        by_chunks=_in_long_runs(pieces.ranges),
    )


def powers_needed(eps: np.ndarray, most: int) -> np.ndarray:
    """The K with eps^K < 10^-DIGITS, from 1 to ``most``; exposed nowhere, eps is 0."""
    with np.errstate(divide="ignore"):
        K = np.ceil(DIGITS / -np.log10(np.minimum(eps, EXPLICIT)))
    return np.clip(K, 1, most).astype(np.int8)


def _cells_of_few_rows(sums: RiskSums) -> np.ndarray:
    bounds = sums.sets.ranges.bounds
    few = np.flatnonzero(np.diff(sums.sets.row_bounds) <= FEW_ROWS)
    item, offset = expanded(np.diff(bounds)[few])
    return bounds[few][item] + offset


def _in_long_runs(ranges: Ranges) -> bool:
    """Whether pieces begin with their stratum, end in ascending order, and strata are long."""
    n_segments = len(ranges.bounds) - 1
    ascending = bool(np.all(ranges.hi[:-1] <= ranges.hi[1:]))
    return ascending and ranges.all_prefix and ranges.n_cells >= n_segments * CHUNK // 8


def _powers_by_chunks(plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel) -> np.ndarray:
    """All powers while a chunk of cells is in cache, with a carry from chunk to chunk."""
    out = np.zeros((len(pieces.r), kernel.width))
    ranges = pieces.ranges
    for first, last in zip(ranges.bounds[:-1], ranges.bounds[1:], strict=True):
        carry = np.zeros((MAX_POWER + 1, kernel.table_width))
        for start in range(first, last, CHUNK):
            cells = slice(start, min(start + CHUNK, last))
            if plan.K_cell[cells].any():
                # Pieces are in the order in which they end: those that end in this chunk are a
                # slice. All begin with the stratum, so what they take is one entry of a running
                # sum.
                rows = slice(*np.searchsorted(ranges.hi, [start, cells.stop], side="right"))
                out[rows] = _of_chunk(cells, rows, carry, plan, pieces, kernel)
    # A piece that is exposed nowhere ends where its stratum begins: with the stratum before.
    out[ranges.lo >= ranges.hi] = 0.0
    return out


def _of_chunk(
    cells: slice, rows: slice, carry: np.ndarray, plan: _Plan, pieces: Pieces, kernel: Kernel
) -> np.ndarray:
    at = pieces.ranges.hi[rows] - 1 - cells.start
    needed = plan.K_piece[rows]
    r = pieces.r[rows] / plan.scale
    sums = np.zeros((len(at), kernel.table_width))
    for k in range(1, max(plan.K_cell[cells].max(), needed.max(initial=0)) + 1):
        running = kernel.table(k, plan.powers[k - 1], cells)
        # In place: the table is made anew for each chunk, and is the largest array of all this.
        np.cumsum(running, axis=0, out=running)
        running += carry[k]
        carry[k] = running[-1]
        some = np.flatnonzero(needed >= k)
        if 2 * len(some) > len(at):  # without a selection so much faster that all may come along
            part = running.take(at, axis=0)
            part *= (r**k)[:, None]
            sums += part
        else:
            sums[some] += running.take(at[some], axis=0) * (r[some] ** k)[:, None]
    return kernel.combined(sums, pieces, rows)


def _powers_by_ranges(plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel) -> np.ndarray:
    """One power after the other, over the cells and for the pieces that need it."""
    total = np.zeros((len(pieces.r), kernel.table_width))
    # eps^k = (r/scale)^k (phi/scale)^-k: each factor stays in the range of doubles, where r^k
    # phi^-k may not.
    r = pieces.r / plan.scale
    for k in range(1, int(plan.K_cell.max()) + 1):
        cells = np.flatnonzero(plan.K_cell >= k)
        everywhere = len(cells) == sums.sets.n_cells
        ranges = pieces.ranges if everywhere else pieces.ranges.restricted(cells)
        rows = np.flatnonzero((ranges.lo < ranges.hi) & (plan.K_piece >= k))
        table = kernel.table(k, plan.powers[k - 1], slice(None) if everywhere else cells)
        part = ranges.take(rows).gather(table)
        part *= (r[rows] ** k)[:, None]
        total[rows] += part
    out = np.empty((len(r), kernel.width))
    for some in in_cache(len(r), kernel.table_width):
        out[some] = kernel.combined(total[some], pieces, some)
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
        for few in slices_of(sums.n_terms[cell], SLICE):
            terms = terms_of(piece[few], cell[few], plan.K_cell, sums, pieces, others)
            change = kernel.remainder(terms, pieces, others)
            # Pairs come ordered by piece, so the terms of a piece stand together, and at most the
            # first and the last piece of a slice are added in two parts: hence +=.
            first = np.flatnonzero(np.diff(terms.piece, prepend=-1))
            out[terms.piece[first]] += np.add.reduceat(change, first, axis=0)
