"""What a row's loss is: a function of its linear predictors, with derivatives in them."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.row_losses.domains import Domain
from vifstats.typing import Differentiable

__all__ = ["RowLoss", "one_sided"]


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

    def domain(self) -> Domain | None:
        """Which y it is defined for; None where any."""
        return None

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

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Along which directions d of its predictors the loss of a row never rises.

        Those with c'd >= 0 for each face c of the row, or c'd = 0. The default is d = 0: of losses
        with a minimum in the predictors of each row.

        Parameters
        ----------
        y : ndarray, shape (n,), or tuple of them
        designs : tuple of ndarray, shape (n, p_k)
            Of the q predictors.

        Returns
        -------
        faces : ndarray, shape (n_faces, q, n)
            Faces of 0 fill up what rows have less. Beyond q columns stand directions that are
            no predictor's, each with a design of ones.
        equal : ndarray of bool, shape (n_faces, n)
        """
        q, n = len(designs), len(designs[0])
        return np.repeat(np.eye(q)[:, :, None], n, axis=2), np.ones((q, n), dtype=bool)

    def slope(self, eta: np.ndarray, y: Any) -> np.ndarray:
        """First derivatives in the predictors, shape (q, ..., n)."""
        return autodiff.elementwise_gradient(lambda e: self.value(e, y), eta)

    def curvature(self, eta: np.ndarray, y: Any) -> np.ndarray:
        """Second derivatives in the predictors, shape (q, q, ..., n)."""
        return autodiff.elementwise_hessian(lambda e: self.value(e, y), eta)

    def information(self, eta: np.ndarray) -> tuple[Any, Any, Any] | None:
        """Fisher's information of each row, of one predictor (1, ..., n), and two derivatives.

        Shapes (..., n), in autograd.numpy. None unless it is the curvature, which then reads no y.
        """
        return None


def one_sided(sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces of one predictor: d >= 0 where ``sign`` is 1, d <= 0 where -1, d = 0 where 0."""
    return np.where(sign == 0, 1.0, sign)[None, None], (sign == 0)[None]
