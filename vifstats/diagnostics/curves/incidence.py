"""Sums over a curve that targets ask for: its integral, and the cumulative incidence of a cause."""

import numpy as np

from vifstats.diagnostics.curves.arm import Arm
from vifstats.diagnostics.curves.product_limit import Gains

__all__ = ["cumulative_incidence", "restricted_mean"]


def restricted_mean(arm: Arm, horizon: float) -> Gains:
    """The integral of S from 0 to the horizon."""
    jumps = arm.times[: np.searchsorted(arm.times, horizon, side="left")]
    # S is 1 up to the first event time; an event at 0 leaves nothing of that
    widths = np.diff(np.concatenate([[0.0], np.maximum(jumps, 0.0), [horizon]]))

    def own(rows: np.ndarray) -> np.ndarray:
        return widths[arm.end[rows]]

    return Gains(len(jumps), float(widths[-1]), widths[:-1], lambda weight: widths[:-1], own)


def cumulative_incidence(arm: Arm, cause: int, time: float) -> Gains:
    """Aalen and Johansen's probability of an event of one cause: sum of S(u-) d_c(u) / y(u)."""
    q = int(np.searchsorted(arm.times, time, side="right"))
    y, d = arm.at_risk[:q], arm.deaths_of(arm.cause == cause)[:q]

    def one_less(weight: float) -> np.ndarray:
        # 0 where there is no such row beside those that die: there it is never read
        others = (arm.n_at_risk[:q] > arm.n_deaths[:q]) & (y > weight)
        return np.where(others, d, 0.0) / np.where(others, y - weight, 1.0)

    def own(rows: np.ndarray) -> np.ndarray:
        at, weight = arm.end[rows], arm.weight[rows]
        alone = arm.n_at_risk[at] == 1
        left = d[at] - np.where(arm.cause[rows] == cause, weight, 0.0)
        return np.where(alone, 0.0, left) / np.where(alone, 1.0, y[at] - weight)

    return Gains(q, 0.0, d / y, one_less, own)
