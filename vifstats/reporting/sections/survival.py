"""The survival curve of an average row, and how far the removal of any one row moves it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.deletion.on_target import TargetInfluence
from vifstats.losses import Cox
from vifstats.plots.style import whole
from vifstats.reporting.findings import Findings
from vifstats.targets import SurvivalProbability

__all__ = ["Survival", "survival"]

# Of the last events often few are at risk, and a single row moves the curve by much.
LAST_SHARE = 0.95
# Rows times times: beyond, the changes take longer than the rest of the page, and are computed at
# fewer times; beyond the larger number at none.
MOST_NUMBERS, TOO_MANY = 5_000_000, 50_000_000
FEWEST_TIMES = 40


@dataclass(frozen=True, eq=False)
class Survival:
    """S(t|x) at the mean of the covariates, with all rows and without each."""

    # Of all events up to the last one shown: (m,) both
    times: np.ndarray
    values: np.ndarray
    # Where it is known without each row, of `times`: (k,); a change for each
    at: np.ndarray
    change: TargetInfluence

    @property
    def everywhere(self) -> bool:
        """Whether it is known without each row at all these times."""
        return len(self.at) == len(self.times)

    def numbers(self) -> dict[str, Any]:
        """The largest change, where and by whom."""
        influence = np.nan_to_num(self.change.influence)
        row, at = np.unravel_index(np.abs(influence).argmax(), influence.shape)
        value, change = self.change.value[at], influence[row, at]
        return {
            "row": whole(self.change.index[row]),
            "exact": bool(self.change.source.exact[row]),
            "time": self.at[at],
            "last": self.times[-1],
            "last_percent": 100 * LAST_SHARE,
            "n_times": len(self.at),
            "all_times": self.everywhere,
            "percent": 100 * value,
            "percent_without": 100 * (value - change),
            "points": 100 * abs(change),
        }

    def largest_points(self) -> np.ndarray:
        """The largest change at any time without each row, in percentage points, (n_known,)."""
        return 100 * np.abs(np.nan_to_num(self.change.influence)).max(axis=1)


def survival(findings: Findings) -> Survival | None:
    """The curve of a Cox model without strata, at the mean of the covariates.

    At every event time but the last: those after which a twentieth of the events is still to come.
    None for other models, with strata, where the fit is infinite, and where it would take long.
    """
    influence = findings.influence
    loss = influence.estimate.loss
    if not isinstance(loss, Cox) or loss.data.strata.any() or influence.estimate.separated:
        return None
    events = loss.data.time[loss.data.event]
    times = np.unique(events)
    times = times[times <= np.quantile(events, LAST_SHARE, method="nearest")]
    n = len(influence.index)
    known = np.flatnonzero(np.isfinite(findings.values).all(axis=1))
    if len(times) < 2 or not len(known) or n * FEWEST_TIMES > TOO_MANY:
        return None
    most = max(FEWEST_TIMES, MOST_NUMBERS // n)
    shown = np.unique(np.linspace(0, len(times) - 1, min(most, len(times))).round().astype(int))
    x = loss.data.X.mean(axis=0)
    values = influence.take(np.zeros(0, dtype=int)).on(SurvivalProbability(x, times)).value
    change = influence.take(known).on(SurvivalProbability(x, times[shown]))
    return Survival(times, values, times[shown], change)
