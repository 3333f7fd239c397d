"""Rows in blocks of few sizes, each of which is compiled once."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

__all__ = ["blocks", "padded", "unit"]


def unit(k: int, n: int) -> np.ndarray:
    unit = np.zeros(n)
    unit[k] = 1.0
    return unit


def blocks(rows: Iterable[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    size = 1 << (max(1, most).bit_length() - 1)  # a power of two, as `padded` makes it
    ahead = iter(rows)
    while part := list(islice(ahead, size)):
        yield part


def padded(rows: np.ndarray) -> np.ndarray:
    """With the last row repeated, up to the next power of two."""
    more = (1 << (len(rows) - 1).bit_length()) - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], more, axis=0)]) if more else rows
