"""Exact leave-one-out by refitting: what every approximation is measured against."""

from time import perf_counter
from typing import Any

import numpy as np

from vifstats.errors import ConvergenceError
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.optimise import Minima, damped_newton
from vifstats.removals import Removals
from vifstats.result import Influence

__all__ = ["leave_one_out"]

# Removals refitted together: enough for matrix products, few enough to show progress.
BLOCK = 128


def leave_one_out(
    est: Estimate,
    *,
    groups: Any = None,
    objects: Any = None,
    n_jobs: int = 1,
    progress: bool = False,
    tol: float = 1e-9,
    max_steps: int = 50,
) -> Influence:
    """Refit without each object, each from its Newton step, to convergence.

    Parameters
    ----------
    est : Estimate
    groups : array_like, shape (n_rows,), optional
        One label per row of the data; whole groups are removed.
    objects : sequence of labels or boolean mask, optional
        The rows of the result to compute; default all.
    n_jobs : int
        Processes, through joblib. Results do not depend on it.
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

    Notes
    -----
    The reference is our own converged full fit, not the theta given: a row without influence has
    exactly 0 although the theta given is a little off. A penalty is held.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> vs.leave_one_out(vs.minimize(loss, [0.0])).values.ravel()
    array([-1.,  0.,  1.])
    """
    begin = perf_counter()
    removals = est.removals(groups, objects)
    scale = est.standard_errors / np.sqrt(est.dispersion)
    theta = _polished(est, scale, tol)
    D = est.loss.gradient_differences(theta, removals)
    influential = np.flatnonzero(D.any(axis=1))
    some = removals.take(influential)
    minima = _refit_all(
        est.loss, theta, some, D[influential], scale, tol, max_steps, n_jobs, progress
    )
    values = np.zeros_like(D)
    values[influential] = np.where(
        minima.converged[:, None], theta - minima.thetas, np.nan
    )
    failed = np.zeros(len(removals), dtype=bool)
    failed[influential] = ~minima.converged
    owned = est.loss.owned_mask(removals, len(theta))
    if owned is not None:
        values[owned] = np.nan
    return Influence(
        est,
        "refit",
        values,
        removals,
        exact=~failed,
        failed=failed,
        seconds=perf_counter() - begin,
    )


def _polished(est: Estimate, scale: np.ndarray, tol: float) -> np.ndarray:
    """Our own converged full fit, a step or two from the theta given."""
    nobody = Removals(np.full(est.loss.n_objects, -1), est.labels[:1])
    minima = _minima(est.loss, est.theta[None], nobody, scale, tol, 50)
    if not minima.converged[0]:
        raise ConvergenceError(
            "Refits need a full fit at its minimum, but from this theta it was not reached "
            f"(last step {minima.last_step[0]:.2g} standard errors). Fit to convergence first."
        )
    return minima.thetas[0]


def _refit_all(
    loss: Loss,
    theta: np.ndarray,
    removals: Removals,
    D: np.ndarray,
    scale: np.ndarray,
    tol: float,
    max_steps: int,
    n_jobs: int,
    progress: bool,
) -> Minima:
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    steps = loss.reduced_solves(theta, removals, D)
    starts = theta + np.where(np.isfinite(steps).all(axis=1)[:, None], steps, 0.0)
    blocks = list(removals.blocks(BLOCK))
    jobs = (
        delayed(_minima)(loss, starts[part], some, scale, tol, max_steps) for part, some in blocks
    )
    bar = tqdm(total=len(removals), disable=not progress, unit="refit", desc="refits")
    found = []
    with bar:
        for minima in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            bar.update(len(minima.thetas))
            found.append(minima)
    if not found:
        empty = np.empty(0)
        return Minima(np.empty((0, len(theta))), empty, empty.astype(bool))
    return Minima(
        np.concatenate([m.thetas for m in found]),
        np.concatenate([m.last_step for m in found]),
        np.concatenate([m.converged for m in found]),
    )


def _minima(
    loss: Loss,
    starts: np.ndarray,
    removals: Removals,
    scale: np.ndarray,
    tol: float,
    max_steps: int,
) -> Minima:
    return damped_newton(
        lambda rows, thetas: loss.reduced_slopes(thetas, removals.take(rows)),
        lambda rows, thetas: loss.reduced_curvatures(thetas, removals.take(rows)),
        starts,
        scale=scale,
        fixed=loss.owned_mask(removals, starts.shape[1]),
        tol=tol,
        max_steps=max_steps,
    )
