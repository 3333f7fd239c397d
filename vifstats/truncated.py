"""Refits cut short: a few trust-region steps, where one step does not do and all are too many."""

from time import perf_counter
from typing import Any

import numpy as np

from vifstats.estimate import Estimate
from vifstats.losses.base import Loss, pinned_curvatures
from vifstats.removals import Removals
from vifstats.result import Influence
from vifstats.trust_region import trust_region_steps

__all__ = ["truncated_refits"]


def truncated_refits(
    est: Estimate,
    *,
    groups: Any = None,
    objects: Any = None,
    max_steps: int = 2,
    radius: float = 2.0,
) -> Influence:
    """Refit without each object from its VIF, for a few trust-region Newton steps only.

    Between `vif` and `leave_one_out`, where a loss is not convex and one step does not do: after
    two steps a result is near the exact one, but not exact, and it is not said to be.

    Parameters
    ----------
    est : Estimate
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    max_steps : int
    radius : float
        How far a step may go, in units of the parameters.

    Returns
    -------
    Influence
        Method "truncated".

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> vs.truncated_refits(vs.minimize(loss, [0.0])).values.ravel()
    array([-1.,  0.,  1.])
    """
    begin, removals = perf_counter(), est.removals(groups, objects)
    D = est.loss.gradient_differences(est.theta, removals)
    starts = est.theta + est.solve(D)
    owned = est.loss.owned_mask(removals, len(est.theta))
    fixed = np.zeros(D.shape, dtype=bool) if owned is None else owned
    values = np.zeros_like(D)
    for k in np.flatnonzero(D.any(axis=1)):
        start = np.where(fixed[k], est.theta, starts[k])
        end = _few_steps(
            est.loss, removals.take(np.array([k])), start, ~fixed[k], max_steps, radius
        )
        values[k] = np.where(fixed[k], np.nan, est.theta - end)
    seconds = perf_counter() - begin
    note = f"at most {max_steps} trust-region steps of length {radius:g} from vif"
    return Influence(est, "truncated", values, removals, seconds=seconds, note=note)


def _few_steps(
    loss: Loss,
    removal: Removals,
    start: np.ndarray,
    free: np.ndarray,
    max_steps: int,
    radius: float,
) -> np.ndarray:
    def whole(part: np.ndarray) -> np.ndarray:
        theta = start.copy()
        theta[free] = part
        return theta[None]

    end = trust_region_steps(
        lambda part: float(loss.reduced_slopes(whole(part), removal)[0][0]),
        lambda part: loss.reduced_slopes(whole(part), removal)[1][0, free],
        lambda part: pinned_curvatures(loss, whole(part), removal)[0][np.ix_(free, free)],
        start[free],
        steps=max_steps,
        radius=radius,
    )
    return whole(end)[0]
