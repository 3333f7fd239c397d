"""What pieces take from the cells at which they are exposed, for all pieces in near-linear time.

For a piece of mass r over a term with sum phi, put eps = r/phi and u = x - m. Removing it changes
the gradient by a u eps/(1 - eps) and the Hessian by a [u u' eps/(1 - eps)^2 + ...], summed over
every term in its range: n times m pairs that do not separate in piece and term. But

    eps/(1 - eps) = eps + eps^2 + ... + eps^K + eps^(K+1)/(1 - eps)

does, but for its last part: eps^k = r^k phi^-k, so each power is a range sum of phi^-k, read once a
piece. K is chosen for each cell so that the last part is below rounding unless eps > EXPLICIT, and
those pairs are few, because the masses at risk sum to at most phi; they are added one by one.
Where eps > 1/2 (one piece a term at the most) phi - r would cancel: the others are summed afresh.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vifstats.risksets.ranges import Ranges
from vifstats.risksets.running import expanded, slices_of
from vifstats.risksets.subjects import Pieces
from vifstats.risksets.sums import PowerSums, RiskSums

__all__ = ["Kernel", "Others", "Terms", "exposure", "geometric", "others_afresh"]

# Powers stop once eps^K < 10^-DIGITS, relative to the first; with MAX_POWER that is at EXPLICIT.
DIGITS, EXPLICIT, MAX_POWER = 14.0, 1e-2, 7
# Strata with at most this many rows add every pair one by one.
FEW_ROWS = 64
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0
# Cells, or pairs, handled at once: their arrays, times the number of covariates, stay in cache.
CHUNK, SLICE = 2048, 1 << 15


@dataclass(frozen=True, eq=False)
class Others:
    """The cells in which one removal may hold most of the mass, and the mass of all others there.

    Attributes
    ----------
    cells : ndarray of int, shape (k,)
        Ascending.
    code : ndarray of int, shape (k,)
        The removal that dominates.
    sums : list of ndarray, shape (k, ...)
        Sums of r, r x (and packed r x x') over the rows at risk that neither die nor leave.
    """

    cells: np.ndarray
    code: np.ndarray
    sums: list[np.ndarray]

    def find(self, cells: np.ndarray, code: np.ndarray) -> np.ndarray:
        """The position of each (cell, code), or -1."""
        if not len(self.cells):
            return np.full(len(cells), -1)
        at = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        return np.where((self.cells[at] == cells) & (self.code[at] == code), at, -1)


@dataclass(frozen=True, eq=False)
class Terms:
    """Pairs of a piece and a term, one by one.

    Attributes
    ----------
    piece, cell : ndarray of int, shape (k,)
    a, eps, phi, f : ndarray, shape (k,)
    alive : ndarray, shape (k,)
        1 - l/d, the share with which deaths of the cell count in the term.
    K : ndarray of int, shape (k,)
        The powers that were summed already.
    other : ndarray of int, shape (k,)
        Position in `Others` where eps > 1/2, else -1.
    """

    piece: np.ndarray
    cell: np.ndarray
    a: np.ndarray
    eps: np.ndarray
    phi: np.ndarray
    f: np.ndarray
    alive: np.ndarray
    K: np.ndarray
    other: np.ndarray


class Kernel(Protocol):
    """What is summed: the change of the gradient, or of the Hessian."""

    width: int
    table_width: int

    def moments(self, rows: np.ndarray) -> list[np.ndarray]:
        """What of some rows is to be summed afresh, besides r, where a piece dominates."""

    def table(self, k: int, powers: PowerSums, cells: np.ndarray | slice) -> np.ndarray:
        """What is to be summed over the cells of a range."""

    def power(
        self, k: int, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice
    ) -> np.ndarray:
        """The k-th power's part for some pieces, but for r^k, from the sums of the table."""

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, shape (n_terms, width)."""


def exposure(sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray) -> np.ndarray:
    """Sum a kernel over every term in the range of every piece.

    Parameters
    ----------
    sums : RiskSums
    pieces : Pieces
    kernel : Kernel
    row_code : ndarray of int, shape (n,)
        The removal of each row, in sorted order.

    Returns
    -------
    ndarray, shape (n_pieces, kernel.width)
    """
    out = np.zeros((len(pieces.r), kernel.width))
    plan = _plan(sums, pieces)
    if plan.by_chunks:
        _add_powers_by_chunks(out, plan, sums, pieces, kernel)
    else:
        for k in range(1, int(plan.K_cell.max()) + 1):
            _add_power(out, k, plan, sums, pieces, kernel)
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
    span = np.log10(sums.S0.max() / sums.phi_min.min())
    most = int(np.clip(LOG10_RANGE / max(span, 1.0), 1, MAX_POWER))
    explicit = min(EXPLICIT, 10.0 ** (-DIGITS / most))
    few = _cells_of_few_rows(sums)
    K_cell = _powers_needed(_largest_mass(pieces) / sums.phi_min, most)
    K_cell[few] = 0
    key = sums.phi_min * explicit
    key[few] = 0.0
    smallest = pieces.ranges.minimum(sums.phi_min)
    scale = float(sums.S0.max())
    lowest = smallest if not len(few) else pieces.ranges.minimum(key) / explicit
    return _Plan(
        K_cell=K_cell,
        K_piece=_powers_needed(pieces.r / smallest, most),
        key=key,
        candidates=np.flatnonzero(pieces.r > lowest * explicit),
        scale=scale,
        powers=[sums.power_sums(k, scale) for k in range(1, int(K_cell.max()) + 1)],
        by_chunks=_in_long_runs(pieces.ranges),
    )


def _powers_needed(eps: np.ndarray, most: int) -> np.ndarray:
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


def _add_powers_by_chunks(
    out: np.ndarray, plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel
) -> None:
    """All powers while a chunk of cells is in cache, with a carry from chunk to chunk."""
    ranges = pieces.ranges
    for first, last in zip(ranges.bounds[:-1], ranges.bounds[1:], strict=True):
        carry = np.zeros((MAX_POWER + 1, kernel.table_width))
        for start in range(first, last, CHUNK):
            cells = slice(start, min(start + CHUNK, last))
            if plan.K_cell[cells].any():
                rows = slice(*np.searchsorted(ranges.hi, [start, cells.stop], side="right"))
                _add_chunk(out, cells, rows, carry, plan, pieces, kernel)
    # A piece that is exposed nowhere ends where its stratum begins: with the stratum before.
    out[ranges.lo >= ranges.hi] = 0.0


def _add_chunk(
    out: np.ndarray,
    cells: slice,
    rows: slice,
    carry: np.ndarray,
    plan: _Plan,
    pieces: Pieces,
    kernel: Kernel,
) -> None:
    at = pieces.ranges.hi[rows] - 1 - cells.start
    needed = plan.K_piece[rows]
    for k in range(1, max(plan.K_cell[cells].max(), needed.max(initial=0)) + 1):
        running = kernel.table(k, plan.powers[k - 1], cells)
        np.cumsum(running, axis=0, out=running)
        running += carry[k]
        carry[k] = running[-1]
        some = np.flatnonzero(needed >= k)
        if 2 * len(some) > len(at):  # a slice is so much faster that the others may come along
            _add_part(out, k, rows, running.take(at, axis=0), plan, pieces, kernel)
        else:
            gathered = running.take(at[some], axis=0)
            _add_part(out, k, rows.start + some, gathered, plan, pieces, kernel)


def _add_power(
    out: np.ndarray, k: int, plan: _Plan, sums: RiskSums, pieces: Pieces, kernel: Kernel
) -> None:
    """One power, over the cells that need it."""
    cells = np.flatnonzero(plan.K_cell >= k)
    everywhere = len(cells) == sums.sets.n_cells
    ranges = pieces.ranges if everywhere else pieces.ranges.restricted(cells)
    rows = np.flatnonzero((ranges.lo < ranges.hi) & (plan.K_piece >= k))
    table = kernel.table(k, plan.powers[k - 1], slice(None) if everywhere else cells)
    _add_part(out, k, rows, ranges.take(rows).gather(table), plan, pieces, kernel)


def _add_part(
    out: np.ndarray,
    k: int,
    rows: np.ndarray | slice,
    gathered: np.ndarray,
    plan: _Plan,
    pieces: Pieces,
    kernel: Kernel,
) -> None:
    part = kernel.power(k, gathered, pieces, rows)
    part *= ((pieces.r[rows] / plan.scale) ** k)[:, None]
    out[rows] += part


def _largest_mass(pieces: Pieces) -> np.ndarray:
    """At least the largest mass exposed in each cell: the largest that has yet to leave."""
    ranges = pieces.ranges
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    largest = np.zeros(ranges.n_cells)
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
    others = _dominated(sums, pieces, kernel, row_code, plan.candidates)
    for part in slices_of(np.full(len(plan.candidates), 4), SLICE):
        some = plan.candidates[part]
        at, cell = pieces.ranges.take(some).pairs_below(plan.key, pieces.r[some])
        piece = some[at]
        for few in slices_of(sums.n_terms[cell], SLICE):
            terms = _terms(piece[few], cell[few], plan.K_cell, sums, pieces, others)
            change = kernel.remainder(terms, pieces, others)
            first = np.flatnonzero(np.diff(terms.piece, prepend=-1))
            out[terms.piece[first]] += np.add.reduceat(change, first, axis=0)


def _terms(
    piece: np.ndarray,
    cell: np.ndarray,
    K: np.ndarray,
    sums: RiskSums,
    pieces: Pieces,
    others: Others,
) -> Terms:
    pair, tie = expanded(sums.n_terms[cell])
    piece, cell = piece[pair], cell[pair]
    alive = 1 - tie / sums.n_terms[cell]
    phi = sums.R[cell] + alive * sums.S0D[cell]
    eps = pieces.r[piece] / phi
    other = np.where(eps > 0.5, others.find(cell, pieces.code[piece]), -1)
    return Terms(
        piece=piece,
        cell=cell,
        a=sums.a[cell],
        eps=eps,
        phi=phi,
        f=(1 - alive) * sums.S0D[cell] / phi,
        alive=alive,
        K=K[cell].astype(float),
        other=other,
    )


def _dominated(
    sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray, candidates: np.ndarray
) -> Others:
    """The cells with a piece of eps > 1/2 in some term: at most one a cell."""
    ranges = pieces.ranges.take(candidates)
    at, cells = ranges.pairs_below(0.5 * sums.phi_min, pieces.r[candidates])
    order = np.argsort(cells)
    code = pieces.code[candidates[at]][order]
    return others_afresh(sums, cells[order], code, row_code, kernel.moments)


def geometric(eps: np.ndarray, K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sums of eps^k and of k eps^k over k = 1 .. K."""
    k = np.arange(1, int(K.max(initial=0)) + 1)
    powers = np.where(k <= K[:, None], eps[:, None] ** k, 0.0)
    return powers.sum(axis=1), powers @ k.astype(float)


def others_afresh(
    sums: RiskSums,
    cells: np.ndarray,
    code: np.ndarray,
    row_code: np.ndarray,
    moments: Callable[[np.ndarray], list[np.ndarray]],
) -> Others:
    """Sum over the rows at risk that do not die, without those of one removal in each cell.

    Parameters
    ----------
    sums : RiskSums
    cells, code : ndarray of int, shape (k,)
        Distinct cells, ascending, and the removal left out in each.
    row_code : ndarray of int, shape (n,)
    moments : callable
        From rows to the list of what is summed besides r.
    """
    exposed = sums.sets.exposed
    rows = np.flatnonzero(exposed.hi > cells.min(initial=exposed.n_cells))
    some = exposed.take(rows).restricted(cells)
    inside = np.flatnonzero(some.lo < some.hi)
    rows, some = rows[inside], some.take(inside)
    part, ranges = _without_own(some, row_code[rows], code)
    totals = [ranges.scatter(values[part]) for values in [sums.r[rows], *moments(rows)]]
    return Others(cells, code, totals)


def _without_own(
    ranges: Ranges, row_code: np.ndarray, cell_code: np.ndarray
) -> tuple[np.ndarray, Ranges]:
    """Cut each row's range at the cells where its own removal is the one left out."""
    n_cells = len(cell_code)
    by_code = np.lexsort((np.arange(n_cells), cell_code))
    keys = cell_code[by_code] * (n_cells + 1) + by_code
    base = row_code * (n_cells + 1)
    first = np.searchsorted(keys, base + ranges.lo)
    n_cuts = np.searchsorted(keys, base + ranges.hi) - first
    row, part = expanded(n_cuts + 1)
    cut_before = by_code[np.minimum(first[row] + part - 1, n_cells - 1)] if n_cells else row
    cut_after = by_code[np.minimum(first[row] + part, n_cells - 1)] if n_cells else row
    lo = np.where(part == 0, ranges.lo[row], cut_before + 1)
    hi = np.where(part == n_cuts[row], ranges.hi[row], cut_after)
    return row, Ranges(lo, np.maximum(lo, hi), ranges.bounds)
