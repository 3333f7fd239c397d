"""The influence function of an M-estimator, whose loss is a sum over objects."""

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.typing import ArrayLike

__all__ = ["koh_liang_if"]


def koh_liang_if(hessian: ArrayLike, gradients: ArrayLike) -> np.ndarray:
    """Classical influence function of an M-estimator, -H^-1 grad l_i.

    Parameters
    ----------
    hessian : array_like, shape (p, p)
        Of the whole loss at its minimum: a sum over the objects, not a mean.
    gradients : array_like, shape (n, p)
        Row i is the gradient of the loss of object i there.

    Returns
    -------
    ndarray, shape (n, p)
        The change theta^ - theta(-i), to first order.

    Raises
    ------
    InvalidInputError
        If the shapes do not fit.

    Notes
    -----
    Koh & Liang's influence is n times this, because their loss is a mean, and leaving out an
    object has -1/n times their effect of upweighting it.

    References
    ----------
    Koh & Liang (2017), Understanding Black-box Predictions via Influence Functions, ICML; Eq. 8 in
    the numbering of Deng, Tang & Ma (2025).

    Examples
    --------
    The mean of 1, 3, 5 minimises the sum of (y - theta)^2 / 2, whose gradients are theta - y:

    >>> koh_liang_if([[3.0]], [[2.0], [0.0], [-2.0]]).ravel().round(4)
    array([-0.6667, -0.    ,  0.6667])
    """
    H = checks.design_matrix(hessian, "hessian")[0]
    scores = checks.design_matrix(gradients, "gradients")[0]
    if H.shape != (scores.shape[1],) * 2:
        raise InvalidInputError(
            f"`hessian` must have one row and one column per column of `gradients`, "
            f"{scores.shape[1]}, but has shape {H.shape}; pass that of the same parameters."
        )
    return -np.linalg.solve(H, scores.T).T
