"""What a row's loss is: a function of its linear predictors, with derivatives in them."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from vifstats.losses import autodiff
from vifstats.typing import Differentiable

__all__ = ["RowLoss"]


class RowLoss(ABC):
    """The loss f(eta_1, ..., eta_q; y) of one row, evaluated for many rows at once.

    A subclass writes `value` in ``autograd.numpy``, elementwise over rows. The derivatives have
    defaults by automatic differentiation, which an override may only make faster.

    Attributes
    ----------
    binary : bool
        Whether y is a share between 0 and 1, so that the data may be perfectly separated.

    Examples
    --------
    >>> from vifstats.losses.row_losses import Poisson
    >>> eta, y = np.zeros((1, 3)), np.array([0.0, 1.0, 2.0])
    >>> Poisson().slope(eta, y)
    array([[ 1.,  0., -1.]])
    """

    binary: bool = False
    # whether the loss is defined at every predictor
    everywhere: bool = False

    @abstractmethod
    def value(self, eta: Differentiable, y: Any) -> Any:
        """Loss of every row.

        Parameters
        ----------
        eta : array, shape (q, ..., n)
            Linear predictors; the axes between are for many values of theta at once.
        y : ndarray, shape (n,), or tuple of them
            What else the rows hold: outcomes, or times and their kind.

        Returns
        -------
        array, shape (..., n)
        """

    def slope(self, eta: np.ndarray, y: Any) -> np.ndarray:
        """First derivatives in the predictors, shape (q, ..., n)."""
        return autodiff.elementwise_gradient(lambda e: self.value(e, y), eta)

    def curvature(self, eta: np.ndarray, y: Any) -> np.ndarray:
        """Second derivatives in the predictors, shape (q, q, ..., n)."""
        return autodiff.elementwise_hessian(lambda e: self.value(e, y), eta)
