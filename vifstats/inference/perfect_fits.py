"""Perfect fits: what they leave of a row is rounding, and so would be every influence."""

from typing import Any

import numpy as np

from vifstats.solvers import SINGULAR
from vifstats.solvers.quasi_newton import is_large

__all__ = ["is_perfect"]

# What rounding leaves of a row, as a share of the terms of its predictor; and what is left by a
# library that solved by a pseudo-inverse, on as ill-conditioned a design as can be told from a
# singular one.
ROUNDING = 100 * np.finfo(float).eps
UNREFINED = ROUNDING / np.sqrt(SINGULAR)
# Newton steps from the solution of a library to our own.
STEPS = 2


def is_perfect(fit: Any) -> bool:
    """Whether a fit leaves no residual, so that no removal moves a parameter.

    Its dispersion, estimated, is next to none of the terms theta_j^2 H_jj, and the gradients D_i
    of single rows, in the metric of H^-1, are no more than the rounding of these terms. Estimating
    equations are solved by each row alone.
    """
    if not fit.loss.minimised:
        return _solved_by_each_row(fit)
    # a dispersion of 1 is that of a likelihood, not one that residuals have left
    if fit.dispersion == 1 or is_large(len(fit.theta)):
        return False
    terms = float(fit.theta**2 @ np.abs(np.diag(fit.hessian))) / fit.loss.n_objects
    if fit.dispersion > UNREFINED**2 * terms:
        return False
    theta = fit.theta
    for _ in range(STEPS):
        theta = theta - fit.factor.solve(fit.loss.gradient(theta))
    D = fit.loss.gradient_differences(theta)
    spread = np.einsum("np,np->", D, fit.factor.solve(D)) / len(theta)
    return bool(spread <= ROUNDING**2 * terms)


def _solved_by_each_row(fit: Any) -> bool:
    """Whether no row leaves an equation more than the rounding of its terms J_kj theta_j."""
    if is_large(len(fit.theta)):
        return False
    terms = np.abs(fit.hessian) @ np.abs(fit.theta) / fit.loss.n_objects
    return bool((np.abs(fit.loss.gradient_differences(fit.theta)) <= ROUNDING * terms).all())
