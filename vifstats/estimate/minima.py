"""Where an estimate comes from: the minimum of a loss, or the root of estimating equations."""

from inspect import signature
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.rounded_times import times_as_they_are
from vifstats.errors import ConvergenceError, InvalidTypeError, NotPositiveDefiniteError
from vifstats.estimate.at_minimum import require_loss
from vifstats.estimate.estimate import Estimate
from vifstats.estimate.flat_directions import NOTHING, rises
from vifstats.losses.base import Loss
from vifstats.losses.equation_roots import solved
from vifstats.losses.equations import EstimatingEquations
from vifstats.losses.separation import in_words
from vifstats.removals import Removals
from vifstats.solvers import Cholesky
from vifstats.solvers.newton import CHORD_CONTRACTION, FLAT, Minima, damped_newton
from vifstats.solvers.quasi_newton import is_large, quasi_newton
from vifstats.typing import ArrayLike1D

__all__ = ["minimize", "root"]

# A factor costs about as much as this many steps.
STEPS_PER_FACTOR = 25
# An eigenvalue of H at unit diagonal below minus this is not rounding; so often is a step from a
# saddle halved.
SADDLE, SADDLE_HALVINGS = 1e-6, 20


def minimize(
    loss: Loss, start: ArrayLike1D, *, tol: float = 1e-10, max_steps: int = 200, **options: Any
) -> Estimate:
    """Minimise a loss by damped Newton steps; with many parameters, by few factors of H.

    Parameters
    ----------
    loss : Loss
    start : array_like, shape (n_params,)
    tol : float
        Stop once no entry of a full step exceeds ``tol`` standard errors, for which the
        dispersion is taken to be the loss itself, or the step can not be told from rounding. So
        the units of covariates and outcomes change nothing. Above 500 parameters ``10 * tol``.
    max_steps : int
    **options
        Passed to `Estimate`: names, labels, dispersion, profile, inference.

    Returns
    -------
    Estimate

    Raises
    ------
    ConvergenceError
        If the minimum was not reached.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> vs.minimize(loss, [0.0]).theta
    array([3.])
    """
    require_loss(loss)
    if not loss.minimised:
        raise InvalidTypeError(
            f"`loss` must have a value to minimise, but a {type(loss).__name__} are estimating "
            "equations; find their root by vifstats.root."
        )
    theta = checks.parameters(start, loss.n_params)
    tol = checks.small_number(tol, "tol")
    max_steps = checks.counting_number(max_steps, "max_steps")
    checks.usable_loss(loss, theta)
    by = _by_few_factors if is_large(len(theta)) else _by_newton_steps
    minima = by(loss, theta, tol, max_steps)
    if not minima.converged[0]:
        raise ConvergenceError(
            f"The minimum was not reached: the last Newton step was {minima.last_step[0]:.2g} "
            f"standard errors (tol={tol:g}). Try another start, or add a penalty if the "
            "minimum lies at infinity."
        )
    end = loss.canonical(minima.thetas)[0]
    if not is_large(len(theta)):
        H = loss.pinned_hessian(end)
        if (lower := _beside_saddle(loss, end, H)) is not None:
            return minimize(loss, lower, tol=tol, max_steps=max_steps, **options)
        _require_curvature(loss, theta, end, H)
    with times_as_they_are():
        return Estimate(loss, end, **_known(options))


def root(
    equations: EstimatingEquations,
    start: ArrayLike1D | None = None,
    *,
    tol: float = 1e-10,
    max_steps: int = 200,
    **options: Any,
) -> Estimate:
    """Solve estimating equations by damped Newton steps.

    Parameters
    ----------
    equations : EstimatingEquations
        `Equations`, `RowEquations`, or a `stack`, whose blocks are solved in order.
    start : array_like, shape (n_params,), optional
        Not needed where a stack consists of fitted models.
    tol : float
        Stop once no entry of a full step exceeds ``tol`` standard errors, or the step cannot be
        told from rounding.
    max_steps : int
    **options
        Passed to `Estimate`: names, labels, groups, profile, inference.

    Returns
    -------
    Estimate
        Its standard errors are those of the sandwich.

    Raises
    ------
    ConvergenceError
        If no root was reached.
    NotPositiveDefiniteError
        If the Jacobian is singular at the root.

    References
    ----------
    Deuflhard (2011), Newton Methods for Nonlinear Problems, section 3.3; docs/mathematics.md,
    equation (42).

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> median_like = vs.RowEquations(lambda t, y: (t[0] - y)[:, None] ** 3, y)
    >>> vs.root(median_like, [0.0]).theta.round(6)
    array([3.])
    """
    if not isinstance(equations, EstimatingEquations):
        raise InvalidTypeError(
            "`equations` must be vifstats.Equations, RowEquations or a stack, but is "
            f"{equations!r}; a loss has a minimum, which vifstats.minimize finds."
        )
    tol, max_steps = checks.small_number(tol, "tol"), checks.counting_number(max_steps, "max_steps")
    begin = equations.start(None if start is None else checks.parameters(start, equations.n_params))
    theta = checks.parameters(begin, equations.n_params)
    found = solved(equations, theta, tol, max_steps)
    return Estimate(equations, found, **_known(options))


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Options of `Estimate`, and no others."""
    known = list(signature(Estimate).parameters)[2:]
    for name in options:
        checks.one_of(name, known, "options")
    return options


def _by_newton_steps(loss: Loss, start: np.ndarray, tol: float, max_steps: int) -> Minima:
    nobody = Removals.nobody(loss.n_objects)
    return damped_newton(
        lambda rows, thetas: loss.reduced_slopes(thetas, nobody),
        lambda rows, thetas: loss.pinned_curvatures(thetas, nobody),
        start[None],
        chord=0.0 if loss.hessian_at_hand else CHORD_CONTRACTION,
        tol=tol,
        max_steps=max_steps,
    )


def _by_few_factors(loss: Loss, start: np.ndarray, tol: float, max_steps: int) -> Minima:
    """A factor of H serves many steps; Newton's where H is not positive definite."""
    theta = start
    for _ in range(0, max_steps, STEPS_PER_FACTOR):
        try:
            minima = _by_one_factor(loss, theta, tol)
        except NotPositiveDefiniteError:
            break
        if minima.converged[0]:
            return minima
        theta = minima.thetas[0]
    return _by_newton_steps(loss, theta, tol, max_steps)


def _by_one_factor(loss: Loss, start: np.ndarray, tol: float) -> Minima:
    """In a function of its own, so that one factor is gone before the next is made."""
    nobody = Removals.nobody(loss.n_objects)
    H = loss.pinned_hessian(start)
    diagonal = np.diag(H).copy()
    return quasi_newton(
        lambda rows, places: loss.reduced_slopes(places, nobody),
        Cholesky().factor(H).solve,
        start[None],
        diagonal=diagonal,
        tol=10 * tol,
        max_steps=STEPS_PER_FACTOR,
    )


@np.errstate(all="ignore")  # a step may leave the domain of the loss
def _beside_saddle(loss: Loss, theta: np.ndarray, H: np.ndarray) -> np.ndarray | None:
    """Where the loss is lower, if theta is a saddle: a start on a symmetry axis leads there.

    `H` (p, p): the Hessian at theta. None where it curves down nowhere.
    """
    size = np.sqrt(np.abs(np.diag(H)))
    size[size == 0] = 1.0
    values, directions = np.linalg.eigh(H / size / size[:, None])
    if values[0] >= -SADDLE:
        return None
    step, everyone = directions[:, 0] / size / np.sqrt(-values[0]), loss.everyone()
    here = loss.value(theta, everyone)
    for share in 0.5 ** np.arange(SADDLE_HALVINGS):
        for end in (theta + share * step, theta - share * step):
            if loss.value(end, everyone) < here:
                return end
    return None


def _require_curvature(loss: Loss, start: np.ndarray, end: np.ndarray, after: np.ndarray) -> None:
    """Tell a minimum at infinity, where the gradient ends too, from one that is there.

    `after` (p, p): the Hessian at the end.
    """
    before = loss.hessian(start)
    size = np.sqrt(np.where(np.diag(before) > 0, np.diag(before), 1.0))
    values, directions = np.linalg.eigh(after / size / size[:, None])
    for value, direction in zip(values, (directions / size[:, None]).T, strict=True):
        # a value of 0 or less is not of a minimum at infinity
        if 0 < value < FLAT and not rises(loss, end, direction / np.sqrt(value)):
            names = loss.names or [f"theta{k}" for k in range(len(end))]
            words = in_words(np.where(np.abs(direction * size) > NOTHING, direction, 0.0), names)
            raise ConvergenceError(
                "A minimum must lie at finite parameters, but on the way from the start the "
                f"curvature along {words} fell to {value:.3g} of what it was: as with separation, "
                "the loss falls for ever. Drop the parameter, or add a penalty."
            )
