"""Exact leave-one-out by refitting: what every approximation is measured against."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from vifstats.errors import ConvergenceError
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss, pinned_curvatures
from vifstats.optimise import Minima, damped_newton
from vifstats.quasi_newton import LARGE, MEMORY, quasi_newton
from vifstats.removals import Removals
from vifstats.result import Influence
from vifstats.solvers import Factor

__all__ = ["leave_one_out"]

# Removals refitted together: enough for matrix products, few enough to show progress.
BLOCK = 128
# No block holds much more than this many numbers (256 MB).
BLOCK_NUMBERS = 32_000_000

Minimiser = Callable[[np.ndarray, Removals], Minima]


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
    objects : sequence of labels or bool mask, optional
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

    Up to 500 parameters a refit takes Newton steps with a Hessian of its own. Above, a Hessian for
    each would cost more than it saves: all share the factor of the full one, corrected by what
    the gradients say along the way (`vifstats.quasi_newton`), to the same tolerance.

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
    theta = _polished(est, tol)
    D = est.loss.gradient_differences(theta, removals)
    steps = _first_steps(est, theta, removals, D)
    usable = np.isfinite(steps).all(axis=1)
    influential = np.flatnonzero(D.any(axis=1))
    starts = theta + np.where(usable[:, None], steps, 0.0)[influential]
    minimise = _minimiser(est, tol, max_steps)
    minima = _refit_all(minimise, starts, removals.take(influential), n_jobs, progress)
    values = np.zeros_like(D)
    values[influential] = theta - minima.thetas
    # Where D is 0 theta stays the minimum, unless the loss has lost its curvature with the object.
    failed = ~usable
    failed[influential] = ~minima.converged
    values[failed] = np.nan
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


def _polished(est: Estimate, tol: float) -> np.ndarray:
    """Our own converged full fit, a step or two from the theta given."""
    nobody = Removals(np.full(est.loss.n_objects, -1), est.labels[:1])
    minima = _minimiser(est, tol, 50)(est.theta[None], nobody)
    if not minima.converged[0]:
        raise ConvergenceError(
            "Refits need a full fit at its minimum, but from this theta it was not reached "
            f"(last step {minima.last_step[0]:.2g} standard errors). Fit to convergence first."
        )
    return minima.thetas[0]


def _first_steps(est: Estimate, theta: np.ndarray, removals: Removals, D: np.ndarray) -> np.ndarray:
    """Newton steps, nan where H_-i is singular; those of vif where each its Hessian is too much."""
    if len(theta) <= LARGE:
        return est.loss.reduced_solves(theta, removals, D)
    owned, steps = est.loss.owned_mask(removals, len(theta)), est.solve(D)
    return steps if owned is None else np.where(owned, 0.0, steps)


def _refit_all(
    minimise: Minimiser, starts: np.ndarray, removals: Removals, n_jobs: int, progress: bool
) -> Minima:
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    blocks = list(removals.blocks(_block_size(starts.shape[1])))
    jobs = (delayed(minimise)(starts[part], some) for part, some in blocks)
    bar = tqdm(total=len(removals), disable=not progress, unit="refit", desc="refits")
    found = []
    with bar:
        for minima in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            bar.update(len(minima.thetas))
            found.append(minima)
    if not found:
        return Minima(starts, np.empty(0), np.empty(0, dtype=bool))
    return Minima(
        np.concatenate([m.thetas for m in found]),
        np.concatenate([m.last_step for m in found]),
        np.concatenate([m.converged for m in found]),
    )


def _block_size(n_params: int) -> int:
    each = n_params**2 if n_params <= LARGE else 4 * MEMORY * n_params
    return max(1, min(BLOCK, BLOCK_NUMBERS // each))


def _minimiser(est: Estimate, tol: float, max_steps: int) -> Minimiser:
    """How this model is refitted: a Hessian for each removal, or one factor for all."""
    if len(est.theta) > LARGE:
        return partial(_by_full_factor, est.loss, est.factor, tol, max_steps)
    scale = est.standard_errors / np.sqrt(est.dispersion)
    return partial(_by_own_hessians, est.loss, scale, tol, max_steps)


def _by_own_hessians(
    loss: Loss,
    scale: np.ndarray,
    tol: float,
    max_steps: int,
    starts: np.ndarray,
    removals: Removals,
) -> Minima:
    return damped_newton(
        lambda rows, thetas: loss.reduced_slopes(thetas, removals.take(rows)),
        lambda rows, thetas: pinned_curvatures(loss, thetas, removals.take(rows)),
        starts,
        scale=scale,
        fixed=loss.owned_mask(removals, starts.shape[1]),
        tol=tol,
        max_steps=max_steps,
    )


def _by_full_factor(
    loss: Loss,
    factor: Factor,
    tol: float,
    max_steps: int,
    starts: np.ndarray,
    removals: Removals,
) -> Minima:
    return quasi_newton(
        lambda rows, thetas: loss.reduced_slopes(thetas, removals.take(rows)),
        factor.solve,
        starts,
        fixed=loss.owned_mask(removals, starts.shape[1]),
        tol=tol,
        max_steps=max_steps,
    )
