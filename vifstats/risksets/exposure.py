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

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vifstats.risksets.ranges import Ranges, expanded, slices_of
from vifstats.risksets.subjects import Pieces
from vifstats.risksets.sums import RiskSums

__all__ = ["Kernel", "Others", "Terms", "exposure", "geometric", "others_afresh"]

# eps^K < 1e-17 at eps = EXPLICIT with K = MAX_POWER
EXPLICIT, MAX_POWER = 1e-2, 8
DIGITS = 17.0
# Strata with at most this many rows add every pair one by one.
FEW_ROWS = 64
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0
# Pairs handled at once; temporary arrays are this times the number of covariates.
SLICE = 1 << 15


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
    moments: list[np.ndarray]

    def table(self, k: int, cells: np.ndarray, scale: float) -> np.ndarray:
        """The factors of phi^-k in each cell, with phi in units of ``scale``."""

    def power(self, k: int, sums: np.ndarray, pieces: Pieces, rows: np.ndarray) -> np.ndarray:
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
    K, bound = _powers_needed(sums, pieces)
    scale = float(sums.S0.max())
    for k in range(1, int(K.max(initial=0)) + 1):
        _add_power(out, k, np.flatnonzero(k <= K), sums, pieces, kernel, scale)
    _add_remainder(out, K, bound, sums, pieces, kernel, row_code)
    return out


def _powers_needed(sums: RiskSums, pieces: Pieces) -> tuple[np.ndarray, float]:
    """K for each cell, and the eps above which a pair is added one by one."""
    span = np.log10(sums.S0.max() / sums.phi_min.min())
    most = int(np.clip(LOG10_RANGE / max(span, 1.0), 1, MAX_POWER))
    explicit = min(EXPLICIT, 10.0 ** (-DIGITS / most))
    eps = np.minimum(_largest_mass(pieces) / sums.phi_min, explicit)
    with np.errstate(divide="ignore"):  # a cell without exposure has eps 0 and needs one power
        K = np.ceil(-DIGITS / np.log10(eps))
    K = np.clip(K, 1, most).astype(np.intp)
    sets = sums.sets
    few = np.flatnonzero(np.diff(sets.row_bounds) <= FEW_ROWS)
    bounds = sets.ranges.bounds
    item, offset = expanded(np.diff(bounds)[few])
    K[bounds[few][item] + offset] = 0
    return K, explicit


def _largest_mass(pieces: Pieces) -> np.ndarray:
    """At least the largest mass exposed in each cell: the largest that has yet to leave."""
    ranges = pieces.ranges
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    largest = np.zeros(ranges.n_cells)
    np.maximum.at(largest, ranges.hi[rows] - 1, pieces.r[rows])
    return ranges.segments.accumulate(largest, reverse=True, ufunc=np.maximum)


def _add_power(
    out: np.ndarray,
    k: int,
    cells: np.ndarray,
    sums: RiskSums,
    pieces: Pieces,
    kernel: Kernel,
    scale: float,
) -> None:
    everywhere = len(cells) == sums.sets.n_cells
    ranges = pieces.ranges if everywhere else pieces.ranges.restricted(cells)
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    gathered = ranges.take(rows).gather(kernel.table(k, cells, scale))
    part = kernel.power(k, gathered, pieces, rows)
    part *= ((pieces.r[rows] / scale) ** k)[:, None]
    out[rows] += part


def _add_remainder(
    out: np.ndarray,
    K: np.ndarray,
    bound: float,
    sums: RiskSums,
    pieces: Pieces,
    kernel: Kernel,
    row_code: np.ndarray,
) -> None:
    key = np.where(K == 0, 0.0, sums.phi_min * bound)
    rows = _candidates(pieces.ranges, key, pieces.r)
    others = _dominated(sums, pieces, kernel, row_code)
    for part in slices_of(np.full(len(rows), 4), SLICE):
        some = rows[part]
        at, cell = pieces.ranges.take(some).pairs_below(key, pieces.r[some])
        piece = some[at]
        for few in slices_of(sums.n_terms[cell], SLICE):
            terms = _terms(piece[few], cell[few], K, sums, pieces, others)
            change = kernel.remainder(terms, pieces, others)
            first = np.flatnonzero(np.diff(terms.piece, prepend=-1))
            out[terms.piece[first]] += np.add.reduceat(change, first, axis=0)


def _candidates(ranges: Ranges, key: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Pieces that may have a pair to add: a cheap bound before the tree is descended."""
    smallest = -ranges.segments.accumulate(-key, ufunc=np.maximum) if len(key) else key
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    return rows[smallest[ranges.hi[rows] - 1] < mass[rows]]


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
        K=K[cell],
        other=other,
    )


def _dominated(
    sums: RiskSums, pieces: Pieces, kernel: Kernel, row_code: np.ndarray
) -> Others:
    key = 0.5 * sums.phi_min
    rows = _candidates(pieces.ranges, key, pieces.r)
    at, cells = pieces.ranges.take(rows).pairs_below(key, pieces.r[rows])
    order = np.argsort(cells)
    return others_afresh(sums, cells[order], pieces.code[rows[at]][order], row_code, kernel.moments)


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
    moments: list[np.ndarray],
) -> Others:
    """Sum over the rows at risk that do not die, without those of one removal in each cell.

    Parameters
    ----------
    sums : RiskSums
    cells, code : ndarray of int, shape (k,)
        Distinct cells, ascending, and the removal left out in each.
    row_code : ndarray of int, shape (n,)
    moments : list of ndarray, shape (n, ...)
        What to sum, besides r.
    """
    exposed = sums.sets.exposed.restricted(cells)
    rows = np.flatnonzero(exposed.lo < exposed.hi)
    cut = _without_own(exposed.take(rows), row_code[rows], code)
    kept, ranges = rows[cut[0]], cut[1]
    totals = [ranges.scatter(values[kept]) for values in [sums.r, *moments]]
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
