"""Refits of everything where there is time for it: a few rows are timed, and the user is told."""

from dataclasses import dataclass, replace

import numpy as np

from vifstats.deletion.parallel import Run
from vifstats.deletion.refits import BLOCK, refit_removals
from vifstats.deletion.result import Influence
from vifstats.deletion.truncated_refits import truncated_of
from vifstats.errors import ConvergenceError
from vifstats.estimate import Estimate
from vifstats.removals import Removals

__all__ = ["Forecast", "approximate", "duration", "forecast", "refit_rest", "truncated_in_time"]

# Rows refitted to learn what one costs; and where those say that all take too long, once more as
# many as are refitted together, which are cheaper.
TRIED = 16


@dataclass(frozen=True, eq=False)
class Forecast:
    """What refits of all removals will take, and those few that were made to know it.

    `seconds`: of those that are left, on one core; `rows`: positions of those that are done.
    """

    seconds: float
    rows: np.ndarray
    refits: Influence | None


def forecast(est: Estimate, removals: Removals, seconds: float = np.inf) -> Forecast:
    """How long refits after each removal take, from a few spread over them.

    `seconds`: where the first few say that all take longer, it is measured more exactly. Infinite
    where the fit itself has no minimum to refit from.
    """
    n = len(removals)
    if est.separated:
        return Forecast(np.inf, np.empty(0, dtype=int), None)
    done = _spread(n, TRIED)
    try:
        refits = refit_removals(est, removals.take(done))
        left = refits.seconds / max(1, len(done)) * (n - len(done))
        if left > seconds:
            done = _spread(n, BLOCK)
            refits = refit_removals(est, removals.take(done))
            left = refits.seconds / len(done) * (n - len(done))
    except ConvergenceError:
        return Forecast(np.inf, np.empty(0, dtype=int), None)
    return Forecast(left, done, refits)


def truncated_in_time(est: Estimate, removals: Removals, seconds: float) -> Influence | None:
    """Truncated refits, where one step misses much and there is time for two; else None."""
    if not est.loss.curved:
        return None
    tried = truncated_of(est, removals.take(_spread(len(removals), BLOCK)))
    if tried.seconds / len(tried.removals) * len(removals) > seconds:
        return None
    return truncated_of(est, removals)


def refit_rest(
    est: Estimate, removals: Removals, known: Forecast, run: Run | None = None
) -> Influence:
    """Refits of all removals, those of the forecast not once more."""
    rest = np.setdiff1d(np.arange(len(removals)), known.rows)
    found = refit_removals(est, removals.take(rest), run)
    if known.refits is None:
        return found
    empty = np.full((len(removals), len(est.theta)), np.nan)
    whole = Influence(est, "refit", empty, removals, seconds=0.0)
    return whole.with_rows(known.rows, known.refits).with_rows(rest, found)


def approximate(influence: Influence, known: Forecast) -> Influence:
    """An approximation that says what exact refits would take."""
    if not np.isfinite(known.seconds):
        return influence
    advice = (
        f"refits of all {len(influence.removals):,} would take about {duration(known.seconds)}; "
        'where the approximation is too coarse, use method "refit" or allow more seconds'
    )
    return replace(influence, advice=advice)


def duration(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> duration(0.2), duration(45.0), duration(200.0), duration(9000.0)
    ('1 s', '45 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _spread(n: int, some: int) -> np.ndarray:
    """So many positions from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(some, n)).astype(int))
