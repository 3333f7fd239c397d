"""Hessians without rows by subtraction, where next to nothing is left of the full one."""

from collections.abc import Callable

import numpy as np

from vifstats.removals import Removals

__all__ = ["mended"]

# Below this share of H a difference has lost more than 6 of its digits.
LOST = 1e-6


def mended(
    reduced: np.ndarray,
    full: np.ndarray,
    removals: Removals,
    afresh: Callable[[Removals], np.ndarray],
) -> np.ndarray:
    """Reduced Hessians (k, p, p), of which those that dwarfed all other rows are summed `afresh`.

    A row that holds 99999999 for a missing value is most of the full Hessian (p, p): without it,
    its rounding would be taken for what the other rows say.
    """
    left = np.einsum("kii->ki", reduced)
    lost = np.flatnonzero((left < LOST * np.diag(full)).any(axis=1))
    if len(lost):
        reduced[lost] = afresh(removals.take(lost))
    return reduced
