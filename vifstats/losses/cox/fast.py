"""Whether compiled loops are at hand: the extra ``fast`` brings numba."""

import sys
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType

import numpy as np

__all__ = ["levels", "loops"]

# Numbers from which on it pays to load numba, which takes a second, and ten once to compile; where
# it is loaded already, a small share of them.
LARGE, LOADED = 5_000_000, 0.04
# Cells of a group: a range is parts of two groups, and whole groups between: a range again.
GROUP = 32


@lru_cache
def _compiled() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    from vifstats.losses.cox import compiled

    return compiled


def loops(size: int) -> ModuleType | None:
    """The compiled loops, where numba is there and so many numbers are to be summed."""
    least = LARGE * LOADED if "numba" in sys.modules else LARGE
    return _compiled() if size >= least else None


def levels(n: int) -> np.ndarray:
    """How many there are of n cells, of their groups, of groups of those, ...: int (n_levels,)."""
    sizes = [n]
    while sizes[-1] > GROUP:
        sizes.append(-(-sizes[-1] // GROUP))
    return np.array(sizes)
