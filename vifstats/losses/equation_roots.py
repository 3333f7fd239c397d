"""The root of estimating equations by Newton's steps, in the unit of standard errors."""

import numpy as np

from vifstats import checks
from vifstats.errors import ConvergenceError
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.solvers import LU
from vifstats.solvers.lu import solve_each_square
from vifstats.solvers.root import newton_roots

__all__ = ["solved"]

# How often the unit of a step is asked for anew.
MAX_SCALES = 5


def solved(equations: Loss, theta: np.ndarray, tol: float, max_steps: int) -> np.ndarray:
    """The root of equations, or the minimum's, from theta, shape (n_params,).

    Raises ConvergenceError if none is reached, InvalidInputError where it cannot begin, and
    NotPositiveDefiniteError where the Jacobian is singular from the beginning.
    """
    nobody = Removals.nobody(equations.n_objects)
    if not equations.minimised:
        checks.usable_equations(equations, theta)  # says what is wrong before derivatives do
    scale, start = _scale(equations, theta), theta
    # far from the root the standard errors are other ones: they are asked for again behind it
    for _ in range(MAX_SCALES):
        found = newton_roots(
            lambda rows, thetas: equations.reduced_slopes(thetas, nobody)[1],
            lambda rows, thetas: equations.reduced_curvatures(thetas, nobody),
            theta[None],
            scale=scale,
            tol=tol,
            max_steps=max_steps,
        )
        theta = found.thetas[0]
        if not found.converged[0]:
            if not np.isfinite(found.last_step[0]):
                _require_regular(equations, start)
            raise ConvergenceError(
                "The equations must have a root that can be reached, but from this start the last "
                f"Newton step was {found.last_step[0]:.2g} standard errors (tol={tol:g}). Try "
                "another start; look for columns that are collinear, or separated."
            )
        before, scale = scale, _scale(equations, theta)
        if (before <= 2 * scale).all():
            break
    return theta


@np.errstate(all="ignore")
def _require_regular(equations: Loss, theta: np.ndarray) -> None:
    """An error that names the columns, where the Jacobian is singular from the beginning."""
    J = equations.hessian(theta)
    if len(theta) > 1 and np.isfinite(J).all():
        LU().factor(J, equations.names)


@np.errstate(all="ignore")  # what is not finite is not a unit
def _scale(equations: Loss, theta: np.ndarray) -> np.ndarray:
    """Standard errors of the sandwich at theta, and 1 where they are none, shape (n_params,)."""
    scores = equations.weight_gradients(theta)
    steps = solve_each_square(
        np.repeat(equations.hessian(theta)[None], len(scores), axis=0), scores
    )
    errors = np.sqrt(np.einsum("np,np->p", steps, steps))
    return np.where(np.isfinite(errors) & (errors > 0), errors, 1.0)
