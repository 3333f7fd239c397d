"""Many edited data sets at once: the batch of `reduced_batch`, where rows also arrive."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.reduced_batch import Batch

__all__ = ["EditBatch"]


@dataclass(frozen=True, eq=False)
class EditBatch(Batch):
    """k edited data sets at k thetas."""

    # bool (n, k): in the user's order: the rows that an edit replaces, and every edited version but
    # its own
    absent: np.ndarray

    @cached_property
    def _gone(self) -> tuple[np.ndarray, np.ndarray]:
        row, column = np.nonzero(self.absent[self.sets.order])
        return row, column
