"""The sums over risk sets of `one_pass` where rows enter late."""

import numpy as np

from vifstats.losses.cox.compiled.kept import add, compiled
from vifstats.losses.cox.compiled.one_pass import _dying
from vifstats.losses.cox.compiled.two_sided import NEAR, begin_chunk, count_levels, look_at, side

__all__ = ["late_moments"]


@compiled
def _add_rows(
    cells: np.ndarray,
    totals: np.ndarray,
    X: np.ndarray,
    rows: tuple,
    seen: np.ndarray,
    at: int,
    chunk: tuple[int, int],
    step: int,
) -> int:
    """Add r and r x of the rows that end in a chunk to its cells, and to the sums of levels.

    `at`: the next row, and returned as it is then; `chunk`: its number, and bits.
    """
    order, r, level, end = rows
    p, first = X.shape[1], chunk[0] << chunk[1]
    while 0 <= at < len(order):
        if at % NEAR == 0:
            look_at(seen, X, order, at, step)
        if level[at] > 0:
            if end[at] >> chunk[1] != chunk[0]:
                break
            i, cell, t = np.uint64(order[at]), end[at] - first, level[at] - 1
            for j in range(p):
                rx = r[at] * X[i, j]
                cells[cell, j] += rx
                totals[t, j] += rx
            cells[cell, p] += r[at]
            totals[t, p] += r[at]
        at += step
    return at


@compiled
def _cover(
    R: np.ndarray, R1: np.ndarray, X: np.ndarray, rows: tuple, bits: int, back: bool
) -> None:
    """Add r and r x of each row to the cells between its end on one side and its middle.

    `rows`: in the order of the cells of that end: their numbers, r, levels, and those cells.
    """
    p, n_levels, size = R1.shape[1], count_levels(rows[2]), 1 << bits
    totals, cells, now = np.zeros((n_levels, p + 1)), np.zeros((size, p + 1)), np.zeros(p + 1)
    seen, n_chunks = np.empty(NEAR), (len(R) - 1 >> bits) + 1
    at, ahead = (len(rows[0]) - 1, -1) if back else (0, 1)
    for step in range(n_chunks):
        chunk = n_chunks - 1 - step if back else step
        begin_chunk(totals, chunk, back, 0.0)
        now[:] = 0.0
        for k in range(n_levels):
            if (chunk >> k & 1) == back:
                add(now, totals[k])
        at = _add_rows(cells, totals, X, rows, seen, at, (chunk, bits), ahead)
        first, n = chunk << bits, min(size, len(R) - (chunk << bits))
        for k in range(n):
            cell = n - 1 - k if back else k
            add(now, cells[cell])
            R[first + cell] += now[p]
            for j in range(p):
                R1[first + cell, j] += now[j]
        cells[:] = 0.0


@compiled
def _cover_within(
    R: np.ndarray, R1: np.ndarray, X: np.ndarray, r: np.ndarray, ranges: tuple, level: np.ndarray
) -> None:
    """Add r and r x of each row whose range is within a chunk to its cells."""
    lo, hi = ranges
    for i in np.flatnonzero(level == 0):
        for c in range(lo[i], hi[i]):
            R[c] += r[i]
            for j in range(X.shape[1]):
                R1[c, j] += r[i] * X[i, j]


@compiled
def _means(
    m0: np.ndarray, R: np.ndarray, X: np.ndarray, r: np.ndarray, own: np.ndarray, deaths: np.ndarray
) -> tuple[np.ndarray, ...]:
    """S0D, and R1, S1D of the cells with several deaths; R1 in `m0` becomes S1/S0."""
    S0D, tied = np.zeros(len(deaths)), np.zeros((2, (deaths > 1).sum(), X.shape[1]))
    event, tie, dying = len(own), tied.shape[1], np.empty(X.shape[1])
    for c in range(len(deaths) - 1, -1, -1):
        S0D[c] = _dying(dying, X, r, own, (event - deaths[c], event))
        event -= deaths[c]
        if deaths[c] > 1:
            tie -= 1
            add(tied[0, tie], m0[c])
            add(tied[1, tie], dying)
        for j in range(X.shape[1]):
            m0[c, j] = (m0[c, j] + dying[j]) / (R[c] + S0D[c])
    return S0D, tied[0], tied[1]


def late_moments(
    m0: np.ndarray, X: np.ndarray, r: np.ndarray, rows: tuple, deaths: np.ndarray, chunks: tuple
) -> tuple[np.ndarray, ...]:
    """As `first_moments`, where ranges have these levels, int (n,), and chunks these bits.

    `rows`: int arrays, the ranges of each row without its own event, lo and hi, the rows in the
    order of lo and of hi, and the event rows; `deaths` int (n_cells,).
    """
    lo, hi, by_start, by_end, own = rows
    R, (level, bits) = np.zeros(len(deaths)), chunks
    _cover(R, m0, X, side(by_start, r, level, lo), bits, False)
    _cover(R, m0, X, side(by_end, r, level, hi - 1), bits, True)
    _cover_within(R, m0, X, r, (lo, hi), level)
    return R, *_means(m0, R, X, r, own, deaths)
