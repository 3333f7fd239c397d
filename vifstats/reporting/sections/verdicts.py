"""Whose removal changes which coefficients are significant: what `conclusions` says, on the page.

Its refits are made as far as there is time; what is left counts as foreseen.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.deletion.wald_fits import WaldFits
from vifstats.diagnostics.conclusions import outlook
from vifstats.estimate import Estimate
from vifstats.losses.effects import Effects
from vifstats.reporting.findings import LEVEL, Findings

__all__ = ["MOST_NUMBERS", "Foreseen", "Verdict", "foreseen", "undetermined", "verdicts"]

# At most this many Newton steps times the numbers in a Hessian: more would take minutes.
MOST_NUMBERS = 3_000_000
# If there are more, rows are refitted for each effect: those whose influence takes |z| furthest
# towards its bound, at most this many beyond it and before it.
MOST_BEYOND, NEAREST = 200, 20


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What is foreseen of each removal and effect, before any refit."""

    changes: np.ndarray  # bool (n_removals, n_effects): of its significance
    candidates: np.ndarray  # int: removals that may change one, the most likely first


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether one coefficient stays significant at 5 % when any one row leaves.

    Attributes
    ----------
    parameter : int
        Position.
    significant : bool
        With all rows.
    flipping : ndarray of int
        Positions of the rows without which it is the other way round.
    n_refitted : int
        How many of those were refitted.
    furthest : int or None
        The one of those without which the refitted p-value is furthest on the other side.
    """

    parameter: int
    significant: bool
    flipping: np.ndarray
    n_refitted: int
    furthest: int | None


def undetermined(est: Estimate) -> bool:
    """Whether no parameter can be read by itself: they turn along a gauge, or are infinite."""
    return est.separated or len(est.loss.gauge(est.theta)) > 0


def foreseen(findings: Findings, effects: Effects) -> Foreseen:
    """What `conclusions` foresees; where that would take minutes, what the influences say."""
    influence, shown = findings.influence, effects.shown
    est, n = influence.estimate, len(influence.index)
    if undetermined(est) or influence.exact.all():
        return Foreseen(np.zeros((n, len(shown)), dtype=bool), np.zeros(0, dtype=int))
    toward, changes = _with_errors_held(est, influence.values[:, shown], shown)
    order = np.argsort(-toward, axis=0, kind="stable")
    if n * len(est.theta) ** 2 > MOST_NUMBERS:
        last = np.minimum(changes.sum(axis=0), MOST_BEYOND) + NEAREST
        near = (np.argsort(order, axis=0) < last) & (toward > 0)
    else:
        found = outlook(est, influence.removals, LEVEL)
        changes = np.any(found.fits.changes(LEVEL)[:, shown, 1:], axis=2)
        near = found.near[:, shown, 1:].any(axis=2)
    # the first of every effect come before the second of any
    rows = order.ravel()[np.take_along_axis(near, order, axis=0).ravel()]
    return Foreseen(changes, np.array(list(dict.fromkeys(rows.tolist())), dtype=int))


def verdicts(findings: Findings, effects: Effects, before: Foreseen) -> list[Verdict]:
    """The verdict on each effect: refitted rows by their refit, others as foreseen.

    No row decides where no effect is determined.
    """
    influence = findings.influence
    if undetermined(influence.estimate):
        nobody = np.zeros(0, dtype=int)
        return [Verdict(int(j), False, nobody, 0, None) for j in effects.shown]
    known = np.flatnonzero(influence.exact & ~influence.failed)
    fits = WaldFits.of(influence.take(known))
    changes = before.changes & ~influence.failed[:, None]
    changes[known] = fits.changes(LEVEL)[:, effects.shown, 1:].any(axis=2)
    distance = np.abs(fits.beyond_bound(LEVEL))[:, effects.shown]
    return [
        _verdict(influence.estimate, j, known, changes[:, k], distance[:, k])
        for k, j in enumerate(effects.shown)
    ]


def _verdict(
    est: Estimate, j: int, known: np.ndarray, changes: np.ndarray, distance: np.ndarray
) -> Verdict:
    """The verdict on one parameter, with how far |z| is from the bound without refitted rows."""
    proved = changes[known]
    furthest = int(known[np.where(proved, distance, -1.0).argmax()]) if proved.any() else None
    significant = bool(est.p_values[j] < LEVEL)
    return Verdict(int(j), significant, np.flatnonzero(changes), int(proved.sum()), furthest)


def _with_errors_held(
    est: Estimate, values: np.ndarray, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far each influence moves |z| toward its bound, and whether beyond: (n, n_effects)."""
    theta, scale = est.theta[shown], est.standard_errors[shown]
    full, without = np.abs(theta) / scale, np.abs(theta - values) / scale
    bound = est.inference.quantile(1 - LEVEL / 2, est.degrees[shown])
    toward = np.nan_to_num((full - without) * np.where(full > bound, 1, -1))
    return toward, toward > np.abs(full - bound)
