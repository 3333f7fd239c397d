"""Rows in another order, without a second array of them."""

import numpy as np

from vifstats.losses.cox.compiled.kept import compiled

__all__ = ["permute"]


@compiled
def permute(rows: np.ndarray, place: np.ndarray) -> None:
    """Move each of the rows (n, p) to its place, int (n,): cycle by cycle, in place."""
    n, p = rows.shape
    moved, held = np.zeros(n, dtype=np.bool_), np.empty(p)
    for first in range(n):
        if moved[first]:
            continue
        held[:] = rows[first]
        i = place[first]
        while not moved[i]:
            moved[i] = True
            for j in range(p):
                held[j], rows[i, j] = rows[i, j], held[j]
            i = place[i]
