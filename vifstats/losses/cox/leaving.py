"""What leaves: the risk that a removal takes from each risk set, and the deaths it takes.

A removal is at risk with a constant mass over *pieces* of time. For single rows, or the adjacent
(start, stop] rows of a subject, the pieces are the rows themselves. Where rows of one removal
overlap (a cluster, or careless data) they share risk sets and must leave together: the pieces are
then the intervals between their joint break points.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.moments import Columns, Moments, moments_of
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sets import RiskSets, in_order
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import Bins, rows_of

__all__ = ["Deaths", "Pieces", "leaving"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Intervals over which a removal is at risk, without the cells of its own deaths."""

    # int (k,): the removal of each piece
    code: np.ndarray
    r: np.ndarray  # (k,)
    # (k, p): mean covariates, weighted by r
    x: np.ndarray
    # (k, q) or None: packed covariance of x within the piece, for the columns asked for; None if it
    # is 0
    scatter: np.ndarray | None
    ranges: Ranges
    # Whether no two pieces belong to one removal
    distinct: bool

    def take(self, some: slice | np.ndarray) -> "Pieces":
        """Some of them."""
        code, r, x = (rows_of(values, some) for values in (self.code, self.r, self.x))
        scatter = None if self.scatter is None else rows_of(self.scatter, some)
        return Pieces(code, r, x, scatter, self.ranges.take(some), self.distinct)


@dataclass(frozen=True, eq=False)
class Deaths:
    """Cells in which a removal has deaths of its own, with all it takes from them."""

    # code, cell, d int (k,): removal, cell, and number of deaths
    code: np.ndarray
    cell: np.ndarray
    d: np.ndarray
    w: np.ndarray  # (k,)
    # From some of these deaths to their covariates times w, (some, p)
    wx: Callable[[slice], np.ndarray]
    # From positions among these deaths to their moments: only ties ask for them
    dying: Callable[[np.ndarray], Moments]
    # Of its other rows at risk in the cell; None if there are none
    alive: Moments | None = None
    # int (k,): the piece of the same row, where pieces are rows
    piece: np.ndarray | None = None


def leaving(
    sums: RiskSums, code: np.ndarray, single: bool, columns: Columns
) -> tuple[Pieces, Deaths]:
    """Pieces and deaths of every removal.

    `code` int (n,): the removal of each row, in sorted order, or -1; `single`: whether each has one
    row at the most; `columns`: covariate pairs whose second moments are wanted too.
    """
    if single or not _overlapping(sums.sets, code):
        return _rows_as_pieces(sums, code, single, columns)
    return _joint_pieces(sums, code, columns)


def _overlapping(sets: RiskSets, code: np.ndarray) -> bool:
    """Whether two rows of one removal are at risk in one cell."""
    rows = np.flatnonzero((code >= 0) & (sets.ranges.lo < sets.ranges.hi))
    # The cells of different strata are different, so cells alone tell.
    rows = rows[np.lexsort((sets.ranges.lo[rows], code[rows]))]
    same = code[rows[1:]] == code[rows[:-1]]
    return bool(np.any(same & (sets.ranges.lo[rows[1:]] < sets.ranges.hi[rows[:-1]])))


def _rows_as_pieces(
    sums: RiskSums, code: np.ndarray, distinct: bool, columns: Columns
) -> tuple[Pieces, Deaths]:
    sets, own = sums.sets, sums.sets.own
    # In the usual case every row leaves in its turn, and nothing is copied.
    if (code >= 0).all():
        piece = own
        pieces = Pieces(code, sums.r, sums.X, None, sets.exposed, distinct)
    else:
        rows = np.flatnonzero(code >= 0)
        own = own[code[own] >= 0]
        piece = np.searchsorted(rows, own)
        x = sums.X.take(rows, axis=0)
        pieces = Pieces(code[rows], sums.r[rows], x, None, sets.exposed.take(rows), distinct)

    def dying(at: np.ndarray) -> Moments:
        return moments_of(sums.r[own[at]], sums.X.take(own[at], axis=0), columns)

    w = in_order(sums.w, own)

    def wx(some: slice) -> np.ndarray:
        return w[some, None] * sums.X.take(own[some], axis=0)

    deaths = Deaths(
        code=code[own],
        cell=sets.cell_of_event if own is sets.own else sets.ranges.hi[own] - 1,
        d=np.broadcast_to(np.intp(1), len(own)),
        w=w,
        wx=wx,
        dying=dying,
        piece=piece,
    )
    return pieces, deaths


def _joint_pieces(sums: RiskSums, code: np.ndarray, columns: Columns) -> tuple[Pieces, Deaths]:
    sets = sums.sets
    rows = np.flatnonzero((code >= 0) & (sets.ranges.lo < sets.ranges.hi))
    code, lo, hi = code[rows], sets.ranges.lo[rows], sets.ranges.hi[rows]
    dying = np.flatnonzero(sets.event[rows])
    intervals = _intervals(code, lo, hi, dying, sets.n_cells)
    w, x = sums.w[rows], sums.X.take(rows, axis=0)
    moments = moments_of(sums.r[rows], x, columns)
    alive = moments.each(intervals.exposed.scatter)

    bins = Bins(intervals.of_death, len(intervals.start))
    count = np.bincount(intervals.of_death, minlength=len(intervals.start))
    at = np.flatnonzero(count)
    deaths = Deaths(
        code=intervals.code[at],
        cell=intervals.start[at],
        d=count[at],
        w=bins.sums(w[dying])[at],
        wx=bins.sums(w[dying, None] * x[dying])[at].__getitem__,
        dying=moments.take(dying).each(bins.sums).take(at).take,
        alive=alive.take(at),
    )
    # Intervals with deaths are in `Deaths`. If nobody is at risk, nothing is taken, and a mean
    # would be 0/0.
    kept = np.flatnonzero((count == 0) & (alive.r > 0))
    mass = alive.take(kept)
    pieces = Pieces(
        code=intervals.code[kept],
        r=mass.r,
        x=mass.mean(),
        scatter=mass.covariance(columns) if len(columns[0]) else None,
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
    # Removal and cell as one integer: one sort and one search then serve all removals. hi may be
    # n_cells, so a removal has n_cells + 1 places.
    width = n_cells + 1
    base = code * width
    breaks = np.unique(np.concatenate([base + lo, base + hi, (base + hi - 1)[dying]]))
    break_code, start = np.divmod(breaks, width)
    # A removal's last break point begins an empty interval, which no row covers.
    last = np.append(np.diff(break_code) != 0, True)
    stop = np.where(last, start, np.append(start[1:], 0))
    bounds = np.append(0, np.flatnonzero(last) + 1)
    exposed_hi = hi.copy()
    # In the cell of its death a row is part of the tie, not of those who live on. There it is in
    # `Deaths`, and the other rows of its removal are in `Deaths.alive`.
    exposed_hi[dying] -= 1
    local_lo = np.searchsorted(breaks, base + lo)
    local_hi = np.searchsorted(breaks, base + exposed_hi)
    of_death = np.searchsorted(breaks, (base + hi - 1)[dying])
    return _Intervals(break_code, start, stop, Ranges(local_lo, local_hi, bounds), of_death)
