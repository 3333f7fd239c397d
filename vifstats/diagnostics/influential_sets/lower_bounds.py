"""How many removals a change of a least squares coefficient needs at least.

With A = H^-1/2 (H - H_-S) H^-1/2, a = H^-1/2 e_j and g = H^-1/2 D_S, all sums over the members of
S, the change of coefficient j is exactly a'(I - A)^-1 g = a'g + (A a)'(I - A)^-1 g. The first part
is the sum of single influences. The second is at most |A a| |g| / (1 - |A|), each at most a sum
over the members; so the largest few of each bound what that many removals can do.
"""

import numpy as np

from vifstats.diagnostics.influential_sets.goals import Goal
from vifstats.estimate import Estimate
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals
from vifstats.targets import Coefficient

__all__ = ["at_least"]

# Reduced Hessians taken together hold about this many numbers (32 MB).
BLOCK_NUMBERS = 4_000_000


def at_least(est: Estimate, removals: Removals, goal: Goal) -> int | None:
    """The size that no set can be smaller than and reach the goal; None where none is known."""
    loss, target = est.loss, goal.steering
    quadratic = isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)
    if not quadratic or not isinstance(target, Coefficient):
        return None
    unit = np.zeros(len(est.theta))
    unit[list(est.names).index(target.name)] = 1.0
    # A lower triangular root of H^-1 serves as well as the symmetric one
    root = np.linalg.cholesky(est.factor.inverse())
    a = root.T @ unit
    g = est.loss.gradient_differences(est.theta, removals) @ root
    towards = goal.direction * (g @ a)
    sizes, turned = np.empty(len(removals)), np.empty(len(removals))
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // len(unit) ** 2)):
        A = root.T @ (est.hessian - loss.reduced_hessians(est.theta, some)) @ root
        sizes[part] = np.einsum("kpp->k", A)
        turned[part] = np.linalg.norm(A @ a, axis=1)
    first, shares, first_order, residual = (
        np.cumsum(np.sort(np.maximum(v, 0.0))[::-1])
        for v in (towards, sizes, turned, np.linalg.norm(g, axis=1))
    )
    with np.errstate(divide="ignore"):
        rest = np.where(shares < 1, first_order * residual / np.maximum(1 - shares, 0.0), np.inf)
    # a little less than the gap, against rounding
    enough = np.flatnonzero(first + rest >= goal.gap * (1 - 1e-9))
    return int(enough[0]) + 1 if len(enough) else len(removals)
