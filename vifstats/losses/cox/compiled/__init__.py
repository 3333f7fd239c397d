"""The sums that NumPy makes in many passes, as loops that numba compiles (the extra ``fast``)."""

from vifstats.losses.cox.compiled.late import gathered, scattered, taken
from vifstats.losses.cox.compiled.one_pass import (
    exposed_gradients,
    first_moments,
    second_moments,
)
from vifstats.losses.cox.compiled.permuted import permute
from vifstats.losses.cox.compiled.sweeps import swept

__all__ = [
    "exposed_gradients",
    "first_moments",
    "gathered",
    "permute",
    "scattered",
    "second_moments",
    "swept",
    "taken",
]
