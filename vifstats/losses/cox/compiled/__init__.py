"""The sums that NumPy makes in many passes, as loops that numba compiles (the extra ``fast``)."""

from vifstats.losses.cox.compiled.curvatures import exposed_hessians
from vifstats.losses.cox.compiled.late import taken
from vifstats.losses.cox.compiled.late_gradients import late_gradients
from vifstats.losses.cox.compiled.late_moments import late_moments
from vifstats.losses.cox.compiled.one_pass import (
    exposed_gradients,
    first_moments,
    second_moments,
)
from vifstats.losses.cox.compiled.ordered import cells_up_to, counted_order
from vifstats.losses.cox.compiled.permuted import permute
from vifstats.losses.cox.compiled.reading import gathered
from vifstats.losses.cox.compiled.sweeps import swept

__all__ = [
    "cells_up_to",
    "counted_order",
    "exposed_gradients",
    "exposed_hessians",
    "first_moments",
    "gathered",
    "late_gradients",
    "late_moments",
    "permute",
    "second_moments",
    "swept",
    "taken",
]
