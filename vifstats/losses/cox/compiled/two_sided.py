"""The sums of `one_pass` where rows enter late: of ranges that begin anywhere, in two passes.

Cells stand in chunks of 2^bits. A range within one chunk is taken cell by cell. The first and the
last chunk of any other have the same leading bits, then 0 and 1: between is a middle, a chunk that
is a multiple of the power of two of that bit, its level. A pass forward keeps for each level a sum
from the last middle on, a pass back the same, so a range reads one sum of either side, or adds to
one of either side, all of them in cache; and nothing is ever subtracted.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import add, compiled
from vifstats.losses.cox.compiled.one_pass import (
    _add_term,
    _add_tie,
    _dying,
    _power,
    _powers_of_cells,
    _read,
)

__all__ = ["late_gradients", "late_moments"]

# Rows that are fetched at once, when they are not in order.
NEAR = 128


@compiled
def _levels(lo: np.ndarray, hi: np.ndarray, bits: int) -> np.ndarray:
    """How many bits of the first and last chunk of each range differ, int (n,); -1 if empty."""
    level = np.full(len(lo), -1, dtype=np.int8)
    for i in range(len(lo)):
        if lo[i] < hi[i]:
            differ = (lo[i] >> bits) ^ (hi[i] - 1 >> bits)
            level[i] = 0
            while differ:
                differ >>= 1
                level[i] += 1
    return level


@compiled
def _fetch(near: np.ndarray, x: np.ndarray, order: np.ndarray, at: int) -> None:
    """The next rows of x, at once: one after the other each would be waited for."""
    if at % NEAR == 0:
        for k in range(min(NEAR, len(order) - at)):
            i = np.uint64(order[at + k])  # never counted from the end: no branch
            for j in range(x.shape[1]):
                near[k, j] = x[i, j]


@compiled
def _begin_chunk(totals: np.ndarray, before: int, chunk: int) -> None:
    """The sum of each level begins anew at each multiple of twice its power of two."""
    for k in range(len(totals)):
        if before >> k + 1 != chunk >> k + 1:
            totals[k] = 0.0


@compiled
def _cover(
    R: np.ndarray, R1: np.ndarray, rows: tuple, order: np.ndarray, bits: int, back: bool
) -> None:
    """Add r and r x of each row to the cells between its end on one side and its middle.

    `rows`: X, r, levels, and the cell of that end, int (n,); `order`: the rows by that end.
    """
    X, r, level, end = rows
    order = order[level[order] > 0]
    r, level, end = r[order], level[order], end[order]
    p, before, at = X.shape[1], -1, 0
    totals, now = np.zeros((level.max() if len(level) else 0, p + 1)), np.zeros(p + 1)
    near = np.empty((NEAR, p))
    for step in range(len(R)):
        c = len(R) - 1 - step if back else step
        chunk = c >> bits
        if chunk != before:
            _begin_chunk(totals, before, chunk)
            before = chunk
            now[:] = 0.0
            for k in range(len(totals)):
                if (chunk >> k & 1) == back:
                    add(now, totals[k])
        while at < len(order) and end[at] == c:
            _fetch(near, X, order, at)
            k = level[at] - 1
            for j in range(p):
                rx = r[at] * near[at % NEAR, j]
                totals[k, j] += rx
                now[j] += rx
            totals[k, p] += r[at]
            now[p] += r[at]
            at += 1
        R[c] += now[p]
        for j in range(p):
            R1[c, j] += now[j]


@compiled
def late_moments(
    m0: np.ndarray, X: np.ndarray, r: np.ndarray, rows: tuple, deaths: np.ndarray, bits: int
) -> tuple[np.ndarray, ...]:
    """As `first_moments`, with chunks of 2^bits cells.

    `rows`: int arrays, the ranges of each row without its own event, lo and hi, the rows in the
    order of lo and of hi, and the event rows; `deaths` int (n_cells,).
    """
    lo, hi, by_start, by_end, own = rows
    R, level = np.zeros(len(deaths)), _levels(lo, hi, bits)
    _cover(R, m0, (X, r, level, lo), by_start, bits, False)
    _cover(R, m0, (X, r, level, hi - 1), by_end[::-1], bits, True)
    for i in np.flatnonzero(level == 0):
        for c in range(lo[i], hi[i]):
            R[c] += r[i]
            for j in range(X.shape[1]):
                m0[c, j] += r[i] * X[i, j]
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
    return R, S0D, tied[0], tied[1]


@compiled
def _end_chunk(tables: np.ndarray, least: np.ndarray, chunk: int, K: int, back: bool) -> None:
    """Add the table of a chunk, which is the last of these, to the levels whose side it is on."""
    n_levels = len(tables) - 1
    for k in range(n_levels):
        if (chunk >> k & 1) != back:
            least[k] = min(least[k], least[-1])
            for power in range(K):
                for j in range(tables.shape[2]):
                    tables[k, power, j] += tables[n_levels, power, j]
    tables[-1] = 0.0
    least[-1] = np.inf


@compiled
def _read_side(
    out: np.ndarray,
    beyond: np.ndarray,
    before: np.ndarray,
    pieces: tuple,
    order: np.ndarray,
    cells: tuple,
    of_cells: tuple,
    powers: tuple,
    bits: int,
    back: bool,
) -> None:
    """Sum M and G of the terms of each piece between its middle and its end on one side.

    Back, they are written to `before`, in this order; then, to what is there, the other side is
    added, and x G - M is written to `out`. `order` int (k,): the pieces by that end; `pieces`: x,
    r, levels, the cell of that end, and where each piece stands in `before`; `of_cells`: number of
    powers, the smallest phi, and how many ties are before, (n_cells,) each.
    """
    x, r, level, end, place = pieces
    r, level, end, place = r[order], level[order], end[order], place[order]
    K, phi_min, ties = of_cells
    scale, limits, explicit = powers
    n_levels, n_terms, p = (level.max() if len(level) else 0), cells[3], x.shape[1]
    tables = np.zeros((n_levels + 1, len(limits) + 1, p + 1))
    own, near = tables[-1], np.zeros((NEAR, p + 1))
    sums = before if back else near
    least, most, previous, at = np.full(n_levels + 1, np.inf), 0, -1, 0
    for step in range(len(K)):
        c = len(K) - 1 - step if back else step
        chunk = c >> bits
        if chunk != previous:
            _end_chunk(tables, least, previous, most, back)
            _begin_chunk(tables[:-1], previous, chunk)
            for k in range(n_levels):
                if previous >> k + 1 != chunk >> k + 1:
                    least[k] = np.inf
            previous, most = chunk, 0
        least[-1], most = min(least[-1], phi_min[c]), max(most, K[c])
        if n_terms[c] > 1:
            _add_tie(own, c, ties[c], cells, scale, K[c])
        else:
            _add_term(own, c, cells[4], scale / phi_min[c], cells[2][c], K[c])
        while at < len(order) and end[at] == c:
            if not back:
                _fetch(near, before, place, at)
            i, row = order[at], (at if back else at % NEAR)
            smallest = min(least[level[at] - 1], least[-1])
            beyond[i] |= r[at] > explicit * smallest
            n_powers = _power(r[at] / smallest, limits)
            _read(sums, row, tables, level[at] - 1, r[at] / scale, n_powers)
            _read(sums, row, tables, n_levels, r[at] / scale, n_powers)
            if not back:
                for j in range(p):
                    out[i, j] = x[i, j] * near[row, p] - near[row, j]
            at += 1


@compiled
def _tied_odds(r: float, c: int, cells: tuple) -> tuple[float, float]:
    """The sum of a eps/(1 - eps) over the terms of a cell, and that times f; not of eps > 1/2."""
    R, S0D, a, n_terms, _, _ = cells
    plain = lean = 0.0
    for term in range(n_terms[c]):
        dying = term / n_terms[c]
        phi = R[c] + (1 - dying) * S0D[c]
        if 2 * r <= phi:
            odds = a[c] * r / (phi - r)
            plain += odds
            lean += odds * dying * S0D[c] / phi
    return plain, lean


@compiled
def _add_pairs(
    out: np.ndarray,
    x: np.ndarray,
    i: int,
    r: float,
    some: tuple[int, int],
    tie: int,
    cells: tuple,
    odds: np.ndarray,
) -> None:
    """a (x - m) eps/(1 - eps) of piece i and the terms of some cells; not where eps > 1/2.

    `odds` (at least as many as the cells): room.
    """
    R, S0D, a, n_terms, m0, delta = cells
    first, last = some
    for k in range(last - first):  # all as if of one term, without a branch: several at once
        phi = R[first + k] + S0D[first + k]
        odds[k] = a[first + k] * r / (phi - r) if 2 * r <= phi else 0.0
    for c in range(first, last):
        plain = odds[c - first]
        if n_terms[c] > 1:
            plain, lean = _tied_odds(r, c, cells)
            for j in range(x.shape[1]):
                out[i, j] -= lean * delta[tie, j]
            tie += 1
        for j in range(x.shape[1]):
            out[i, j] += plain * (x[i, j] - m0[c, j])


@compiled
def late_gradients(
    out: np.ndarray,
    before: np.ndarray,
    pieces: tuple,
    cells: tuple,
    bounds: np.ndarray,
    powers: tuple,
    bits: int,
) -> tuple[np.ndarray, ...]:
    """As `exposed_gradients`, with chunks of 2^bits cells.

    `before` (n, p + 1): 0s, written over; `pieces`: x (n, p), r (n,), the ranges lo and hi, int
    (n,), and the pieces in the order of lo and of hi, int; `bounds`: where segments begin, with the
    end. Returns besides of which pieces all pairs are taken as they are, bool (n,).
    """
    x, r, lo, hi, by_start, by_end = pieces
    phi_min, n_terms = cells[0] + cells[1] / cells[3], cells[3]
    level, place = _levels(lo, hi, bits), np.zeros(len(r), dtype=np.intp)
    no_pairs = np.zeros(len(bounds) - 1, dtype=np.bool_)
    K = _powers_of_cells(r, hi, by_end, cells, (bounds, no_pairs), powers[1])
    of_cells = K, phi_min, np.cumsum(n_terms > 1) - (n_terms > 1)
    beyond = np.zeros(len(r), dtype=np.bool_)
    by_start, by_end = by_start[level[by_start] > 0][::-1], by_end[level[by_end] > 0]
    for k in range(len(by_start)):
        place[by_start[k]] = k
    ends = x, r, level, lo, place
    _read_side(out, beyond, before, ends, by_start, cells, of_cells, powers, bits, True)
    ends = x, r, level, hi - 1, place
    _read_side(out, beyond, before, ends, by_end, cells, of_cells, powers, bits, False)
    odds = np.empty(1 << bits)
    for i in range(len(r)):
        if level[i] == 0:
            beyond[i] = 2 * r[i] > phi_min[lo[i] : hi[i]].min()
            _add_pairs(out, x, i, r[i], (lo[i], hi[i]), of_cells[2][lo[i]], cells, odds)
    return K, beyond, level == 0
