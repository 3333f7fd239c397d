"""The estimate of a network that stopped early."""

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.losses.proximal import Proximal
from vifstats.typing import ArrayLike1D

__all__ = ["proximal"]


def proximal(loss: Loss, theta: ArrayLike1D, damping: float) -> Estimate:
    """A network that stopped early, as an estimate: the proximal Bregman response.

    Where training stopped before a minimum, "the estimate without this object" is not defined by
    the loss. This one is: the parameters near theta at which the outputs are as they were, but for
    what the object had added. `vif` of it approximates these, and `leave_one_out` finds them. It
    does not predict another run of the optimiser, which differs by its path as well.

    Parameters
    ----------
    loss : Loss
        Best a loss of ``vifstats.backends`` with `outputs`; the Hessian is then the generalised
        Gauss-Newton matrix plus the damping, which is positive definite where the loss is convex in
        the outputs. Of any other loss it is its own Hessian plus the damping.
    theta : array_like, shape (n_params,)
        Where training stopped.
    damping : float
        How strongly parameters are held near theta, in the units of the sum: 0 or more.

    Returns
    -------
    Estimate
        With its minimum at theta, which is so by construction and is not checked.

    Raises
    ------
    InvalidInputError, InvalidTypeError

    See Also
    --------
    linearized : The network replaced by its tangent.

    References
    ----------
    Bae, Ng, Lo, Ghassemi & Grosse (2022), NeurIPS 35;
    docs/mathematics.md, equation (63).

    Examples
    --------
    Of a loss at its minimum, and without damping, it is the loss itself:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> vs.leave_one_out(proximal(loss, [3.0], 0.0)).values.ravel().round(9)
    array([-1.,  0.,  1.])

    Stopped elsewhere, the row moves the estimate by what it adds there:

    >>> vs.leave_one_out(proximal(loss, [2.0], 0.0)).values.ravel().round(9)
    array([-0.5,  0.5,  1.5])
    """
    if not isinstance(loss, Loss) or not loss.minimised:
        raise InvalidTypeError(
            f"`loss` must be a vifstats.losses.Loss with a value, but is {loss!r}; wrap a function "
            "in FunctionLoss or vifstats.backends."
        )
    at = checks.parameters(theta, loss.n_params)
    held = Proximal(loss, at, checks.non_negative_number(damping, "damping"))
    return Estimate(held, at, tol=np.inf)
