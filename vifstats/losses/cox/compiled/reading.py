"""Sums, or the least, over ranges of cells that begin anywhere.

Cells stand in chunks of 2^bits, as in `two_sided`. A range that crosses chunks reads two sums
within chunks and two over whole chunks, one on either side of its middle: nothing is subtracted.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled

__all__ = ["gathered"]


@compiled
def _joined(one: float, other: float, least: bool) -> float:
    if least:
        return one if one < other else other  # without a branch, as `min` is not
    return one + other


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
def _within_chunks(until: np.ndarray, after: np.ndarray, bits: int, least: bool) -> None:
    """Of the cells of each chunk up to each, and from each on: both begin as the cells."""
    within = (1 << bits) - 1
    for c in range(1, len(until)):
        if c & within:
            until[c] = _joined(until[c - 1], until[c], least)
    for c in range(len(after) - 2, -1, -1):
        if (c + 1) & within:
            after[c] = _joined(after[c], after[c + 1], least)


@compiled
def _read_ranges(
    out: np.ndarray, cells: np.ndarray, ranges: tuple, sums: tuple, bits: int, least: bool
) -> None:
    """`ranges`: lo, hi, and levels; `sums`: as of `_within_chunks`."""
    lo, hi, level = ranges
    until, after = sums
    middles = _from_middles(after[:: 1 << bits], least)
    for i in range(len(lo)):
        if level[i] > 0:
            # as indices that are never counted from the end: no branch
            first, last, t = np.uint64(lo[i]), np.uint64(hi[i] - 1), level[i] - 1
            a, b = first >> np.uint64(bits), last >> np.uint64(bits)
            whole = _joined(middles[t, a], middles[t, b], least)
            out[i] = _joined(_joined(after[first], until[last], least), whole, least)
        else:
            for c in range(lo[i], hi[i]):
                out[i] = _joined(out[i], cells[c], least)


def gathered(
    cells: np.ndarray, lo: np.ndarray, hi: np.ndarray, level: np.ndarray, bits: int, least: bool
) -> np.ndarray:
    """The sum of the cells in each range, or the least: (n_cells,) to (n,); of none, 0 or inf.

    `lo`, `hi`, `level` int (n,); chunks of 2^bits cells.
    """
    # made here: NumPy asks for large pages
    sums, out = (cells.copy(), cells.copy()), np.full(len(lo), np.inf if least else 0.0)
    _within_chunks(*sums, bits, least)
    _read_ranges(out, cells, (lo, hi, level), sums, bits, least)
    return out
