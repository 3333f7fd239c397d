"""A loss from a plain function."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import LossError
from vifstats.losses.base import Loss
from vifstats.typing import Differentiable, ValueFunction

__all__ = ["FunctionLoss"]


class FunctionLoss(Loss):
    """A loss from a plain function ``f(theta, b)``.

    Parameters
    ----------
    f : callable
        ``f(theta, b)`` in autograd.numpy, a sum, with exactly 0 from objects at b == 0.
    n_objects, n_params : int
    labels : sequence, optional
        One label per object; default 0, 1, ...
    names : sequence of str, optional
        One name per parameter.
    grad, hess : callable, optional
        ``grad(theta, b)`` and ``hess(theta, b)`` where automatic differentiation is too slow.
    owned : callable, optional
        ``owned(i)``: positions of the parameters that vanish with object ``i``.
    gauge : callable, optional
        ``gauge(theta)``: directions along which the loss does not change, (k, n_params).

    Examples
    --------
    The mean of three numbers; removing the 5 moves it from 3 to 2:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.FunctionLoss(lambda theta, b: 0.5 * (b * (y - theta[0]) ** 2).sum(), 3, 1)
    >>> est = vs.minimize(loss, [0.0])
    >>> vs.newton_step(est).values.ravel()
    array([-1.,  0.,  1.])
    """

    def __init__(
        self,
        f: ValueFunction,
        n_objects: int,
        n_params: int,
        *,
        labels: Sequence | None = None,
        names: Sequence[str] | None = None,
        grad: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        hess: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        owned: Callable[[int], Sequence[int]] | None = None,
        gauge: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.f = checks.function(f, "f", "f(theta, b)")
        self.n_objects = checks.counting_number(n_objects, "n_objects")
        self.n_params = checks.counting_number(n_params, "n_params")
        self.labels = (
            pd.RangeIndex(n_objects) if labels is None else checks.object_labels(labels, n_objects)
        )
        self.names = None if names is None else checks.unique_names(names, "names", n_params)
        calls = (grad, "theta, b"), (hess, "theta, b"), (owned, "i"), (gauge, "theta")
        for name, (given, takes) in zip(("grad", "hess", "owned", "gauge"), calls, strict=True):
            if given is not None:
                checks.function(given, name, f"{name}({takes})")
        self._grad, self._hess, self._owned, self._gauge = grad, hess, owned, gauge

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.f(theta, presence)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if self._grad is None:
            return super().gradient(theta, presence)
        return _of_shape(self._grad(theta, self.everyone(presence)), theta.shape, "grad")

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if self._hess is None:
            return super().hessian(theta, presence)
        b = self.everyone(presence)
        return _of_shape(self._hess(theta, b), (len(theta), len(theta)), "hess")

    def owned(self, i: int) -> Sequence[int] | np.ndarray:
        return () if self._owned is None else self._owned(i)

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        return super().gauge(theta) if self._gauge is None else np.asarray(self._gauge(theta))


def _of_shape(derivative: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    values = np.asarray(derivative, dtype=float)
    if values.shape != shape:
        raise LossError(
            f"`{name}` must return an array of shape {shape}, but returned {values.shape}; sum "
            "over objects."
        )
    return values
