"""Refits cut short: a few trust-region steps, where one step does not do and all are too many."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.folders import writable_folder
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.parallel import (
    Blocks,
    Checkpoint,
    Engine,
    Fingerprint,
    Rows,
    Shard,
    in_blocks,
    one_blas_thread,
)
from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers import Factor
from vifstats.solvers.trust_region import trust_region_steps
from vifstats.typing import Groups, Objects, Pool

__all__ = ["truncated_refits"]

# Removals in a block. Each has steps of its own, so a block is only as long as is worth sending.
BLOCK = 8


def truncated_refits(
    est: Source,
    *data: Any,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    n_jobs: int | None = None,
    executor: Pool | None = None,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] | None = None,
    progress: bool = False,
    max_steps: int = 2,
    radius: float = 2.0,
) -> Influence:
    """Refit without each object from its VIF, for a few trust-region Newton steps only.

    Between `vif` and `leave_one_out`, where a loss is not convex and one step does not do: after
    two steps a result is near the exact one, but not exact, and it is not said to be.

    Parameters
    ----------
    est : Estimate
    *data
        What a fitted model was fitted on, where it does not keep it.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    n_jobs : int, optional
        Workers, through joblib; this and the next four are those of `leave_one_out`.
    executor : object, optional
        Instead of `n_jobs`, anything with ``submit(function, *args)``.
    checkpoint : str or Path, optional
        A folder for finished blocks of rows.
    shard : tuple of int, optional
        ``(k, n)``: only part k of n of the rows, counted from 1.
    progress : bool
        Show a progress bar.
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
    begin, engine = perf_counter(), Engine(n_jobs, executor)
    radius = checks.positive_number(radius, "radius")
    max_steps = checks.whole_number(max_steps, "max_steps")
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    est.require_value("A trust-region step")
    removals, part = est.removals(groups, objects), Shard.of(shard, checkpoint)
    folder = None if checkpoint is None else writable_folder(checkpoint, "checkpoint")
    with one_blas_thread():
        steps = FewSteps(est.loss, est.theta, est.factor, max_steps, radius, est.perfect)
        blocks = Blocks(steps, removals, BLOCK, len(est.theta))
        saved = None if folder is None else Checkpoint.of(folder, steps.fingerprint(est, blocks))
        numbers = part.blocks(len(blocks))
        rows = in_blocks(blocks, engine, numbers=numbers, checkpoint=saved, progress=progress)
        if shard is not None:
            removals = removals.take(blocks.positions_of(numbers))
    seconds = perf_counter() - begin
    note = f"at most {max_steps} trust-region steps of length {radius:g} from vif"
    return Influence(est, "truncated", rows.values, removals, seconds=seconds, note=note)


@dataclass(frozen=True, eq=False)
class FewSteps:
    """Truncated refits from one full fit: ``steps(removals)`` are the rows of these removals."""

    loss: Loss
    theta: np.ndarray
    factor: Factor
    max_steps: int
    radius: float
    perfect: bool

    def fingerprint(self, est: Estimate, blocks: Blocks) -> Fingerprint:
        """What a checkpoint of these refits is recognised by."""
        return Fingerprint.of(
            self.loss,
            self.theta,
            est.hessian,
            blocks.removals,
            call="truncated_refits",
            block_size=blocks.size,
            max_steps=self.max_steps,
            radius=self.radius,
        )

    def __call__(self, removals: Removals) -> Rows:
        if self.perfect:
            values = np.zeros((len(removals), len(self.theta)))
            return Rows(values, np.zeros(len(values), dtype=bool))
        D = self.loss.gradient_differences(self.theta, removals)
        starts = self.theta + self.factor.solve(D)
        owned = self.loss.owned_mask(removals, len(self.theta))
        fixed = np.zeros(D.shape, dtype=bool) if owned is None else owned
        values = np.zeros_like(D)
        for k in np.flatnonzero(D.any(axis=1)):
            start = np.where(fixed[k], self.theta, starts[k])
            end = self._end(removals.take(np.array([k])), start, ~fixed[k])
            values[k] = self.theta - end
        return Rows(values, np.zeros(len(D), dtype=bool))

    def _end(self, removal: Removals, start: np.ndarray, free: np.ndarray) -> np.ndarray:
        def whole(part: np.ndarray) -> np.ndarray:
            theta = start.copy()
            theta[free] = part
            return theta[None]

        end = trust_region_steps(
            lambda part: float(self.loss.reduced_slopes(whole(part), removal)[0][0]),
            lambda part: self.loss.reduced_slopes(whole(part), removal)[1][0, free],
            lambda part: self.loss.pinned_curvatures(whole(part), removal)[0][np.ix_(free, free)],
            start[free],
            steps=self.max_steps,
            radius=self.radius,
        )
        return whole(end)[0]
