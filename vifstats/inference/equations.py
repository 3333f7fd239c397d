"""The sandwich of estimating equations after each removal: J^-1 M J^-T, afresh or held."""

from typing import Any

import numpy as np

from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers.lu import solve_each_square

__all__ = ["equation_variances"]

# Scores without several removals together hold about this many numbers (32 MB).
SCORE_NUMBERS = 4_000_000


def equation_variances(
    fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals, afresh: bool
) -> np.ndarray:
    """Variances of every parameter after each removal, shape (n_removals, p).

    Afresh they are of the reduced equations at ``thetas`` (n_removals, p); else the influences at
    theta^ are held, and those of the removal left out.
    """
    codes = np.arange(loss.n_objects) if fit.clusters is None else fit.clusters
    if not afresh:
        return fit.inference.factor * _held(fit, loss, codes, removals)
    out = np.empty(thetas.shape)
    for part, some in removals.blocks(max(1, SCORE_NUMBERS // (loss.n_objects * thetas.shape[1]))):
        J = loss.reduced_curvatures(thetas[part], some)
        scores = loss.reduced_scores(thetas[part], some)
        units = np.broadcast_to(np.eye(thetas.shape[1]), J.shape)
        columns = [solve_each_square(J, units[:, k]) for k in range(J.shape[1])]
        rows = np.einsum("knq,qkp->knp", scores, np.stack(columns), optimize=True)
        summed = np.zeros((codes.max() + 1, len(some), thetas.shape[1]))
        np.add.at(summed, codes, rows.swapaxes(0, 1))
        out[part] = np.einsum("ckp,ckp->kp", summed, summed)
    return fit.inference.factor * out


def _held(fit: Any, loss: Loss, codes: np.ndarray, removals: Removals) -> np.ndarray:
    """Sums of squares of the influences of the clusters, minus what leaves: (n_removals, p)."""
    rows = fit.solve(loss.weight_gradients(fit.theta))
    totals = np.zeros((codes.max() + 1, rows.shape[1]))
    np.add.at(totals, codes, rows)
    out = np.tile(np.einsum("cp,cp->p", totals, totals), (len(removals), 1))
    for k, members in enumerate(removals):
        touched, cluster = np.unique(codes[members], return_inverse=True)
        left = totals[touched]
        np.subtract.at(left, cluster, rows[members])
        out[k] += (left**2 - totals[touched] ** 2).sum(axis=0)
    return out
