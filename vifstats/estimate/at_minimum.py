"""Whether the parameters given are those of a minimum, or of a root."""

from typing import TYPE_CHECKING

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidTypeError, LossError
from vifstats.losses.base import Loss
from vifstats.losses.separation import in_words
from vifstats.solvers.newton import ROUNDING

if TYPE_CHECKING:
    from vifstats.estimate.estimate import Estimate

__all__ = ["require_loss", "require_minimum"]


def require_loss(loss: Loss) -> None:
    """Raise InvalidTypeError where it is none."""
    if not isinstance(loss, Loss):
        raise InvalidTypeError(
            f"`loss` must be a vifstats.losses.Loss, but is {loss!r}; wrap a function in "
            "FunctionLoss, and a fitted model in from_model."
        )


def require_minimum(est: "Estimate") -> None:
    """Raise unless the Newton step at theta is at most `tol` standard errors long; equation (8)."""
    usable = checks.usable_loss if est.loss.minimised else checks.usable_equations
    usable(est.loss, est.theta)
    gradient = est.loss.gradient(est.theta)
    if not np.isfinite(gradient).all():
        raise LossError(
            f"The gradient of the loss must be finite, but at theta it is {gradient}; "
            "0 * log(0) and sqrt at 0 are the usual causes."
        )
    if not gradient.any() and not est.hessian.any():
        raise LossError(
            "The loss must depend on theta, but its gradient and Hessian are exactly 0; "
            "write it in autograd.numpy, without np.array or float around theta."
        )
    # docs/mathematics.md, equation (8)
    step = est.factor.solve(gradient)
    # No entry is more standard errors long than this, and a large model has no others yet.
    if not est.loss.minimised:
        with np.errstate(all="ignore"):  # errors are 0 where each row solves the equations
            lengths = np.abs(step) / est.naive_errors
        if not (np.all(lengths <= est.tol) or est.perfect):
            checks.short_step(lengths, est.names, est.tol)
        return
    if (squared := gradient @ step) <= est.dispersion * est.tol**2:
        return
    # nor is theta, a float, nearer to the minimum than this
    if squared <= ROUNDING**2 * (est.theta**2 @ np.abs(np.diag(est.hessian))) or est.perfect:
        return
    words = ""
    if (direction := est.loss.endless(est.theta)) is not None:
        # on its way to infinity a fit may stop anywhere, but not beside its way
        way = (direction @ gradient) ** 2 / (direction @ est.hessian @ direction)
        if squared - way <= est.dispersion * est.tol**2:
            return
        words = in_words(direction, est.names)
    checks.short_step(np.abs(step) / est.naive_errors, est.names, est.tol, words)
