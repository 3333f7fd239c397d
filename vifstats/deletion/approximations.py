"""The three approximations as a user calls them, on fits, groups and objects."""

from typing import Any

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of, named_column
from vifstats.deletion.methods import classical_of, newton_of, vif_of
from vifstats.deletion.result import Influence
from vifstats.solvers import Solver
from vifstats.typing import Groups, Objects

__all__ = ["classical_if", "newton_step", "vif"]


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

    >>> import numpy as np
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> vs.vif(est).values.ravel().round(4)
    array([-0.6667,  0.    ,  0.6667])
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    return vif_of(est, est.removals(groups, objects), solver)


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
    Koh & Liang (2017), ICML, which is Eq. 8 of Deng, Tang & Ma (2025); Reid & Crepeau (1985),
    Biometrika 72, for Cox; docs/mathematics.md, equation (5).

    Examples
    --------
    For a loss that is a sum over objects it is the Versatile Influence Function:

    >>> import numpy as np
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> bool(np.allclose(vs.classical_if(est).values, vs.vif(est).values))
    True
    """
    groups = named_column(groups, est, data)
    est = estimate_of(est, *data)
    return classical_of(est, est.removals(groups, objects), solver)


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

    >>> import numpy as np
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> vs.newton_step(est).values.ravel()
    array([-1.,  0.,  1.])
    """
    groups = named_column(groups, est, data)
    est, guard = estimate_of(est, *data), checks.flag(guard, "guard")
    return newton_of(est, est.removals(groups, objects), guard)
