"""Which outcomes a row's loss is defined for."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = [
    "CLASSES",
    "COUNTS",
    "NON_NEGATIVE",
    "OPEN_SHARES",
    "POSITIVE",
    "SHARES",
    "Domain",
]


@dataclass(frozen=True)
class Domain:
    """A set of outcomes, in words, and whether each y is in it, for so many predictors."""

    words: str
    holds: Callable[[np.ndarray, int], np.ndarray]


POSITIVE = Domain("positive", lambda y, q: y > 0)
NON_NEGATIVE = Domain("0 or more", lambda y, q: y >= 0)
COUNTS = Domain("a count 0, 1, ...", lambda y, q: (y >= 0) & (y == np.floor(y)))
SHARES = Domain("0, 1 or a share between", lambda y, q: (y >= 0) & (y <= 1))
OPEN_SHARES = Domain("between 0 and 1, both excluded", lambda y, q: (y > 0) & (y < 1))


def _classes(n: Callable[[int], int]) -> Domain:
    return Domain(
        "a category 0, 1, ... for which there is a predictor",
        lambda y, q: (y >= 0) & (y == np.floor(y)) & (y < n(q)),
    )


# of q predictors: with a reference category, and of as many categories as predictors
CLASSES = _classes(lambda q: q + 1), _classes(lambda q: q)
