"""Three approximations of theta^ - theta(-i), without refitting: the method of this package.

Write H for the Hessian of the loss at its minimum theta^ and D_i for what object i adds to the
gradient there. Deng, Tang & Ma (ICML 2025), Eq. 4:

    dfbeta_i = theta^ - theta(-i) ~ -H^-1 D_i,   D_i = grad L(theta^, 1) - grad L(theta^, 1_-i)

"VIF" is the Versatile Influence Function, not the variance inflation factor. These functions take
an estimate and removals; `vifstats.deletion.approximations` has them as a user calls them.
"""

from time import perf_counter
from typing import Any

import numpy as np

from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.removals import Removals
from vifstats.solvers import Solver
from vifstats.solvers.steps import descent

__all__ = ["classical_of", "newton_of", "vif_of"]

# So near theta, in standard errors, a step does not leave the domain of the loss.
NEAR = 1e-2
# Rows as large as the data are solved in so many parts, each of no fewer rows than that.
PARTS, LEAST_ROWS = 16, 4096


def vif_of(est: Estimate, removals: Removals, solver: Solver | None = None) -> Influence:
    """Eq. 4: what each removal takes from the gradient, solved with the Hessian of all."""
    start = perf_counter()
    D = est.differences(removals)
    if solver is None and est.loss.new_differences:
        note = _solve_in_place(est, D)
        return _result(est, "vif", removals, D, start, note=note)
    solution = est.solution(D, solver)
    del D  # as large as the data
    return _result(est, "vif", removals, solution.rows, start, note=solution.note)


def _solve_in_place(est: Estimate, rows: np.ndarray) -> str:
    """Write H^-1 times each row over it, in few parts, and return the note of the solution."""
    size = max(LEAST_ROWS, -(-len(rows) // PARTS))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        part[:] = est.solution(part).rows
    return est.solution(rows[:0]).note


def classical_of(est: Estimate, removals: Removals, solver: Solver | None = None) -> Influence:
    """The derivative in the weight of a removal in the place of D_i; equation (5)."""
    start = perf_counter()
    if est.perfect:
        derivative = est.differences(removals)
    else:
        derivative = est.loss.weight_gradients(est.theta, removals)
    solution = est.solution(derivative, solver)
    return _result(est, "if", removals, solution.rows, start, note=solution.note)


def newton_of(est: Estimate, removals: Removals, guard: bool = False) -> Influence:
    """D_i solved with the Hessian without the removal; equation (6)."""
    start = perf_counter()
    if guard:
        est.require_value("A guarded step")
    D = est.differences(removals)
    steps = est.loss.reduced_solves(est.theta, removals, D)
    indefinite = ~np.isfinite(steps).all(axis=1)
    guarded = indefinite & guard
    for k in np.flatnonzero(guarded):
        steps[k] = _guarded_step(est, removals.take(np.array([k])), D[[k]])
    remarks = {"indefinite": indefinite, "guarded": guarded}
    outside = _outside(est, removals, steps)
    return _result(est, "newton", removals, steps, start, outside=outside, **remarks)


def _result(
    est: Estimate,
    method: str,
    removals: Removals,
    steps: np.ndarray,
    start: float,
    **remarks: Any,
) -> Influence:
    """The steps from theta^ to theta(-i) as an influence: full minus without, and 0, not -0."""
    values = np.subtract(0.0, steps, out=steps)
    return Influence(est, method, values, removals, seconds=perf_counter() - start, **remarks)


@np.errstate(all="ignore")  # that the loss is nan there is what is asked
def _outside(est: Estimate, removals: Removals, steps: np.ndarray) -> np.ndarray:
    """Which steps end where the loss without the removal is not defined, shape (n_removals,)."""
    outside = np.zeros(len(steps), dtype=bool)
    if not est.loss.everywhere:
        far = np.abs(steps / est.naive_errors).max(axis=1, initial=0.0) > NEAR
        rows = np.flatnonzero(far)  # not those that are nan
        if len(rows):
            values, _ = est.loss.reduced_slopes(est.theta + steps[rows], removals.take(rows))
            outside[rows] = ~np.isfinite(values)
    return outside


def _guarded_step(est: Estimate, removal: Removals, D: np.ndarray) -> np.ndarray:
    H = est.loss.pinned_reduced_hessians(est.theta, removal)
    owned = est.loss.owned_mask(removal, len(est.theta))
    return descent(H, D, np.zeros(D.shape, dtype=bool) if owned is None else owned)[0]
