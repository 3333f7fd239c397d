"""Whether compiled loops are at hand: the extra ``fast`` brings numba."""

from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType

__all__ = ["loops"]

# Columns of terms from this many numbers on: loading numba takes a second.
LARGE = 500_000


@lru_cache
def _compiled() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    from vifstats.losses.cox import compiled

    return compiled


def loops(size: int) -> ModuleType | None:
    """The compiled loops, where numba is there and so many numbers are to be summed."""
    return _compiled() if size >= LARGE else None
