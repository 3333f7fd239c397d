"""The jackknife as a covariance: CR3 by groups, HC3 by rows, each deletion by one Newton step.

For least squares one step is the deletion itself, and the sum over groups is Bell and McCaffrey's
CR3: docs/mathematics.md, equation (57).
"""

from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses import LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.edited import Edited
from vifstats.losses.reduced import reduced
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals

__all__ = ["by_jackknife", "groups_of", "jackknife_rows", "jackknife_variances"]


def by_jackknife(inference: Any, loss: Loss) -> bool:
    """Whether a covariance is the jackknife; HC3 of least squares is the same by leverages.

    Objects that are edits are not left out in turn: their errors are of the stack of rows.
    """
    if isinstance(loss, Edited):
        return False
    if inference.covariance == "HC3":
        squares = isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)
        return not squares
    return bool(inference.covariance == "CR3")


def jackknife_rows(loss: Loss, theta: np.ndarray, removals: Removals) -> np.ndarray:
    """theta^ - theta(-g) of each group by one Newton step, shape (n_groups, p).

    Nan where nothing determines a parameter without the group.
    """
    differences = loss.gradient_differences(theta, removals)
    return -loss.reduced_solves(theta, removals, differences)


def groups_of(fit: Any, loss: Loss, kept: np.ndarray | slice = slice(None)) -> Removals:
    """What the jackknife leaves out in turn: the groups of the objects kept, or each of them."""
    if fit.clusters is None:
        return Removals.each(loss.n_objects)
    return Removals.of_groups(fit.clusters[kept])


def jackknife_variances(fit: Any, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
    """Variances of every parameter after each removal, (k, p): the jackknife of what is left."""
    out = np.full(thetas.shape, np.nan)
    for k, theta in enumerate(thetas):
        kept = removals.codes != k
        try:
            left = loss if kept.all() else reduced(loss, kept)
        except InvalidInputError:  # of what is left nothing can be estimated
            continue
        groups = groups_of(fit, left, kept)
        out[k] = (jackknife_rows(left, theta, groups) ** 2).sum(axis=0)
    return fit.inference.factor * out
