"""The proximal Bregman objective: a question that is well posed where training stopped early.

For a loss L of a network with outputs y, stopped at theta0, with g the gradient of L(., 1) in the
outputs there:

    L(theta, b) - g'y(theta) + damping / 2 |theta - theta0|^2

With everyone present theta0 is its minimum and the generalised Gauss-Newton matrix, plus damping,
its Hessian.
"""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses.backends.base import BackendLoss
from vifstats.losses.base import Loss
from vifstats.removals import Removals

__all__ = ["Proximal"]


class Proximal(Loss):
    """A loss minus its tangent in the outputs, held near where training stopped.

    Shapes: `theta` (n_params,); `damping`: 0 or more. A loss without outputs is taken minus its
    tangent in the parameters.
    """

    def __init__(self, loss: Loss, theta: np.ndarray, damping: float) -> None:
        self.loss, self.theta, self.damping = loss, theta, damping
        self.n_objects, self.n_params = loss.n_objects, loss.n_params
        self.names, self.labels = loss.names, loss.labels
        self.fractional, self.wording, self.empties = loss.fractional, loss.wording, loss.empties
        self.everywhere = loss.everywhere
        # what is taken off: a slope in the parameters, and a loss along the outputs
        self.along_outputs: Loss | None = None
        if isinstance(loss, BackendLoss) and loss.outputs is not None:
            self.along_outputs = loss.along_outputs(theta)
            self.slope = loss.penalty_slope(theta)
        else:
            self.slope = loss.gradient(theta)

    def value(self, theta: Any, presence: Any) -> Any:
        near = 0.5 * self.damping * anp.sum((theta - self.theta) ** 2)
        value = self.loss.value(theta, presence) - anp.dot(self.slope, theta) + near
        if self.along_outputs is None:
            return value
        return value - self.along_outputs.value(theta, self.everyone())

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.gradient(theta, presence) + self._own_gradient(theta)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.hessian(theta, presence) + self._own_hessian(theta)

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        product = self.loss.hessian_product(theta, vector, presence) + self.damping * vector
        if self.along_outputs is None:
            return product
        return product - self.along_outputs.hessian_product(theta, vector)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        # what is taken off and added is the same whoever is present
        return self.loss.gradient_differences(theta, removals)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.loss.weight_gradients(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.loss.reduced_hessians(theta, removals) + self._own_hessian(theta)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = self.loss.reduced_slopes(thetas, removals)
        own = np.stack([self._own_gradient(theta) for theta in thetas])
        return values + [self._own_value(theta) for theta in thetas], gradients + own

    def owned(self, i: int) -> Sequence[int] | np.ndarray:
        return self.loss.owned(i)

    def _own_value(self, theta: np.ndarray) -> float:
        near = 0.5 * self.damping * float(np.sum((theta - self.theta) ** 2))
        value = near - float(self.slope @ theta)
        if self.along_outputs is None:
            return value
        return value - float(self.along_outputs.value(theta, self.everyone()))

    def _own_gradient(self, theta: np.ndarray) -> np.ndarray:
        own = self.damping * (theta - self.theta) - self.slope
        return own if self.along_outputs is None else own - self.along_outputs.gradient(theta)

    def _own_hessian(self, theta: np.ndarray) -> np.ndarray:
        own = self.damping * np.eye(len(theta))
        return own if self.along_outputs is None else own - self.along_outputs.hessian(theta)
