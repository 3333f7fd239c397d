"""Which removals leave a conditional logistic regression at infinity.

What a set adds to the loss never rises along g if its cases have the largest x'g of it: the faces
of the cone are x_i - x_j, for each case i and each other member j of its set that is none. Of
counts, all that are not 0 are cases, and have the same x'g where the loss does not rise. Each pair
is a row of a logistic regression without an intercept, and a removal takes all pairs that its rows
are in: docs/mathematics.md, equations (38) to (40).
"""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.regression.separation import Faces, Listed, separating
from vifstats.losses.separation import falling
from vifstats.removals import Removals

__all__ = ["Pairs"]

# So many numbers (400 MB) are listed; beyond, sets of thousands of cases are taken on trust.
MOST_NUMBERS = 50_000_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Each case with each other member of its set.

    Attributes
    ----------
    case, other : ndarray of int, shape (m,)
    faces : Faces
        Of the pairs.
    """

    case: np.ndarray
    other: np.ndarray
    faces: Faces

    @classmethod
    def of(
        cls, X: np.ndarray, is_case: np.ndarray, set_of_row: np.ndarray, P: np.ndarray | None
    ) -> "Pairs | None":
        """The faces of all rows, with the penalty matrix P (p, p); None if there are too many."""
        p = X.shape[1]
        cases, others = np.flatnonzero(is_case), np.flatnonzero(~is_case)
        others = others[np.argsort(set_of_row[others], kind="stable")]
        sizes = np.bincount(set_of_row[others], minlength=set_of_row.max(initial=-1) + 1)
        counts = sizes[set_of_row[cases]]
        if counts.sum() * p > MOST_NUMBERS:
            return None
        case, starts = np.repeat(cases, counts), (np.cumsum(sizes) - sizes)[set_of_row[cases]]
        within = np.arange(len(case)) - np.repeat(np.cumsum(counts) - counts, counts)
        other = others[np.repeat(starts, counts) + within]
        return cls.listed(X, case, other, P)

    @classmethod
    def of_counts(
        cls, X: np.ndarray, y: np.ndarray, set_of_row: np.ndarray, P: np.ndarray | None
    ) -> "Pairs | None":
        """The faces of counts y (n,) that share the sum of their set."""
        unequal = cls.of(X, y > 0, set_of_row, P)
        # among cases each with each, as others stay equal when one leaves
        order = np.flatnonzero(y > 0)
        order = order[np.argsort(set_of_row[order], kind="stable")]
        sizes = np.bincount(set_of_row[order])
        later = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(order)) - 1
        if unequal is None or later.sum() * X.shape[1] > MOST_NUMBERS:
            return None
        first = np.repeat(np.arange(len(order)), later)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
        case = np.concatenate([unequal.case, order[first]])
        other = np.concatenate([unequal.other, order[second]])
        equal = np.arange(len(case)) >= len(unequal.case)
        return cls.listed(X, case, other, P, equal)

    @classmethod
    def listed(
        cls,
        X: np.ndarray,
        case: np.ndarray,
        other: np.ndarray,
        P: np.ndarray | None,
        equal: np.ndarray | None = None,
    ) -> "Pairs":
        """Given pairs of rows; `equal` bool (m,): those that have to be, default none."""
        ones, none = np.ones((1, 1, len(case))), np.zeros(len(case), dtype=bool)
        inner = (none if equal is None else equal)[None]
        held = np.zeros((0, X.shape[1])) if P is None else P
        return cls(case, other, Faces.of((X[case] - X[other],), ones, inner, held))

    def separated(self, removals: Removals) -> np.ndarray:
        """Which removals leave a direction along which no set rises, shape (n_removals,)."""
        return separating(self.faces, Touched(self.case, self.other, removals))

    def falling(self) -> np.ndarray | None:
        """A direction along which the loss of all rows falls for ever, shape (p,)."""
        return falling(Listed.of(self.faces))


@dataclass(frozen=True, eq=False)
class Touched:
    """Removals of rows as removals of pairs, some of which two of them take."""

    case: np.ndarray
    other: np.ndarray
    removals: Removals

    def __len__(self) -> int:
        return len(self.removals)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums over the pairs that each takes, shape (n_removals, ...)."""
        first, second = self.removals.codes[self.case], self.removals.codes[self.other]
        out = np.zeros((len(self), *values.shape[1:]))
        for codes in (first, np.where(second == first, -1, second)):
            taken = codes >= 0
            np.add.at(out, codes[taken], values[taken])
        return out

    def presence(self, k: int) -> np.ndarray:
        """1 for the pairs that are left, shape (m,)."""
        codes = self.removals.codes
        return ((codes[self.case] != k) & (codes[self.other] != k)).astype(float)
