"""Standard errors after each removal: afresh where it matters most, else near-linear."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from vifstats.inference.dispersion import dispersions_without
from vifstats.inference.edits import StackedFit
from vifstats.inference.equations import equation_variances
from vifstats.inference.jackknife import (
    by_jackknife,
    groups_of,
    jackknife_rows,
    jackknife_variances,
)
from vifstats.inference.reported import Inference
from vifstats.inference.sandwich import Sandwich
from vifstats.inference.twins import information_loss
from vifstats.losses import LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.edited import Edited
from vifstats.removals import Removals
from vifstats.solvers.linalg import invert_each

__all__ = [
    "naive_variances",
    "rests_on_hessian",
    "standard_errors_without",
    "third_derivatives",
]

# Removals times rows times parameters: Hessians are computed afresh for as many removals as this
# allows (3 s), the influential ones first.
EXACT_NUMBERS = 30_000_000
# Reduced Hessians taken together hold about this many numbers (32 MB).
BLOCK_NUMBERS = 4_000_000
# The step of third derivatives, in standard errors.
STEP = 1e-3

# thetas (k, p), removals -> Hessians (k, p, p)
Hessians = Callable[[np.ndarray, Removals], np.ndarray]


def standard_errors_without(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals, exact: bool | None = None
) -> np.ndarray:
    """Standard errors of every parameter, by the inference of the fit, after each removal.

    `fit` is an Estimate, `thetas` (n_removals, p) the parameters after each removal, `exact` as
    in `StandardError`. nan where a Hessian is not positive definite, and for parameters that
    vanish. UnsupportedModelError if the covariance of the fit cannot be followed without a row.
    """
    fit.inference.require_followed()
    if isinstance(loss, Edited) and not (fit.inference.as_given and rests_on_hessian(fit, loss)):
        return _edited(fit, loss, thetas, removals)
    owned = loss.owned_mask(removals, thetas.shape[1])
    thetas = loss.with_owned(thetas, removals, 0.0)
    n_passes = _n_passes(fit, loss)
    afresh = _afresh(fit, thetas, removals, exact, n_passes)
    variances = np.empty(thetas.shape)
    for kind in (True, False):
        rows = np.flatnonzero(afresh == kind)
        if len(rows):
            gone = None if owned is None else owned[rows]
            variances[rows] = _variances(fit, loss, thetas[rows], removals.take(rows), gone, kind)
    if owned is not None:
        variances[owned] = np.nan
    return np.sqrt(variances)


def rests_on_hessian(fit: Any, loss: Loss) -> bool:
    """Whether the covariance is the inverse Hessian times a number for each removal."""
    edited = isinstance(loss, Edited) and isinstance(loss.stacked, LinearPredictor)
    return fit.inference.is_naive and loss.minimised and not edited


def _edited(fit: Any, loss: Edited, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Standard errors with each edit, afresh from what is left of rows and edited versions."""
    stack, left = StackedFit(fit, loss), loss.in_the_stack(removals)
    pairs = [(thetas[[k]], one, None, True) for k, one in enumerate(left)]
    return np.sqrt(np.concatenate([_variances(stack, loss.stacked, *pair) for pair in pairs]))


def _variances(
    fit: Any,
    loss: Loss,
    thetas: np.ndarray,
    removals: Removals,
    owned: np.ndarray | None,
    afresh: bool,
) -> np.ndarray:
    """Variances after each removal, afresh or near-linear, shape (n_removals, p)."""
    if not loss.minimised:
        return equation_variances(fit, loss, thetas, removals, afresh)
    inference, information = fit.inference, information_loss(loss, fit.inference)
    if by_jackknife(inference, loss):
        if afresh:
            return jackknife_variances(fit, loss, thetas, removals)
        rows = jackknife_rows(loss, fit.theta, groups_of(fit, loss))
        full = inference.factor * (rows**2).sum(axis=0)
        return full * _growth(fit, loss, thetas, removals, owned)
    expanded = partial(_expanded_hessians, fit, information)
    hessians = information.reduced_curvatures if afresh else expanded
    inverses = _inverses(hessians, thetas, removals, owned)
    if inference.is_naive:
        return naive_variances(fit, loss, inverses, thetas, removals)
    sandwich = Sandwich(inference, loss, fit.clusters, thetas.shape[1])
    if afresh:
        return sandwich.variances(inverses, thetas, removals)
    inverse = np.linalg.inv(information.hessian(fit.theta))
    return sandwich.expanded(fit, inverse, inverses, thetas, removals)


def naive_variances(
    fit: Any, loss: Loss, inverses: np.ndarray, thetas: np.ndarray, removals: Removals
) -> np.ndarray:
    """Dispersion times the diagonals of inverse Hessians (k, p, p), shape (k, p)."""
    dispersion = dispersions_without(fit, loss, thetas, removals)
    return fit.inference.factor * dispersion * np.einsum("kjj->kj", inverses)


def _growth(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals, owned: np.ndarray | None
) -> np.ndarray:
    """What the sandwich with the same groups is multiplied by after each removal: (k, p)."""
    robust = Inference("robust", fit.inference.groups)
    by_scores = Sandwich(robust, loss, fit.clusters, len(fit.theta))
    inverse = np.linalg.inv(loss.hessian(fit.theta))
    inverses = _inverses(partial(_expanded_hessians, fit, loss), thetas, removals, owned)
    nobody = Removals.nobody(loss.n_objects)
    without = by_scores.expanded(fit, inverse, inverses, thetas, removals)
    return without / by_scores.variances(inverse[None], fit.theta[None], nobody)


def _n_passes(fit: Any, loss: Loss) -> int:
    """How many passes over the rows the errors without one removal take."""
    if not by_jackknife(fit.inference, loss):
        return 1
    return loss.n_objects if fit.clusters is None else int(fit.clusters.max()) + 1


def _afresh(
    fit: Any, thetas: np.ndarray, removals: Removals, exact: bool | None, n_passes: int
) -> np.ndarray:
    """The removals whose Hessian is computed afresh: all, none, or those that move theta most."""
    if exact is not None:
        return np.full(len(thetas), exact)
    n_afresh = EXACT_NUMBERS // (removals.n_objects * thetas.shape[1] * n_passes)
    size = np.abs((thetas - fit.theta) / fit.naive_errors).max(axis=1)
    chosen = np.zeros(len(thetas), dtype=bool)
    chosen[np.argsort(-size)[:n_afresh]] = True
    return chosen


def _inverses(
    hessians: Hessians, thetas: np.ndarray, removals: Removals, owned: np.ndarray | None
) -> np.ndarray:
    """The inverse Hessians, 0 in rows and columns of what vanishes, shape (n_removals, p, p)."""
    p = thetas.shape[1]
    out = np.empty((len(thetas), p, p))
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // p**2)):
        H = hessians(thetas[part], some)
        out[part] = invert_each(H, None if owned is None else owned[part])
    return out


def _expanded_hessians(fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Hessians after each removal: at theta^, plus their first-order change on all data."""
    H = loss.reduced_hessians(fit.theta, removals)
    return H + np.einsum("kj,jab->kab", thetas - fit.theta, fit.information_slopes)


def third_derivatives(fit: Any, loss: Loss) -> np.ndarray:
    """The derivative of the Hessian of a loss in each parameter, shape (p, p, p)."""
    steps = STEP * fit.naive_errors
    ahead, behind = (
        np.stack([loss.hessian(fit.theta + sign * h) for h in np.diag(steps)]) for sign in (1, -1)
    )
    return (ahead - behind) / (2 * steps)[:, None, None]
