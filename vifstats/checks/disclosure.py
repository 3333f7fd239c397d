"""Counts of rows that may be published where no single row may be seen.

A count reveals single rows where it is small, and where it differs little from another that is
known. So counts below five are merged with 0, and all others are rounded to a multiple of five.

References
----------
Hundepool et al. (2012), Statistical Disclosure Control, chapter 5: small counts, rounding.
"""

import numpy as np

__all__ = ["FEWEST", "THRESHOLDS", "counts_beyond", "rounded_count", "rounded_up"]

# A count below this is reported like 0.
FEWEST = 5
# In standard errors. They are the same for every data set, because bounds that depend on the data
# would reveal values of rows.
THRESHOLDS = (0.1, 0.2, 0.5, 1.0)


def rounded_count(n: int) -> int | None:
    """A number of rows, rounded to a multiple of five; None for fewer than five, including 0.

    Examples
    --------
    >>> rounded_count(171), rounded_count(7), rounded_count(4), rounded_count(0)
    (170, 5, None, None)
    """
    return None if n < FEWEST else FEWEST * ((int(n) + FEWEST // 2) // FEWEST)


def rounded_up(n: int) -> int:
    """The next multiple of five: "at most" stays true.

    Examples
    --------
    >>> rounded_up(1), rounded_up(5), rounded_up(12)
    (5, 5, 15)
    """
    return FEWEST * -(-int(n) // FEWEST)


def counts_beyond(size: np.ndarray, thresholds: tuple[float, ...] = THRESHOLDS) -> list[int | None]:
    """How many of these sizes (n,) exceed each threshold, rounded as above.

    Examples
    --------
    >>> counts_beyond(np.linspace(0, 0.3, 61), (0.1, 0.2, 0.5))
    [40, 20, None]
    """
    return [rounded_count(int((size > threshold).sum())) for threshold in thresholds]
