"""Standard errors without each removal: afresh where it matters most, else near-linear."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from vifstats.losses.base import Loss
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals
from vifstats.solvers.linalg import solve_each

__all__ = ["dispersions_without", "kept_parameters", "standard_errors_without"]

# Removals times rows times parameters: Hessians are computed afresh for as many removals as this
# allows (3 s), the influential ones first.
EXACT_NUMBERS = 30_000_000
# Reduced Hessians taken together hold about this many numbers (32 MB).
BLOCK_NUMBERS = 4_000_000
# The step of third derivatives, in standard errors.
STEP = 1e-3

# Relative to itself: a dispersion as near as this to the residual variance is that.
SAME = 1e-6

# thetas (k, p), removals -> Hessians (k, p, p)
Hessians = Callable[[np.ndarray, Removals], np.ndarray]


def standard_errors_without(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals, exact: bool | None = None
) -> np.ndarray:
    """Naive standard errors of every parameter without each removal.

    Parameters
    ----------
    fit : Estimate or BoundWald
        Has theta and dispersion of the full fit, and its standard errors.
    loss : Loss
    thetas : ndarray, shape (n_removals, p)
        The parameters without each removal.
    removals : Removals
    exact : bool, optional
        As in `StandardError`.

    Returns
    -------
    ndarray, shape (n_removals, p)
        nan where a Hessian is not positive definite, and for parameters that vanish.
    """
    p = thetas.shape[1]
    owned = loss.owned_mask(removals, p)
    thetas = kept_parameters(loss, thetas, removals)
    afresh = _afresh(fit, thetas, removals, exact)
    variances = np.empty(thetas.shape)
    for rows, hessians in (
        (np.flatnonzero(afresh), partial(_reduced_hessians, loss)),
        (np.flatnonzero(~afresh), partial(_expanded_hessians, fit, loss)),
    ):
        if len(rows):
            gone = None if owned is None else owned[rows]
            variances[rows] = _variances(hessians, thetas[rows], removals.take(rows), gone)
    return np.sqrt(variances * dispersions_without(fit, loss, thetas, removals))


def _afresh(fit: Any, thetas: np.ndarray, removals: Removals, exact: bool | None) -> np.ndarray:
    """The removals whose Hessian is computed afresh: all, none, or those that move theta most."""
    if exact is not None:
        return np.full(len(thetas), exact)
    n_afresh = EXACT_NUMBERS // (removals.n_objects * thetas.shape[1])
    size = np.abs((thetas - fit.theta) / fit.standard_errors).max(axis=1)
    chosen = np.zeros(len(thetas), dtype=bool)
    chosen[np.argsort(-size)[:n_afresh]] = True
    return chosen


def _variances(
    hessians: Hessians, thetas: np.ndarray, removals: Removals, owned: np.ndarray | None
) -> np.ndarray:
    """The diagonals of the inverse Hessians, shape (n_removals, p)."""
    p = thetas.shape[1]
    out = np.empty(thetas.shape)
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // p**2)):
        H = hessians(thetas[part], some)
        for k, unit in enumerate(np.eye(p)):
            rows = np.repeat(unit[None], len(some), axis=0)
            out[part, k] = solve_each(H, rows, None if owned is None else owned[part])[:, k]
    if owned is not None:
        out[owned] = np.nan
    return out


def _reduced_hessians(loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    return loss.reduced_curvatures(thetas, removals)


def _expanded_hessians(fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Without each removal at theta^, and the change from there as on all data, to first order."""
    H = loss.reduced_hessians(fit.theta, removals)
    return H + np.einsum("kj,jab->kab", thetas - fit.theta, _third_derivatives(fit, loss))


def _third_derivatives(fit: Any, loss: Loss) -> np.ndarray:
    """The derivative of the Hessian in each parameter, shape (p, p, p)."""
    steps = STEP * fit.standard_errors
    ahead, behind = (
        np.stack([loss.hessian(fit.theta + sign * h) for h in np.diag(steps)]) for sign in (1, -1)
    )
    return (ahead - behind) / (2 * steps)[:, None, None]


def dispersions_without(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals
) -> np.ndarray | float:
    """The dispersion without each removal: the residual variance of least squares, else as it was.

    It is a residual variance where it is the sum of squares over the degrees of freedom.

    Parameters
    ----------
    fit : Estimate or BoundWald
    loss : Loss
    thetas : ndarray, shape (n_removals, p)
    removals : Removals

    Returns
    -------
    ndarray, shape (n_removals, 1), or float
    """
    if not (isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)):
        return fit.dispersion
    nobody = Removals.nobody(loss.n_objects)
    full = _sums_of_squares(loss, fit.theta[None], nobody)
    # of single rows, and of rows that stand for as many as their weight says
    for counts in (np.ones(loss.n_objects), loss.weights):
        freedom = counts.sum() - len(fit.theta)
        if np.allclose(full, fit.dispersion * freedom, rtol=SAME):
            left = freedom - removals.sums(counts)
            without = _sums_of_squares(loss, thetas, removals)
            return (without / np.where(left > 0, left, np.nan))[:, None]
    return fit.dispersion


def _sums_of_squares(loss: LinearPredictor, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Weighted squares of the residuals without each removal, penalty left out: (n_removals,)."""
    values = 2 * loss.reduced_slopes(thetas, removals)[0]
    if loss.penalty is None:
        return values
    return values - np.einsum("kp,pq,kq->k", thetas, loss.penalty, thetas)


def kept_parameters(loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Parameters with 0 for those that vanish with a removal: nothing reads them then."""
    owned = loss.owned_mask(removals, thetas.shape[1])
    return thetas if owned is None else np.where(owned, 0.0, thetas)
