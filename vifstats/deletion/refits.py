"""Exact leave-one-out by refitting: what every approximation is measured against."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.parallel import Blocks, Fingerprint, Rows, Run, one_blas_thread
from vifstats.deletion.refit_ways import Way, way_of
from vifstats.deletion.result import Influence
from vifstats.errors import ConvergenceError
from vifstats.estimate import Estimate
from vifstats.removals import Removals
from vifstats.typing import Groups, Objects, Pool

__all__ = ["Refit", "block_size", "from_full", "leave_one_out", "refit_near", "refit_removals"]

# Removals refitted together: enough for matrix products, few enough to share out.
BLOCK = 64
# No block holds much more than this many numbers (256 MB).
BLOCK_NUMBERS = 32_000_000

TOL, MAX_STEPS = 1e-9, 50


def leave_one_out(
    est: Source,
    *data: Any,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    n_jobs: int | None = None,
    executor: Pool | None = None,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] | None = None,
    progress: bool = False,
    tol: float = TOL,
    max_steps: int = MAX_STEPS,
) -> Influence:
    """Refit without each object, each from its Newton step, to convergence.

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
        Workers, -1 for one on each core; default what ``joblib.parallel_config`` says, else 1.
    executor : object, optional
        Instead of `n_jobs`, anything with ``submit(function, *args)``: a pool of
        concurrent.futures or of MPI, ``client.get_executor()`` of a Dask client.
    checkpoint : str or Path, optional
        A folder for finished blocks of rows. The same call with it goes on where one was cut off.
    shard : tuple of int, optional
        ``(k, n)``: only part k of n of the rows, counted from 1, is computed and is the result.
        Each of n jobs gives its own number and one `checkpoint` for all; once they are done, the
        same call without `shard` reads all parts and computes what is missing.
    progress : bool
        Show a progress bar.
    tol : float
        A refit has converged once its last step is this small in standard errors of the full
        fit: on separation the refit's own standard errors grow with the estimate.
    max_steps : int

    Returns
    -------
    Influence
        Method "refit". Refits that do not converge are nan, with the reason in ``status``.

    Raises
    ------
    ConvergenceError
        If the full data cannot be fitted to the same tolerance.
    InvalidInputError, InvalidTypeError
        If `n_jobs` or `executor` cannot be used, `checkpoint` cannot be written to or is that
        of other work, or there is no such `shard`.

    Notes
    -----
    The reference is our own converged full fit, not the theta given: a row without influence has
    exactly 0 although the theta given is a little off. A penalty is held.

    Up to 500 parameters a refit takes Newton steps with a Hessian of its own, which for Cox models
    follows the steps by the third derivatives of the full loss. Above, a Hessian for
    each would cost more than it saves: all share the factor of the full one, corrected by what
    the gradients say along the way (``vifstats.quasi_newton``), to the same tolerance.

    Who computes changes no bit: blocks of rows are cut without regard to the workers, and BLAS has
    one thread everywhere, this process included, where threadpoolctl is there to say so (the extra
    ``parallel``). To use more cores, use more workers. They are this process and copies of it
    (fork), or with a `checkpoint` copies only, if it runs on Linux, has no other thread, as
    notebooks have, and has loaded neither jax nor torch; else they are joblib's, which take seconds
    to start.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> vs.leave_one_out(vs.minimize(loss, [0.0])).values.ravel()
    array([-1.,  0.,  1.])
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    removals = est.removals(groups, objects)
    run = Run.of(n_jobs, executor, checkpoint, shard, progress)
    return refit_removals(est, removals, run, tol, max_steps)


def refit_removals(
    est: Estimate,
    removals: Removals,
    run: Run | None = None,
    tol: float = TOL,
    max_steps: int = MAX_STEPS,
) -> Influence:
    """What `leave_one_out` does, for removals that are there already; by default in this process.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> refit_removals(est, est.removals().take(np.array([2, 0]))).values.ravel()
    array([ 1., -1.])
    """
    begin, n_params = perf_counter(), len(est.theta)
    tol = checks.small_number(tol, "tol")
    max_steps = checks.counting_number(max_steps, "max_steps")
    with one_blas_thread():
        refit = Refit.of(est, tol, max_steps)
        blocks = Blocks(refit, removals, block_size(refit.by.numbers), n_params)
        run = run or Run()
        if run.engine.copies:
            refit.prepare(removals.take(blocks.positions(0)))
        part, rows = run.rows(blocks, lambda: refit.fingerprint(est, blocks))
    return _refitted(est, part, rows, begin)


def refit_near(
    est: Estimate, full: "Refit", removals: Removals, start: np.ndarray
) -> Influence | None:
    """Refits from a theta that is nearer to them all than the full fit, shape (n_params,).

    None where the short path from there cannot be trusted, or a parameter is owned: then refit
    `from_full`. Returns an Influence of the method "refit".
    """
    begin = perf_counter()
    rows = full.near(start, removals)
    return None if rows is None else _refitted(est, removals, rows, begin)


def from_full(est: Estimate, full: "Refit", removals: Removals) -> Influence:
    """Refits from the full fit, as `leave_one_out` makes them."""
    begin = perf_counter()
    return _refitted(est, removals, full(removals), begin)


def _refitted(est: Estimate, removals: Removals, rows: Rows, begin: float) -> Influence:
    return Influence(
        est,
        "refit",
        rows.values,
        removals,
        exact=~rows.failed,
        failed=rows.failed,
        seconds=perf_counter() - begin,
    )


def block_size(numbers: int) -> int:
    """How many removals are computed together; it depends only on the numbers of each."""
    return max(1, min(BLOCK, BLOCK_NUMBERS // numbers))


@dataclass(frozen=True, eq=False)
class Refit:
    """Refits from one full fit: ``refit(removals)`` are the rows of these removals.

    Attributes
    ----------
    theta : ndarray, shape (n_params,)
        The full fit, converged as the refits are.
    by : Way
    perfect : bool
        Whether it leaves no residuals, as `Estimate.perfect`.
    """

    theta: np.ndarray
    by: Way
    perfect: bool = False

    @classmethod
    def of(cls, est: Estimate, tol: float = TOL, max_steps: int = MAX_STEPS) -> "Refit":
        """Refits from our own full fit, a step or two from the theta given."""
        if est.separated:
            raise ConvergenceError(_no_minimum(0.0, est.separation, tol))
        if est.perfect:
            return cls(est.theta, way_of(est, tol, max_steps), perfect=True)
        nobody = Removals.nobody(est.loss.n_objects)
        full = way_of(est, tol, MAX_STEPS).minima(est.theta, nobody)
        if not full.converged[0]:
            raise ConvergenceError(_no_minimum(full.last_step[0], "", tol))
        return cls(full.thetas[0], way_of(est, tol, max_steps))

    def fingerprint(self, est: Estimate, blocks: Blocks) -> Fingerprint:
        """What a checkpoint of these refits is recognised by."""
        return Fingerprint.of(
            est.loss,
            self.theta,
            est.hessian,
            blocks.removals,
            call="leave_one_out",
            block_size=blocks.size,
            tol=self.by.tol,
            max_steps=self.by.max_steps,
        )

    def prepare(self, removals: Removals) -> None:
        """Make what the loss keeps at theta once, before workers are copied from this process."""
        if not self.perfect:
            self.by.prepare(self.theta, removals)

    def steps(self, removals: Removals) -> np.ndarray:
        """How far one Newton step goes from the full fit, (n_removals, n_params).

        For a few removals of many rows: summed over the rows that are left, and so not exactly 0
        for removals without influence, as `newton_step` is.
        """
        owned = self.by.loss.owned_mask(removals, len(self.theta))
        steps = self.by.steps(self.theta, removals, owned)
        return steps if owned is None else np.where(owned, np.nan, steps)

    def near(self, start: np.ndarray, removals: Removals) -> Rows | None:
        """What a call gives, from a start that is nearer than the full fit, (n_params,).

        None where a short path does not lead there as its models say.
        """
        if self.perfect or self.by.loss.owned_mask(removals, len(start)) is not None:
            return None
        minima = self.by.path(start, removals)
        if not (minima.tame & minima.converged).all():
            return None
        return Rows(self.theta - self.by.loss.canonical(minima.thetas), ~minima.converged)

    def __call__(self, removals: Removals) -> Rows:
        loss = self.by.loss
        values = np.zeros((len(removals), len(self.theta)))
        failed = np.zeros(len(removals), dtype=bool)
        # Where D is 0 theta stays the minimum, unless the loss has lost its curvature there.
        moves = failed.copy()
        if not self.perfect:
            moves |= loss.gradient_differences(self.theta, removals).any(axis=1)
        if len(still := np.flatnonzero(~moves)):
            failed[still] = self.by.lost_curvature(self.theta, removals.take(still))
        if len(influential := np.flatnonzero(moves)):
            minima = self.by.minima(loss.beside(self.theta), removals.take(influential))
            values[influential] = self.theta - loss.canonical(minima.thetas)
            failed[influential] = ~minima.converged
        values[failed] = np.nan
        return Rows(values, failed)


def _no_minimum(last_step: float, direction: str, tol: float) -> str:
    rule = "Refits need a full fit at its minimum, but from this theta it was not reached"
    if direction or last_step <= tol:
        along = f" along {direction}" if direction else ""
        return (
            f"{rule}: the loss falls for ever{along}, as on separation. Drop the covariate whose "
            "coefficient runs away, or fit with a penalty, such as Firth's (vifstats.firth)."
        )
    return f"{rule} (last step {last_step:.2g} standard errors). Fit to convergence first."
