"""Matched sets as arrays: sets of about the same size side by side, filled up with nobody."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["SetsOfOneSize", "sets_by_size"]


@dataclass(frozen=True, eq=False)
class SetsOfOneSize:
    """Sets of up to n members.

    Attributes
    ----------
    number : ndarray of int, shape (k,)
        Which sets these are.
    rows : ndarray of int, shape (k, n)
        The members; -1 where a set has fewer.
    """

    number: np.ndarray
    rows: np.ndarray


def sets_by_size(set_of_row: np.ndarray) -> Iterator[SetsOfOneSize]:
    """All sets, those within a factor of 2 in size together: at most half of an array is empty."""
    order = np.argsort(set_of_row, kind="stable")
    sizes = np.bincount(set_of_row)
    starts = np.cumsum(sizes) - sizes
    size_class = np.ceil(np.log2(sizes)).astype(int)
    for c in np.unique(size_class):
        number = np.flatnonzero(size_class == c)
        widest = int(sizes[number].max())
        at = starts[number, None] + np.arange(widest)
        inside = np.arange(widest) < sizes[number, None]
        yield SetsOfOneSize(number, np.where(inside, order[np.where(inside, at, 0)], -1))
