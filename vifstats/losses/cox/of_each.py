"""What single objects change, made for all of them at once: refits ask for it in many blocks."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.removals import Removals

__all__ = ["OfEach"]

# Up to so many numbers are kept of each kind (8 MB); what they are made of depends on all event
# times, however few the removals are.
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
        """``compute(removals)``, (n_removals, width), from rows that are kept where they are few.

        What one object changes does not depend on which others have their turn.
        """
        n = removals.n_objects
        if len(removals) == n or n * width > KEPT or not (removals.sizes == 1).all():
            return compute(removals)
        kept = self.rows.get(kind)
        if kept is None or kept[0] is not sums:
            kept = self.rows[kind] = sums, compute(Removals.each(n))
        return kept[1].take(removals.in_order, axis=0)
