"""Fine and Gray's loss on many reduced data sets at once, each with its own censoring weights."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from vifstats.losses.cox.fine_gray.censoring import Censoring, exp_sums, inverse, log_steps
from vifstats.losses.cox.reduced_batch import Batch

__all__ = ["WeightedBatch"]


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedBatch(Batch):
    """As `Batch`, with rows that stay at risk after a competing event."""

    censoring: Censoring
    sweeps: ClassVar[bool] = False

    @cached_property
    def _G(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """G before each event time, (n_strata, n_cells, k), and its inverse at competing rows.

        That is (rows, k) for each stratum, 0 where the row is gone.
        """
        known, k = self.censoring, len(self.thetas)
        steps = log_steps(*known.counts_without(*self._gone, k))
        at_cells = exp_sums(steps, known.until_cell.gather).reshape(*known.before_cell.shape, k)
        inverses = []
        for some in known.competing:
            G = exp_sums(steps, known.until_row.take(some.rows).gather)
            inverses.append(inverse(G))
        return at_cells, inverses

    def _risk_sums(self, rows: np.ndarray, part: slice = slice(None)) -> np.ndarray:
        out = super()._risk_sums(rows, part)
        for some, G, share in zip(self.censoring.competing, *self._G, strict=True):
            out += G[:, part] * some.so_far(rows.take(some.rows, axis=0) * share[:, part])
        return out

    def _exposures(self, cells: np.ndarray) -> np.ndarray:
        out = super()._exposures(cells)
        for some, G, share in zip(self.censoring.competing, *self._G, strict=True):
            out[some.rows] += share * some.from_then_on(G * cells)
        return out
