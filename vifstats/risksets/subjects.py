"""What leaves: the risk that a removal takes from each risk set, and the deaths it takes.

A removal is at risk with a constant mass over *pieces* of time. For single rows, or the adjacent
(start, stop] rows of a subject, the pieces are the rows themselves. Where rows of one removal
overlap (a cluster, or careless data) they share risk sets and must leave together: the pieces are
then the intervals between their joint break points.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.removals import Removals
from vifstats.risksets.data import RiskSets
from vifstats.risksets.ranges import Ranges
from vifstats.risksets.running import Bins
from vifstats.risksets.sums import RiskSums

__all__ = ["Deaths", "Pieces", "leaving"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Intervals over which a removal is at risk, without the cells of its own deaths.

    Attributes
    ----------
    code : ndarray of int, shape (k,)
        The removal of each piece.
    r : ndarray, shape (k,)
    x : ndarray, shape (k, p)
        Mean covariates, weighted by r.
    scatter : ndarray, shape (k, q) or None
        Packed covariance of x within the piece, for the columns asked for; None if it is 0.
    ranges : Ranges
    distinct : bool
        Whether no two pieces belong to one removal.
    """

    code: np.ndarray
    r: np.ndarray
    x: np.ndarray
    scatter: np.ndarray | None
    ranges: Ranges
    distinct: bool


@dataclass(frozen=True, eq=False)
class Deaths:
    """Cells in which a removal has deaths of its own, with all it takes from them.

    Attributes
    ----------
    code, cell, d : ndarray of int, shape (k,)
        Removal, cell, and number of deaths.
    r, w : ndarray, shape (k,)
        r, and case weight, of the deaths.
    rx, wx : ndarray, shape (k, p)
    rxx : ndarray, shape (k, q) or None
    piece : ndarray of int, shape (k,), or None
        The piece of the same row, where pieces are rows.
    r_other, rx_other, rxx_other : ndarray or None
        The same sums over its rows that are at risk in the cell but do not die; None if 0.
    """

    code: np.ndarray
    cell: np.ndarray
    d: np.ndarray
    r: np.ndarray
    w: np.ndarray
    rx: np.ndarray
    wx: np.ndarray
    rxx: np.ndarray | None
    piece: np.ndarray | None = None
    r_other: np.ndarray | None = None
    rx_other: np.ndarray | None = None
    rxx_other: np.ndarray | None = None


def leaving(
    sums: RiskSums, removals: Removals, columns: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[Pieces, Deaths]:
    """Pieces and deaths of every removal.

    Parameters
    ----------
    sums : RiskSums
    removals : Removals
        Of rows in the user's order.
    columns : pair of ndarray of int, optional
        Covariate pairs whose second moments are wanted too.
    """
    sets = sums.sets
    code = removals.codes[sets.order]
    if removals.single or not _overlapping(sets, code):
        return _rows_as_pieces(sums, code, removals.single, columns)
    return _joint_pieces(sums, code, columns)


def _overlapping(sets: RiskSets, code: np.ndarray) -> bool:
    """Whether two rows of one removal are at risk in one cell."""
    rows = np.flatnonzero((code >= 0) & (sets.ranges.lo < sets.ranges.hi))
    # The cells of different strata are different, so cells alone tell.
    rows = rows[np.lexsort((sets.ranges.lo[rows], code[rows]))]
    same = code[rows[1:]] == code[rows[:-1]]
    return bool(np.any(same & (sets.ranges.lo[rows[1:]] < sets.ranges.hi[rows[:-1]])))


def _rows_as_pieces(
    sums: RiskSums, code: np.ndarray, distinct: bool, columns: tuple[np.ndarray, np.ndarray] | None
) -> tuple[Pieces, Deaths]:
    sets, own = sums.sets, sums.sets.own
    if (code >= 0).all():
        piece = own
        pieces = Pieces(code, sums.r, sums.X, None, sets.exposed, distinct)
    else:
        rows = np.flatnonzero(code >= 0)
        own = own[code[own] >= 0]
        piece = np.searchsorted(rows, own)
        x = sums.X.take(rows, axis=0)
        pieces = Pieces(code[rows], sums.r[rows], x, None, sets.exposed.take(rows), distinct)
    r, w, x = sums.r[own], sums.w[own], sums.X.take(own, axis=0)
    rx = r[:, None] * x
    deaths = Deaths(
        code=code[own],
        cell=sets.ranges.hi[own] - 1,
        d=np.ones(len(own), dtype=np.intp),
        r=r,
        w=w,
        rx=rx,
        wx=w[:, None] * x,
        rxx=None if columns is None else rx[:, columns[0]] * x[:, columns[1]],
        piece=piece,
    )
    return pieces, deaths


def _joint_pieces(
    sums: RiskSums, code: np.ndarray, columns: tuple[np.ndarray, np.ndarray] | None
) -> tuple[Pieces, Deaths]:
    sets = sums.sets
    rows = np.flatnonzero((code >= 0) & (sets.ranges.lo < sets.ranges.hi))
    code, lo, hi = code[rows], sets.ranges.lo[rows], sets.ranges.hi[rows]
    dying = np.flatnonzero(sets.event[rows])
    intervals = _intervals(code, lo, hi, dying, sets.n_cells)
    r, w, x = sums.r[rows], sums.w[rows], sums.X.take(rows, axis=0)
    rx = r[:, None] * x
    rxx = None if columns is None else rx[:, columns[0]] * x[:, columns[1]]

    bins = Bins(intervals.of_death, len(intervals.start))
    has_death = np.bincount(intervals.of_death, minlength=len(intervals.start)) > 0
    at = np.flatnonzero(has_death)

    def at_risk(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else intervals.exposed.scatter(values)

    def died(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else bins.sums(values[dying])[at]

    mass, mass_x, mass_xx = at_risk(r), at_risk(rx), at_risk(rxx)
    deaths = Deaths(
        code=intervals.code[at],
        cell=intervals.start[at],
        d=np.bincount(intervals.of_death, minlength=len(has_death))[at],
        r=died(r),
        w=died(w),
        rx=died(rx),
        wx=died(w[:, None] * x),
        rxx=died(rxx),
        r_other=mass[at],
        rx_other=mass_x[at],
        rxx_other=None if mass_xx is None else mass_xx[at],
    )
    kept = np.flatnonzero(~has_death & (mass > 0))
    mean = mass_x[kept] / mass[kept, None]
    scatter = None
    if columns is not None:
        scatter = mass_xx[kept] / mass[kept, None] - mean[:, columns[0]] * mean[:, columns[1]]
    pieces = Pieces(
        code=intervals.code[kept],
        r=mass[kept],
        x=mean,
        scatter=scatter,
        ranges=Ranges(intervals.start[kept], intervals.stop[kept], sets.ranges.bounds),
        distinct=False,
    )
    return pieces, deaths


@dataclass(frozen=True, eq=False)
class _Intervals:
    """The cells between consecutive break points of each removal, and the rows over them."""

    code: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    exposed: Ranges
    of_death: np.ndarray


def _intervals(
    code: np.ndarray, lo: np.ndarray, hi: np.ndarray, dying: np.ndarray, n_cells: int
) -> _Intervals:
    """Break the time of each removal where a row enters or leaves and around each death."""
    width = n_cells + 1
    base = code * width
    breaks = np.unique(np.concatenate([base + lo, base + hi, (base + hi - 1)[dying]]))
    break_code, start = np.divmod(breaks, width)
    # A removal's last break point begins an empty interval, which no row covers.
    last = np.append(np.diff(break_code) != 0, True)
    stop = np.where(last, start, np.append(start[1:], 0))
    bounds = np.append(0, np.flatnonzero(last) + 1)
    exposed_hi = hi.copy()
    exposed_hi[dying] -= 1
    local_lo = np.searchsorted(breaks, base + lo)
    local_hi = np.searchsorted(breaks, base + exposed_hi)
    of_death = np.searchsorted(breaks, (base + hi - 1)[dying])
    return _Intervals(break_code, start, stop, Ranges(local_lo, local_hi, bounds), of_death)
