"""The survival curve of an average row, and how far the removal of any one row moves it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.deletion.on_target import TargetInfluence
from vifstats.losses import Cox
from vifstats.plots.style import called
from vifstats.reporting.findings import Findings
from vifstats.targets import SurvivalProbability

__all__ = ["Survival", "survival"]

N_TIMES = 40
# After the last events hardly anybody is at risk, and the curve falls to 0 with them.
LAST_SHARE = 0.95
# Rows times times; beyond, the curves take longer than the rest of the page.
MOST_NUMBERS = 5_000_000


@dataclass(frozen=True, eq=False)
class Survival:
    """S(t|x) at the mean of the covariates, without each row."""

    times: np.ndarray  # (m,)
    # One value for each time
    change: TargetInfluence

    def numbers(self, rows: bool) -> dict[str, Any]:
        """The largest change, where and by whom.

        `rows`: whether rows may be named.
        """
        influence = np.nan_to_num(self.change.influence)
        row, at = np.unravel_index(np.abs(influence).argmax(), influence.shape)
        value, change = self.change.value[at], influence[row, at]
        return {
            "row": called(self.change.index[row]) if rows else None,
            "time": self.times[at],
            "percent": 100 * value,
            "percent_without": 100 * (value - change),
            "points": 100 * abs(change),
        }


def survival(findings: Findings, rows: bool) -> Survival | None:
    """The curve of a Cox model without strata, at the mean of the covariates.

    `rows`: whether times of rows may be shown; otherwise the curve is read at round times. Returns
    None for other models, with strata, and where it would take long.
    """
    influence = findings.influence
    loss = influence.estimate.loss
    if not isinstance(loss, Cox) or loss.data.strata.any():
        return None
    times = loss.data.time[loss.data.event]
    grid = _times_of_events(times) if rows else _round_times(times)
    if len(grid) < 2 or len(influence.index) * len(grid) > MOST_NUMBERS:
        return None
    profile = SurvivalProbability(loss.data.X.mean(axis=0), grid)
    return Survival(grid, influence.on(profile))


def _times_of_events(times: np.ndarray) -> np.ndarray:
    shares = np.linspace(0, LAST_SHARE, N_TIMES)
    return np.unique(np.quantile(times, shares, method="nearest"))


def _round_times(times: np.ndarray) -> np.ndarray:
    """Multiples of 1, 2 or 5 times a power of ten, which are nobody's in particular."""
    last = np.quantile(times, LAST_SHARE)
    if not last > 0:
        return np.zeros(0)
    power = 10.0 ** np.floor(np.log10(last / N_TIMES))
    step = next(k * power for k in (1, 2, 5, 10) if k * power * N_TIMES >= last)
    return step * np.arange(1, int(last / step) + 1)
