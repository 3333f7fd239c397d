"""The changes of the gradient of `one_pass` where rows enter late."""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled
from vifstats.losses.cox.compiled.one_pass import (
    _add_term,
    _add_tie,
    _power,
    _powers_of_cells,
)
from vifstats.losses.cox.compiled.two_sided import NEAR, begin_chunk, count_levels, look_at, side

__all__ = ["late_gradients"]


@compiled
def _end_chunk(levels: np.ndarray, least: np.ndarray, whole: tuple, chunk: int, back: bool) -> None:
    """Add the table of a chunk to the levels whose side it is on.

    `whole`: the table (K, p + 1), its least phi, and how many powers of it there are.
    """
    table, smallest, K = whole
    for t in range(len(levels)):
        if (chunk >> t & 1) != back:
            least[t] = min(least[t], smallest)
            for k in range(K):
                for j in range(table.shape[1]):
                    levels[t, k, j] += table[k, j]


@compiled
def _tables_of_chunk(
    own: np.ndarray,
    least: np.ndarray,
    table: np.ndarray,
    some: tuple[int, int],
    cells: tuple,
    of_cells: tuple,
    scale: float,
    back: bool,
) -> int:
    """Sums over the cells of a chunk up to each, from one side, and the least phi of them.

    To `own` (size, K, p + 1) and `least` (size,), and the whole to `table` (K, p + 1). Returns the
    number of powers.
    """
    first, last = some
    K, phi_min, ties = of_cells
    a, n_terms, m0 = cells[2], cells[3], cells[4]
    most, smallest, of_each, flat = 0, np.inf, own.reshape(len(own), -1), table.reshape(-1)
    for c in range(first, last):
        most = max(most, K[c])
    table[:most] = 0.0
    for step in range(last - first):
        c = last - 1 - step if back else first + step
        if n_terms[c] > 1:
            _add_tie(table, c, ties[c], cells, scale, K[c])
        else:
            _add_term(table, c, m0, scale / phi_min[c], a[c], K[c])
        smallest = min(smallest, phi_min[c])
        least[c - first] = smallest
        for k in range(most * table.shape[1]):
            of_each[c - first, k] = flat[k]
    return most


@compiled
def _read_both(
    sums: np.ndarray,
    own: np.ndarray,
    cell: int,
    K_own: int,
    levels: np.ndarray,
    t: int,
    r: float,
    K: int,
) -> None:
    """The sum of the first K powers of r times two tables, of which one has K_own at the most."""
    sums[:] = 0.0
    power = 1.0
    for k in range(K):
        power *= r
        if k < K_own:
            for j in range(len(sums)):
                sums[j] += power * (own[cell, k, j] + levels[t, k, j])
        else:
            for j in range(len(sums)):
                sums[j] += power * levels[t, k, j]


@compiled
def _read_pieces(
    out: np.ndarray,
    G: np.ndarray,
    beyond: np.ndarray,
    x: np.ndarray,
    pieces: tuple,
    tables: tuple,
    chunk: tuple[int, int, int],
    at: int,
    powers: tuple,
    room: tuple,
    back: bool,
) -> int:
    """As `_read_side`, of the pieces that end in a chunk.

    `tables`: of the cells and of the levels, each with the least phi; `chunk`: its number, bits,
    and powers; `at`: the next piece, and returned as it is then.
    """
    order, r, level, end = pieces
    own, least, levels, least_of_level = tables
    number, bits, K_own = chunk
    scale, limits, explicit = powers
    seen, sums = room
    p, step = x.shape[1], -1 if back else 1
    while 0 <= at < len(order):
        if back and at % NEAR == 0:
            look_at(seen, out, order, at, step)
        if level[at] > 0:
            if end[at] >> bits != number:
                break
            i, cell, t = np.uint64(order[at]), end[at] & (1 << bits) - 1, level[at] - 1
            smallest = min(least_of_level[t], least[cell])
            beyond[at] |= r[at] > explicit * smallest
            K = _power(r[at] / smallest, limits)
            _read_both(sums, own, cell, K_own, levels, t, r[at] / scale, K)
            if back:
                G[at] = sums[p]
                for j in range(p):
                    out[i, j] = sums[j]
            else:
                grown = G[at] + sums[p]
                for j in range(p):
                    out[i, j] = x[i, j] * grown - (out[i, j] + sums[j])
        at += step
    return at


@compiled
def _read_side(
    out: np.ndarray,
    G: np.ndarray,
    beyond: np.ndarray,
    x: np.ndarray,
    pieces: tuple,
    cells: tuple,
    of_cells: tuple,
    powers: tuple,
    bits: int,
    back: bool,
) -> None:
    """Sum M and G of the terms of each piece between its middle and its end on one side.

    Back, they are written to `out` and `G`; then the other side is added, and x G - M is written to
    `out`. `pieces`: as `side` has them, in the order of those of `G` and `beyond`, but not of
    `out` and `x`; `of_cells`: number of powers, the smallest phi, and how many ties are before,
    (n_cells,) each.
    """
    width, size, n_cells = x.shape[1] + 1, 1 << bits, len(of_cells[0])
    shape = len(powers[1]) + 1, width
    own, table = np.zeros((size, *shape)), np.zeros(shape)
    levels = np.zeros((count_levels(pieces[2]), *shape))
    least, least_of_level = np.empty(size), np.full(len(levels), np.inf)
    tables, room = (own, least, levels, least_of_level), (np.empty(NEAR), np.empty(width))
    n_chunks, at = (n_cells - 1 >> bits) + 1, len(pieces[0]) - 1 if back else 0
    for step in range(n_chunks):
        chunk = n_chunks - 1 - step if back else step
        begin_chunk(levels, chunk, back, 0.0)
        begin_chunk(least_of_level, chunk, back, np.inf)
        some = chunk << bits, min(chunk + 1 << bits, n_cells)
        K = _tables_of_chunk(own, least, table, some, cells, of_cells, powers[0], back)
        now = chunk, bits, K
        at = _read_pieces(out, G, beyond, x, pieces, tables, now, at, powers, room, back)
        whole = table, least[0 if back else some[1] - some[0] - 1], K
        _end_chunk(levels, least_of_level, whole, chunk, back)


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
def _add_within(
    out: np.ndarray,
    beyond: np.ndarray,
    x: np.ndarray,
    pieces: tuple,
    cells: tuple,
    of_cells: tuple,
    bits: int,
) -> None:
    """As `_add_pairs`, of the pieces whose range is within a chunk: r, level, lo and hi."""
    r, level, lo, hi = pieces
    _, phi_min, ties = of_cells
    odds = np.empty(1 << bits)
    for i in range(len(r)):
        if level[i] == 0:
            beyond[i] = 2 * r[i] > phi_min[lo[i] : hi[i]].min()
            _add_pairs(out, x, i, r[i], (lo[i], hi[i]), ties[lo[i]], cells, odds)


def late_gradients(
    out: np.ndarray, pieces: tuple, cells: tuple, bounds: np.ndarray, powers: tuple, chunks: tuple
) -> tuple[np.ndarray, ...]:
    """As `exposed_gradients`, where ranges have these levels, int (n,), and chunks these bits.

    `pieces`: x (n, p), r (n,), the ranges lo and hi, int (n,), and the pieces in the order of lo
    and of hi, int; `bounds`: where segments begin, with the end. Returns besides of which pieces
    all pairs are taken as they are, bool (n,).
    """
    x, r, lo, hi, by_start, by_end = pieces
    phi_min, n_terms = cells[0] + cells[1] / cells[3], cells[3]
    (level, bits), no_pairs = chunks, np.zeros(len(bounds) - 1, dtype=bool)
    K = _powers_of_cells(r, hi, by_end, cells, (bounds, no_pairs), powers[1])
    of_cells = K, phi_min, np.cumsum(n_terms > 1) - (n_terms > 1)
    G, beyond = np.zeros(len(r)), np.zeros(len(r), dtype=bool)
    ends = side(by_start, r, level, lo)
    _read_side(out, G, beyond, x, ends, cells, of_cells, powers, bits, True)
    del ends  # before there are others
    # a piece is at one place in this order, and at another in the next
    G[by_start], beyond[by_start] = G.copy(), beyond.copy()
    G, beyond = G[by_end], beyond[by_end]
    ends = side(by_end, r, level, hi - 1)
    _read_side(out, G, beyond, x, ends, cells, of_cells, powers, bits, False)
    beyond[by_end] = beyond.copy()
    _add_within(out, beyond, x, (r, level, lo, hi), cells, of_cells, bits)
    return K, beyond, level == 0
