"""How loops are compiled."""

from typing import Any

import numpy as np

try:
    from numba import njit
except ImportError:  # nobody calls these then, but tools that read every module import them

    def njit(**_: Any) -> Any:  # type: ignore[no-redef]  # where there is no numba
        return lambda function: function


__all__ = ["add", "compiled", "zero"]

# kept on disk: the next process loads what this one has compiled
compiled = njit(cache=True, error_model="numpy")


@compiled
def add(total: np.ndarray, row: np.ndarray) -> None:
    """As ``total += row``, which would make an array and copy it back."""
    for j in range(len(row)):
        total[j] += row[j]


@compiled
def zero() -> int:
    """0 of which a variable begins: what takes a literal 0 is compiled for its type, then again."""
    return int(np.intp(0))
