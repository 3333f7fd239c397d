"""Sums over ranges of a few thousand cells, each read as two entries of a table."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Spans", "spans"]


@dataclass(frozen=True, eq=False)
class Spans:
    """Non-empty ranges of cells, as two entries each of a table of running sums.

    Two numbers lo < last have the same leading bits, then 0 and 1: between them is one multiple of
    the power of two of that bit. A sum from lo up to it and one from it to last are entries of
    running sums that go both ways from all such middles (a disjoint sparse table), so nothing is
    ever subtracted.
    """

    n_levels: int
    # int (n,): the two entries; the one after the last of all stands for nothing
    left: np.ndarray
    right: np.ndarray

    def gather(self, cells: np.ndarray) -> np.ndarray:
        """Sum of the cells in each range: shape (n_cells, q) to (n, q)."""
        n, q = 2**self.n_levels, cells.shape[1]
        table = np.zeros(((self.n_levels + 1) * n + 1, q))
        levels = table[:-1].reshape(self.n_levels + 1, n, q)
        levels[0, : len(cells)] = cells
        # from each cell to the last of its aligned 1, 2, 4, ... cells, and from the first of them
        to_end, from_start = levels[0].copy(), levels[0].copy()
        for level in range(1, self.n_levels + 1):
            halves = (-1, 2, 2 ** (level - 1), q)
            ahead, behind = to_end.reshape(halves), from_start.reshape(halves)
            sums = levels[level].reshape(halves)
            sums[:, 0], sums[:, 1] = ahead[:, 0], behind[:, 1]
            ahead[:, 0] += ahead[:, 1, :1]
            behind[:, 1] += behind[:, 0, -1:]
        out = table.take(self.left, axis=0)
        out += table.take(self.right, axis=0)
        return out


def spans(lo: np.ndarray, last: np.ndarray, n_cells: int) -> Spans:
    """Ranges lo .. last, both int (n,), of ``n_cells`` cells."""
    n_levels = int(np.frexp(n_cells - 1)[1])
    level = np.frexp(lo ^ last)[1]  # 0 where it is one cell
    first = level << n_levels
    right = np.where(level > 0, first + last, (n_levels + 1) << n_levels)
    return Spans(n_levels, first + lo, right)
