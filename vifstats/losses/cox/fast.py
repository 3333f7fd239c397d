"""Whether compiled loops are available: the extra ``fast`` installs numba."""

import sys
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType

import numpy as np

__all__ = ["levels", "loops"]

# Loading numba takes a second, and compiling takes ten, once. That pays if at least LARGE numbers
# are to be summed; if numba is loaded already, a share LOADED of them suffices.
LARGE, LOADED = 5_000_000, 0.04
# Cells of a group: a range is parts of two groups, and whole groups between: a range again.
GROUP = 32
# A range within a chunk of 2^CHUNK_BITS cells is taken cell by cell.
CHUNK_BITS = 5


@lru_cache
def _compiled() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    from vifstats.losses.cox import compiled

    return compiled


def loops(size: int) -> ModuleType | None:
    """The compiled loops, if numba is installed and this many numbers make them pay; else None."""
    least = LARGE * LOADED if "numba" in sys.modules else LARGE
    return _compiled() if size >= least else None


def levels(n: int) -> np.ndarray:
    """The number of cells, of groups of cells, of groups of those groups, ...: int (n_levels,)."""
    sizes = [n]
    while sizes[-1] > GROUP:
        sizes.append(-(-sizes[-1] // GROUP))
    return np.array(sizes)
