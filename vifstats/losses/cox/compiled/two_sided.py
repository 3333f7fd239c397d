"""Ranges that begin anywhere, in two passes: what moments and changes of gradients share.

Cells stand in chunks of 2^bits. A range within one chunk is taken cell by cell. The first and the
last chunk of any other have the same leading bits, then 0 and 1: between is a middle, a chunk that
is a multiple of the power of two of that bit, its level. A pass forward keeps for each level a sum
from the last middle on, a pass back the same, so a range reads one sum of either side and one
within the chunk where it ends, or adds to as many, all of them in cache; and nothing is ever
subtracted.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled

__all__ = ["NEAR", "begin_chunk", "count_levels", "look_at", "side"]

# Rows that are fetched at once, and numbers of a row that one fetch brings to cache.
NEAR, LINE = 32, 8


@compiled
def count_levels(level: np.ndarray) -> int:
    """The number of levels that ranges have."""
    most = 0
    for i in range(len(level)):
        most = max(most, level[i])
    return most


def side(order: np.ndarray, r: np.ndarray, level: np.ndarray, end: np.ndarray) -> tuple:
    """Rows in the order of their ends on one side, and what is read of each."""
    if (end[1:] >= end[:-1]).all():  # as they are
        return order, r, level, end
    return order, r[order], level[order], end[order]


@compiled
def look_at(seen: np.ndarray, wide: np.ndarray, order: np.ndarray, at: int, step: int) -> None:
    """Have the next rows in cache, all at once: one after the other they would be waited for."""
    for k in range(len(seen)):
        if 0 <= at + k * step < len(order):
            i = np.uint64(order[at + k * step])  # never counted from the end: no branch
            seen[k] = 0.0
            for j in range(0, wide.shape[1], LINE):
                seen[k] += wide[i, j]


@compiled
def begin_chunk(totals: np.ndarray, chunk: int, back: bool, nothing: float) -> None:
    """The sum, or least, of each level begins anew at each multiple of twice its power of two."""
    before = chunk + 1 if back else chunk - 1
    for k in range(len(totals)):
        if before >> k + 1 != chunk >> k + 1:
            totals[k] = nothing
