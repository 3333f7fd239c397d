"""What is computed together: consecutive removals, and the rows that come of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vifstats.removals import Removals

__all__ = ["Blocks", "Rows"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a result.

    Attributes
    ----------
    values : ndarray, shape (n_rows, n_params)
    failed : ndarray of bool, shape (n_rows,)
        Where there is no result; the values are nan.
    """

    values: np.ndarray
    failed: np.ndarray

    def __len__(self) -> int:
        return len(self.failed)

    @classmethod
    def joined(cls, parts: Sequence["Rows"], n_params: int) -> "Rows":
        """The rows of all parts, in their order; there may be none."""
        values = [np.empty((0, n_params)), *(part.values for part in parts)]
        failed = [np.empty(0, dtype=bool), *(part.failed for part in parts)]
        return cls(np.concatenate(values), np.concatenate(failed))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Removals cut into blocks, and what makes rows of them: ``blocks(k)`` computes block k.

    Attributes
    ----------
    compute : callable
        Removals to `Rows`; it travels to the workers, with the data it holds.
    removals : Removals
    size : int
        Removals in each block but the last.
    n_params : int
    """

    compute: Callable[[Removals], Rows]
    removals: Removals
    size: int
    n_params: int

    def __len__(self) -> int:
        return -(-len(self.removals) // self.size)

    def positions(self, k: int) -> np.ndarray:
        """The rows of the result in block k."""
        return self.positions_of(range(k, k + 1))

    def positions_of(self, numbers: range) -> np.ndarray:
        """The rows of the result in consecutive blocks."""
        end = min(numbers.stop * self.size, len(self.removals))
        return np.arange(min(numbers.start * self.size, end), end)

    def __call__(self, k: int) -> Rows:
        return self.compute(self.removals.take(self.positions(k)))
