"""The changes by single objects, computed for all at once, because refits ask for many blocks."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.removals import Removals

__all__ = ["OfEach"]

# At most this many numbers of each kind are kept (8 MB). Keeping them pays because even a few
# removals need sums over all event times.
KEPT = 1_000_000


@dataclass
class OfEach:
    """Rows of each object by kind, with the sums that they were made from."""

    rows: dict[str, tuple[RiskSums, np.ndarray]] = field(default_factory=dict)

    def of(
        self,
        kind: str,
        sums: RiskSums,
        removals: Removals,
        width: int,
        compute: Callable[[Removals], np.ndarray],
    ) -> np.ndarray:
        """``compute(removals)``, (n_removals, width), from kept rows of all objects if they fit.

        The change by one object does not depend on which other objects are asked for.
        """
        n = removals.n_objects
        if len(removals) == n or n * width > KEPT or not (removals.sizes == 1).all():
            return compute(removals)
        kept = self.rows.get(kind)
        if kept is None or kept[0] is not sums:
            kept = self.rows[kind] = sums, compute(Removals.each(n))
        return kept[1].take(removals.in_order, axis=0)
