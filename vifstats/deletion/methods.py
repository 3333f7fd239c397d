"""Three approximations of theta^ - theta(-i), without refitting: the method of this package.

Write H for the Hessian of the loss at its minimum theta^ and D_i for what object i adds to the
gradient there. Deng, Tang & Ma (ICML 2025), Eq. 4:

    dfbeta_i = theta^ - theta(-i) ~ -H^-1 D_i,   D_i = grad L(theta^, 1) - grad L(theta^, 1_-i)

"VIF" is the Versatile Influence Function, not the variance inflation factor.
"""

from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.result import Influence
from vifstats.estimate import Estimate
from vifstats.removals import Removals
from vifstats.solvers import Solver
from vifstats.solvers.newton import descent
from vifstats.typing import Groups, Objects

__all__ = ["classical_if", "classical_of", "newton_of", "newton_step", "vif", "vif_of"]

# So near theta, in standard errors, a step does not leave the domain of the loss.
NEAR = 1e-2


def vif(
    est: Source,
    *data: Any,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    solver: Solver | None = None,
) -> Influence:
    """Versatile Influence Function: the finite difference in presence, over the full Hessian.

    Parameters
    ----------
    est : Estimate, Influence or fitted model that keeps its data
    *data
        What a fitted model was fitted on, where it does not keep it.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data: groups leave whole and are the rows of the result.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    solver : Solver, optional
        How to solve with H; default Cholesky.

    Returns
    -------
    Influence
        One row per object or group: theta^ - theta(-i), in units of the parameters.

    References
    ----------
    Deng, Tang & Ma (2025), Definition 2.6 and Eq. 4; docs/mathematics.md, equation (4).

    Examples
    --------
    The mean of three numbers, of which each pulls by a third of its distance:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> vs.vif(est).values.ravel().round(4)
    array([-0.6667,  0.    ,  0.6667])
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    return vif_of(est, est.removals(groups, objects), solver)


def vif_of(est: Estimate, removals: Removals, solver: Solver | None = None) -> Influence:
    """What `vif` does, for removals that are there already."""
    start = perf_counter()
    D = est.differences(removals)
    solution = est.solution(D, solver)
    del D  # as large as the data
    return _result(est, "vif", removals, solution.rows, start, note=solution.note)


def classical_if(
    est: Source,
    *data: Any,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    solver: Solver | None = None,
) -> Influence:
    """Classical influence function: the derivative in the object's weight instead of D_i.

    Parameters
    ----------
    est : Estimate, Influence or fitted model that keeps its data
    *data
        What a fitted model was fitted on, where it does not keep it.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data: groups leave whole and are the rows of the result.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    solver : Solver, optional
        How to solve with H; default Cholesky.

    Returns
    -------
    Influence
        On the scale of dfbeta: an influence function of the n-scale, divided by n.

    References
    ----------
    Koh & Liang (2017), ICML, Eq. 8; Reid & Crepeau (1985), Biometrika 72, for Cox;
    docs/mathematics.md, equation (5).

    Examples
    --------
    For a loss that is a sum over objects it is the Versatile Influence Function:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> bool(np.allclose(vs.classical_if(est).values, vs.vif(est).values))
    True
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    return classical_of(est, est.removals(groups, objects), solver)


def classical_of(est: Estimate, removals: Removals, solver: Solver | None = None) -> Influence:
    """What `classical_if` does, for removals that are there already."""
    start = perf_counter()
    if est.perfect:
        derivative = est.differences(removals)
    else:
        derivative = est.loss.weight_gradients(est.theta, removals)
    solution = est.solution(derivative, solver)
    return _result(est, "if", removals, solution.rows, start, note=solution.note)


def newton_step(
    est: Source,
    *data: Any,
    groups: "Groups | str | None" = None,
    objects: Objects | None = None,
    guard: bool = False,
) -> Influence:
    """One Newton step on the reduced loss: D_i over the Hessian without object i.

    Parameters
    ----------
    est : Estimate, Influence or fitted model that keeps its data
    *data
        What a fitted model was fitted on, where it does not keep it.
    groups : array_like, shape (n_rows,), optional
        One label per row of the data: groups leave whole and are the rows of the result.
    objects : sequence of labels or bool mask, optional
        The rows of the result to compute; default all.
    guard : bool
        Where the reduced Hessian is singular or indefinite: False leaves nan, True takes a step
        by its absolute eigenvalues, which at least goes down. ``status`` says so of both; for
        networks and other losses that are not convex, `truncated_refits` are the better answer.

    Returns
    -------
    Influence

    References
    ----------
    Pregibon (1981), Ann. Statist. 9: one-step estimates without an observation;
    docs/mathematics.md, equation (6).

    Examples
    --------
    For least squares it is exact deletion, with the factor 1/(1 - h) of leverage, equation (7):

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> vs.newton_step(est).values.ravel()
    array([-1.,  0.,  1.])
    """
    groups = named_column(groups, est, data)
    est, guard = estimate_of(est, *data), checks.flag(guard, "guard")
    return newton_of(est, est.removals(groups, objects), guard)


def newton_of(est: Estimate, removals: Removals, guard: bool = False) -> Influence:
    """What `newton_step` does, for removals that are there already."""
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
