"""First moments of the risk sets in one pass back, and changes of the gradient in one forward.

For ranges that all begin with their segment (nobody enters late): the powers of eps are running
sums, in cache, over the cells so far, which the pieces that end there read at once. The formulas
are those of `power_series`, with every cell a block of its own.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import add, compiled, zero

__all__ = ["exposed_gradients", "first_moments", "second_moments"]

# Pieces of a short segment that are taken together: their sums stay in cache.
WIDE = 128


@compiled
def _dying(
    total: np.ndarray, X: np.ndarray, r: np.ndarray, own: np.ndarray, some: tuple[int, int]
) -> float:
    """The sum of r x of some of the event rows, written over `total`, and that of r."""
    total[:] = 0.0
    mass = 0.0
    for event in range(some[0], some[1]):
        row = own[event]
        mass += r[row]
        for j in range(len(total)):
            total[j] += r[row] * X[row, j]
    return mass


@compiled
def first_moments(
    m0: np.ndarray, X: np.ndarray, r: np.ndarray, rows: tuple, cells: tuple
) -> tuple[np.ndarray, ...]:
    """R, S0D (n_cells,), and R1, S1D of the cells with several deaths, (k, p).

    `m0` (n_cells, p): written over; `rows`: int arrays, the end of the range of each row without
    its own event, all ranges beginning with their stratum, the event rows, and where strata begin,
    with the end; `cells`: int arrays, the event rows of each, and where strata begin.
    """
    hi, own, row_bounds = rows
    deaths, bounds = cells
    p = X.shape[1]
    R, S0D = np.zeros((2, len(deaths)))
    tied = np.zeros((2, (deaths > 1).sum(), p))
    event, tie, dying = len(own), tied.shape[1], np.empty(p)
    for s in range(len(bounds) - 2, -1, -1):
        at_risk, mass, row = np.zeros(p), 0.0, row_bounds[s + 1]
        for c in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            while row > row_bounds[s] and hi[row - 1] > c:
                row -= 1
                mass += r[row]
                for j in range(p):
                    at_risk[j] += r[row] * X[row, j]
            S0D[c] = _dying(dying, X, r, own, (event - deaths[c], event))
            event -= deaths[c]
            R[c] = mass
            if deaths[c] > 1:
                tie -= 1
                add(tied[0, tie], at_risk)
                add(tied[1, tie], dying)
            for j in range(p):
                m0[c, j] = (at_risk[j] + dying[j]) / (mass + S0D[c])
    return R, S0D, tied[0], tied[1]


@compiled
def _add_second(total: np.ndarray, X: np.ndarray, row: int, r: float, pairs: tuple) -> None:
    i, j = pairs
    for k in range(len(i)):
        total[k] += r * X[row, i[k]] * X[row, j[k]]


@compiled
def second_moments(
    X: np.ndarray, r: np.ndarray, pairs: tuple, rows: tuple, cells: tuple
) -> np.ndarray:
    """S2/S0 of the pairs of covariates (i, j), int (q,) each, shape (n_cells, q).

    `rows`, `cells` as of `first_moments`.
    """
    hi, own, row_bounds = rows
    deaths, bounds = cells
    q = len(pairs[0])
    A0, event, everyone = np.empty((len(deaths), q)), len(own), np.empty(q)
    for s in range(len(bounds) - 2, -1, -1):
        at_risk, mass, row = np.zeros(q), 0.0, row_bounds[s + 1]
        for c in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            while row > row_bounds[s] and hi[row - 1] > c:
                row -= 1
                mass += r[row]
                _add_second(at_risk, X, row, r[row], pairs)
            everyone[:], S0 = at_risk, mass
            for _ in range(deaths[c]):
                event -= 1
                S0 += r[own[event]]
                _add_second(everyone, X, own[event], r[own[event]], pairs)
            for k in range(q):
                A0[c, k] = everyone[k] / S0
    return A0


@compiled
def _power(eps: float, limits: np.ndarray) -> int:
    """How many powers of eps are needed; 1, 2, ... suffice up to each of the ``limits``."""
    K = 1
    while len(limits) >= K and eps > limits[K - 1]:
        K += 1
    return K


@compiled
def _powers_of_cells(
    r: np.ndarray,
    hi: np.ndarray,
    order: np.ndarray,
    cells: tuple,
    segments: tuple,
    limits: np.ndarray,
) -> np.ndarray:
    """How many powers each cell needs, for the largest mass that is exposed there; 0 for pairs."""
    bounds, short = segments
    R, S0D, _, n_terms, _, _ = cells
    K = np.zeros(len(R), dtype=np.int8)
    at = len(order)
    for s in range(len(bounds) - 2, -1, -1):
        largest = 0.0
        for c in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            while at and hi[order[at - 1]] > c:
                at -= 1
                largest = max(largest, r[order[at]])
            if not short[s]:
                K[c] = _power(largest / (R[c] + S0D[c] / n_terms[c]), limits)
    return K


@compiled
def _add_term(
    table: np.ndarray, c: int, m: np.ndarray, scaled: float, weight: float, K: int
) -> None:
    """The first K powers of 1/phi, times a weight and times that and m, to their sums."""
    p = m.shape[1]
    for k in range(K):
        weight *= scaled
        table[k, p] += weight
        for j in range(p):
            table[k, j] += weight * m[c, j]


@compiled
def _add_tie(table: np.ndarray, c: int, tie: int, cells: tuple, scale: float, K: int) -> None:
    """As `_add_term`, of all terms of a cell."""
    R, S0D, a, n_terms, m0, delta = cells
    for term in range(n_terms[c]):
        dying = term / n_terms[c]
        phi = R[c] + (1 - dying) * S0D[c]
        power, f = a[c], dying * S0D[c] / phi
        for k in range(K):
            power *= scale / phi
            table[k, -1] += power
            for j in range(m0.shape[1]):
                table[k, j] += power * (m0[c, j] + f * delta[tie, j])


@compiled
def _read(sums: np.ndarray, i: int, tables: np.ndarray, t: int, r: float, K: int) -> None:
    """Add M and G of a piece to row i, from the sums of the first K powers of table t.

    The row by its number: an array made of it would be counted, which takes longer.
    """
    power = 1.0
    for k in range(K):
        power *= r
        for j in range(sums.shape[1]):
            sums[i, j] += power * tables[t, k, j]


@compiled
def _by_powers(
    out: np.ndarray,
    beyond: np.ndarray,
    pieces: tuple,
    some: tuple[int, int],
    cells: tuple,
    segment: tuple[int, int, int],
    powers: tuple,
    K: np.ndarray,
) -> None:
    """Sums of a (x - m) eps/(1 - eps) of the pieces that end in a segment, by powers of eps.

    `some`: from and up to which piece, by their ends; `segment`: its first cell, its end, and the
    first of its ties; `K`: how many powers each cell needs.
    """
    x, r, hi, order = pieces
    scale, limits, explicit = powers
    R, S0D, a, n_terms, m0, _ = cells
    p, (at, end), tie, smallest = x.shape[1], some, segment[2], np.inf
    tables, taken = np.zeros((1, len(limits) + 1, p + 1)), np.empty((1, p + 1))
    for c in range(segment[0], segment[1]):
        phi = R[c] + S0D[c] / n_terms[c]
        smallest = min(smallest, phi)
        if n_terms[c] > 1:
            _add_tie(tables[0], c, tie, cells, scale, K[c])
            tie += 1
        else:
            _add_term(tables[0], c, m0, scale / phi, a[c], K[c])
        while at < end and hi[order[at]] == c + 1:
            i, at = order[at], at + 1
            beyond[i] = r[i] > explicit * smallest
            taken[:] = 0.0
            _read(taken, 0, tables, 0, r[i] / scale, _power(r[i] / smallest, limits))
            for j in range(p):
                out[i, j] = x[i, j] * taken[0, p] - taken[0, j]


@compiled
def _add_term_pairs(sums: np.ndarray, n: int, room: tuple, term: tuple, m: tuple) -> None:
    """The odds of n pieces and one term, and those times its mean, to their sums; 0 if eps > 1/2.

    Without a branch, and the pieces innermost: several at once.
    """
    mass, odds = room
    a, phi, f = term
    m0, c, delta, tie = m
    p = len(sums) - 1
    for i in range(n):
        odds[i] = a * mass[i] / (phi - mass[i]) if 2 * mass[i] <= phi else 0.0
        sums[p, i] += odds[i]
    for j in range(p):
        mean = m0[c, j] + f * delta[tie, j] if f else m0[c, j]
        for i in range(n):
            sums[j, i] += odds[i] * mean


@compiled
def _in_pairs(
    out: np.ndarray,
    beyond: np.ndarray,
    pieces: tuple,
    some: tuple[int, int],
    cells: tuple,
    segment: tuple[int, int, int],
    sums: np.ndarray,
    room: tuple,
) -> None:
    """As `_by_powers`, with every pair as it is, of at most WIDE pieces.

    `sums` (p + 1, WIDE): written over, column i is that of the piece before the last i; `room`:
    (WIDE,) twice.
    """
    x, r, hi, order = pieces
    R, S0D, a, n_terms, m0, delta = cells
    (begin, end), (_, _, tie), mass, p = some, segment, room[0], x.shape[1]
    n, smallest = end - begin, np.inf
    for i in range(n):
        mass[i] = r[order[end - 1 - i]]
        for j in range(p + 1):
            sums[j, i] = 0.0
    for c in range(segment[0], segment[1]):
        smallest = min(smallest, R[c] + S0D[c] / n_terms[c])
        for term in range(n_terms[c]):
            dying = term / n_terms[c]
            phi = R[c] + (1 - dying) * S0D[c]
            of_term = a[c], phi, dying * S0D[c] / phi
            _add_term_pairs(sums, n, room, of_term, (m0, c, delta, tie))
        tie += n_terms[c] > 1
        while n and hi[order[end - n]] == c + 1:  # the first of those still exposed
            n -= 1
            i = order[end - 1 - n]
            beyond[i] = 2 * mass[n] > smallest
            for j in range(p):
                out[i, j] = x[i, j] * sums[p, n] - sums[j, n]


@compiled
def exposed_gradients(
    out: np.ndarray, pieces: tuple, cells: tuple, segments: tuple, powers: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a (x - m) eps/(1 - eps) over the terms before the end of each piece.

    `out` (n, p): 0s, written over; `pieces`: x (n, p), r (n,), the end of each range, int (n,),
    and those that are not empty, by their ends, int; `cells`: R, S0D, a (n_cells,), number of
    terms, int (n_cells,), m0 (n_cells, p), delta of the cells of several terms (k, p); `segments`:
    where they begin, with the end, and which are so short that every pair is taken as it is;
    `powers`: the unit of phi; the largest eps of which 1, 2, ... powers suffice; and from which eps
    on they do not, but in short segments 1/2. Returns how many powers are summed of each cell, int
    (n_cells,); and which pieces have a larger eps, bool (n,).
    """
    x, r, hi, order = pieces
    bounds, short = segments
    K = _powers_of_cells(r, hi, order, cells, segments, powers[1])
    beyond = np.zeros(len(r), dtype=np.bool_)
    sums, room = np.empty((x.shape[1] + 1, WIDE)), (np.empty(WIDE), np.empty(WIDE))
    end = tie = zero()
    for s in range(len(bounds) - 1):
        segment, begin = (bounds[s], bounds[s + 1], tie), end
        tie += (cells[3][bounds[s] : bounds[s + 1]] > 1).sum()
        while end < len(order) and hi[order[end]] <= bounds[s + 1]:
            end += 1
        if not short[s]:
            _by_powers(out, beyond, pieces, (begin, end), cells, segment, powers, K)
            continue
        for at in range(begin, end, WIDE):
            some = at, min(at + WIDE, end)
            _in_pairs(out, beyond, pieces, some, cells, segment, sums, room)
    return K, beyond
