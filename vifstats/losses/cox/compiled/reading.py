"""Sums, or the least, over ranges of cells that begin anywhere.

Cells stand in chunks of 2^bits, as in `two_sided`. A range that crosses chunks reads two sums
within chunks and two over whole chunks, one on either side of its middle: nothing is subtracted.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled

__all__ = ["gathered"]


@compiled
def _joined(one: float, other: float, least: bool) -> float:
    return min(one, other) if least else one + other


@compiled
def _from_middles(chunks: np.ndarray, least: bool) -> np.ndarray:
    """Of the chunks between each and the middle of each level, (n_levels, n_chunks).

    A middle is one of those behind it; a range has its own ends besides.
    """
    n, n_levels = len(chunks), 0
    while n - 1 >> n_levels:
        n_levels += 1
    out = np.full((n_levels, n), np.inf if least else 0.0)
    for k in range(n_levels):
        within = (1 << k) - 1
        for b in range(n):
            if b >> k & 1 and b & within:
                out[k, b] = _joined(out[k, b - 1], chunks[b - 1], least)
        for a in range(n - 2, -1, -1):
            if not a >> k & 1 and (a + 1) & within:
                out[k, a] = _joined(out[k, a + 1], chunks[a + 1], least)
    return out


@compiled
def gathered(
    cells: np.ndarray, lo: np.ndarray, hi: np.ndarray, bits: int, least: bool
) -> np.ndarray:
    """The sum of the cells in each range, or the least: (n_cells,) to (n,); of none, 0 or inf.

    `lo`, `hi` int (n,); chunks of 2^bits cells.
    """
    within = (1 << bits) - 1
    until, after = cells.copy(), cells.copy()
    for c in range(1, len(cells)):
        if c & within:
            until[c] = _joined(until[c - 1], until[c], least)
    for c in range(len(cells) - 2, -1, -1):
        if (c + 1) & within:
            after[c] = _joined(after[c], after[c + 1], least)
    middles = _from_middles(after[:: within + 1], least)
    out = np.full(len(lo), np.inf if least else 0.0)
    for i in range(len(lo)):
        first, last = lo[i], hi[i] - 1
        a, b = first >> bits, last >> bits
        if a < b:
            level, differ = 0, a ^ b
            while differ > 1:
                differ >>= 1
                level += 1
            whole = _joined(middles[level, a], middles[level, b], least)
            out[i] = _joined(_joined(after[first], until[last], least), whole, least)
        else:
            for c in range(first, last + 1):
                out[i] = _joined(out[i], cells[c], least)
    return out
