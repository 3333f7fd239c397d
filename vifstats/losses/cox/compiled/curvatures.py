"""Changes of the Hessian in one pass forward, for ranges that all begin with their segment.

As `one_pass` has it of the gradient: the powers of eps are running sums over the cells so far, and
the formulas those of `hessian_changes`, with every cell a block of its own.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled, zero
from vifstats.losses.cox.compiled.one_pass import _power, _powers_of_cells, _read

__all__ = ["exposed_hessians"]


@compiled
def _add_term(
    table: np.ndarray, columns: tuple, weight: float, scaled: float, K: int, width: int
) -> None:
    """a [(k + 1) m m' - A, k m, k] times phi^-k, of the first K powers, to their sums.

    `columns`: m (p,), m m' and A of `width` pairs; `weight` a; `scaled` 1/phi.
    """
    m, squares, second = columns
    p = len(m)
    for k in range(1, K + 1):
        weight *= scaled
        for t in range(width):
            table[k - 1, t] += weight * ((k + 1) * squares[t] - second[t])
        for j in range(p):
            table[k - 1, width + j] += k * weight * m[j]
        table[k - 1, width + p] += k * weight


@compiled
def _fill(columns: tuple, of_cell: tuple, of_tie: tuple, c: int, tie: int, f: float) -> None:
    """m, m m' and A of a term, with a part along what dies if it is one of a tie."""
    m, squares, second = columns
    m0, A0, i, j = of_cell
    for k in range(len(m)):
        m[k] = m0[c, k]
    for k in range(len(i)):
        second[k] = A0[c, k]
    if f:
        for k in range(len(m)):
            m[k] += f * of_tie[0][tie, k]
        for k in range(len(i)):
            second[k] += f * of_tie[1][tie, k]
    for k in range(len(i)):
        squares[k] = m[i[k]] * m[j[k]]


@compiled
def _combine(
    out: np.ndarray, x: np.ndarray, piece: int, sums: np.ndarray, half: np.ndarray, pairs: tuple
) -> None:
    """x x' kG - x kM' - kM x' + the sums of the first columns, to the row of a piece."""
    i, j = pairs
    p, width = x.shape[1], len(i)
    for k in range(p):
        half[k] = 0.5 * sums[0, width + p] * x[piece, k] - sums[0, width + k]
    for k in range(width):
        lean = half[i[k]] * x[piece, j[k]] + x[piece, i[k]] * half[j[k]]
        out[piece, k] = sums[0, k] + lean


@compiled
def exposed_hessians(
    second: tuple, out: np.ndarray, pieces: tuple, cells: tuple, segments: tuple, powers: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a [u u' eps/(1 - eps)^2 - V eps/(1 - eps)] over the terms before each piece's end.

    `second`: A0 (n_cells, q), A0 - AD of the cells of several deaths, and the pairs i, j of
    covariates, int (q,); `out` (n, q): written over. The others, and what is returned, as of
    `exposed_gradients`; no segment is short.
    """
    x, r, hi, order = pieces
    R, S0D, a, n_terms, m0, delta = cells
    A0, lean, i, j = second
    scale, limits, explicit = powers
    p, width = x.shape[1], len(i)
    K = _powers_of_cells(r, hi, order, cells, segments, limits)
    beyond = np.zeros(len(r), dtype=np.bool_)
    columns, half = (np.empty(p), np.empty(width), np.empty(width)), np.empty(p)
    tables, taken = np.empty((1, len(limits) + 1, width + p + 1)), np.empty((1, width + p + 1))
    at = tie = zero()
    for s in range(len(segments[0]) - 1):
        tables[:] = 0.0
        smallest = np.inf
        for c in range(segments[0][s], segments[0][s + 1]):
            smallest = min(smallest, R[c] + S0D[c] / n_terms[c])
            for term in range(n_terms[c]):
                dying = term / n_terms[c]
                phi = R[c] + (1 - dying) * S0D[c]
                _fill(columns, (m0, A0, i, j), (delta, lean), c, tie, dying * S0D[c] / phi)
                _add_term(tables[0], columns, a[c], scale / phi, K[c], width)
            tie += n_terms[c] > 1
            while at < len(order) and hi[order[at]] == c + 1:
                piece, at = order[at], at + 1
                beyond[piece] = r[piece] > explicit * smallest
                taken[:] = 0.0
                _read(taken, 0, tables, 0, r[piece] / scale, _power(r[piece] / smallest, limits))
                _combine(out, x, piece, taken, half, (i, j))
    return K, beyond
