"""Three approximations of theta^ - theta(-i), without refitting: the method of this package.

Write H for the Hessian of the loss at its minimum theta^ and D_i for what object i adds to the
gradient there. Deng, Tang & Ma (ICML 2025), Eq. 4:

    dfbeta_i = theta^ - theta(-i) ~ -H^-1 D_i,   D_i = grad L(theta^, 1) - grad L(theta^, 1_-i)

"VIF" is the Versatile Influence Function, not the variance inflation factor.
"""

from time import perf_counter
from typing import Any

import numpy as np

from vifstats.estimate import Estimate
from vifstats.losses.base import pinned
from vifstats.optimise import descent
from vifstats.removals import Removals
from vifstats.result import Influence
from vifstats.solvers import Solver

__all__ = ["classical_if", "newton_step", "vif"]


def vif(
    est: Estimate, *, groups: Any = None, objects: Any = None, solver: Solver | None = None
) -> Influence:
    """Versatile Influence Function: the finite difference in presence, over the full Hessian."""
    start, removals = perf_counter(), est.removals(groups, objects)
    D = est.loss.gradient_differences(est.theta, removals)
    owned = est.loss.owned_mask(removals, len(est.theta))
    if owned is not None:
        # grad L(theta^, 1) is 0 at the minimum, grad L(theta^, 1_-i) always
        D = np.where(owned, 0.0, D)
    solution = est.solution(D, solver)
    return _result(est, "vif", removals, -solution.rows, start, note=solution.note)


def classical_if(
    est: Estimate, *, groups: Any = None, objects: Any = None, solver: Solver | None = None
) -> Influence:
    """Classical influence function: the derivative in the object's weight instead of D_i."""
    start, removals = perf_counter(), est.removals(groups, objects)
    derivative = est.loss.weight_gradients(est.theta, removals)
    solution = est.solution(derivative, solver)
    return _result(est, "if", removals, -solution.rows, start, note=solution.note)


def newton_step(
    est: Estimate, *, groups: Any = None, objects: Any = None, guard: bool = False
) -> Influence:
    """One Newton step on the reduced loss: D_i over the Hessian without object i.

    Where that Hessian is singular or indefinite the row is nan, or with ``guard`` a step by its
    absolute eigenvalues, which at least goes down; ``status`` says "indefinite" of both.
    """
    start, removals = perf_counter(), est.removals(groups, objects)
    D = est.loss.gradient_differences(est.theta, removals)
    steps = est.loss.reduced_solves(est.theta, removals, D)
    guarded = ~np.isfinite(steps).all(axis=1) & guard
    for k in np.flatnonzero(guarded):
        steps[k] = _guarded_step(est, removals.take(np.array([k])), D[[k]])
    return _result(est, "newton", removals, -steps, start, guarded=guarded)


def _guarded_step(est: Estimate, removal: Removals, D: np.ndarray) -> np.ndarray:
    H = pinned(est.loss.reduced_hessians(est.theta, removal), est.loss.gauge(est.theta))
    owned = est.loss.owned_mask(removal, len(est.theta))
    return descent(H, D, np.zeros(D.shape, dtype=bool) if owned is None else owned)[0]


def _result(
    est: Estimate,
    method: str,
    removals: Removals,
    values: np.ndarray,
    start: float,
    **remarks: Any,
) -> Influence:
    owned = est.loss.owned_mask(removals, len(est.theta))
    values = values + 0.0 if owned is None else np.where(owned, np.nan, values)
    return Influence(est, method, values, removals, seconds=perf_counter() - start, **remarks)
