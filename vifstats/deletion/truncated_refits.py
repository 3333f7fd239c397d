"""Refits cut short: a few trust-region steps, where one step does not do and all are too many."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.parallel import Blocks, Fingerprint, Rows, Run, one_blas_thread
from vifstats.deletion.refits import block_size
from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers import Factor
from vifstats.solvers.trust_region import trust_region_steps
from vifstats.typing import Groups, Objects, Pool

__all__ = ["truncated_of", "truncated_refits"]

STEPS, RADIUS = 2, 2.0


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
    max_steps: int = STEPS,
    radius: float = RADIUS,
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
        Workers; this and the next four are those of `leave_one_out`.
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
        How far a step may go, in units of the parameters; where these have units of their own, as
        in mixed models, in 1/sqrt(diag(H)).

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
    begin = perf_counter()
    radius = checks.positive_number(radius, "radius")
    max_steps = checks.whole_number(max_steps, "max_steps")
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    est.require_value("A trust-region step")
    removals = est.removals(groups, objects)
    run = Run.of(n_jobs, executor, checkpoint, shard, progress)
    return _truncated(est, removals, run, max_steps, radius, begin)


def truncated_of(est: Estimate, removals: Removals) -> Influence:
    """What `truncated_refits` does by default, for removals that are there already."""
    return _truncated(est, removals, Run(), STEPS, RADIUS, perf_counter())


def _truncated(
    est: Estimate, removals: Removals, run: Run, max_steps: int, radius: float, begin: float
) -> Influence:
    with one_blas_thread():
        steps, n_params = FewSteps.of(est, max_steps, radius), len(est.theta)
        blocks = Blocks(steps, removals, block_size(n_params**2), n_params)
        part, rows = run.rows(blocks, lambda: steps.fingerprint(est, blocks))
    note = f"at most {max_steps} trust-region steps of length {radius:g} from vif"
    seconds = perf_counter() - begin
    return Influence(est, "truncated", rows.values, part, seconds=seconds, note=note)


@dataclass(frozen=True, eq=False)
class FewSteps:
    """Truncated refits from one full fit: ``steps(removals)`` are the rows of these removals."""

    loss: Loss
    theta: np.ndarray
    factor: Factor
    max_steps: int
    radius: float
    # what it is measured in, (p,) or 1
    scale: np.ndarray | float
    perfect: bool

    @classmethod
    def of(cls, est: Estimate, max_steps: int, radius: float) -> "FewSteps":
        """From the estimate, in standard errors where parameters have units of their own."""
        loss = est.loss.nearby(est.theta)
        scale = 1 / np.sqrt(np.diag(est.hessian)) if est.loss.own_units else 1.0
        return cls(loss, est.theta, est.factor, max_steps, radius, scale, est.perfect)

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
        moved = np.flatnonzero(D.any(axis=1))
        some, fixed = removals.take(moved), fixed[moved]
        ends = trust_region_steps(
            lambda rows, thetas: self.loss.reduced_slopes(thetas, some.take(rows)),
            lambda rows, thetas: self.loss.pinned_curvatures(thetas, some.take(rows)),
            np.where(fixed, self.theta, starts[moved]),
            fixed=fixed,
            steps=self.max_steps,
            radius=self.radius,
            scale=self.scale,
        )
        values[moved] = self.theta - self.loss.canonical(ends)
        return Rows(values, np.zeros(len(D), dtype=bool))
