"""What a mixed model reads of the rows of each group: counts, and sums of products of columns."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.removals import Removals

__all__ = ["CrossProducts", "Pairs"]

# Numbers of one array of products at once (16 MB).
CHUNK_NUMBERS = 2_000_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Removals and the groups that they take from, and what they leave of these.

    Shapes: `removal`, `group`, `counts` (n_pairs,); `products` (n_pairs, d, d).
    """

    removal: np.ndarray
    group: np.ndarray
    counts: np.ndarray
    products: np.ndarray


class CrossProducts:
    """Sums over the rows of each group of a a', for the columns a = (Z, X, y).

    Shapes: `columns` (n, d); `groups`: codes (n,), 0, 1, ...
    """

    def __init__(self, columns: np.ndarray, groups: np.ndarray) -> None:
        self.columns, self.groups = columns, groups
        self.n_groups = int(groups.max()) + 1

    @cached_property
    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows group by group, and where each group begins, (n_groups + 1,)."""
        sizes = np.bincount(self.groups, minlength=self.n_groups)
        return np.argsort(self.groups, kind="stable"), np.append(0, np.cumsum(sizes))

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each group, (n_groups,)."""
        return np.diff(self._order[1]).astype(float)

    @cached_property
    def products(self) -> np.ndarray:
        """The products of all groups, (n_groups, d, d)."""
        return self.of(np.ones(len(self.groups)))

    def of(self, presence: np.ndarray) -> np.ndarray:
        """Weighted by presence (n,), shape (n_groups, d, d): a linear map."""
        order, starts = self._order
        return self._sums(order, presence[order], starts)

    def slopes(self, weights: np.ndarray) -> np.ndarray:
        """The transpose of `of`: a' W a of each row, W that of its group; (n,)."""
        w = weights.reshape(self.n_groups, *self.columns.shape[1:] * 2)
        along = np.einsum("nd,nde->ne", self.columns, w[self.groups])
        return np.einsum("ne,ne->n", along, self.columns)

    def without(self, removals: Removals) -> Pairs:
        """What each removal leaves of the groups that it takes from, summed afresh.

        Not by subtraction, which leaves rounding of what was taken, however large.
        """
        order, starts = self._order
        rows = np.flatnonzero(removals.codes >= 0)
        key = np.unique(removals.codes[rows] * self.n_groups + self.groups[rows])
        removal, group = key // self.n_groups, key % self.n_groups
        sizes = np.diff(starts)[group]
        ends = np.append(0, np.cumsum(sizes))
        counts = np.empty(len(key))
        products = np.empty((len(key), *self.columns.shape[1:] * 2))
        # consecutive pairs whose rows together are not too many; one pair may be more
        cuts = np.append(np.searchsorted(ends, self._cuts(ends[-1]), side="right") - 1, len(key))
        cuts = np.unique(cuts)
        for first, last in zip(cuts[:-1], cuts[1:], strict=True):
            part = slice(first, last)
            within = np.arange(ends[first], ends[last]) - np.repeat(ends[part], sizes[part])
            members = order[np.repeat(starts[group[part]], sizes[part]) + within]
            left = removals.codes[members] != np.repeat(removal[part], sizes[part])
            bounds = ends[first : last + 1] - ends[first]
            counts[part] = np.add.reduceat(left.astype(float), bounds[:-1])
            products[part] = self._sums(members, left.astype(float), bounds)
        return Pairs(removal, group, counts, products)

    def _cuts(self, n: int) -> np.ndarray:
        return np.arange(0, n, max(1, CHUNK_NUMBERS // self.columns.shape[1] ** 2))

    def _sums(self, rows: np.ndarray, weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        a = self.columns[rows]
        return np.add.reduceat((weights[:, None] * a)[:, :, None] * a[:, None, :], bounds[:-1])
