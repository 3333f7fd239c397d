"""Losses that are a sum over rows, for which VIF and classical IF are the same."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, LossError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cancellation import mended
from vifstats.removals import Removals
from vifstats.typing import Differentiable, ObjectValues, ParameterFunction, RowData

__all__ = ["MEstimator"]


class MEstimator(Loss):
    """The loss sum_i b_i f_i(theta) of an M-estimator.

    Parameters
    ----------
    f : callable
        ``f(theta, data) -> (n,)`` in autograd.numpy: one value per row.
    data : array, DataFrame, or tuple or dict of them
        What ``f`` reads; the first array's rows are the objects.
    labels, names : sequence, optional
        Row labels (default the index of a DataFrame) and parameter names.
    penalty : callable, optional
        ``penalty(theta)``, a number that no row owns.
    grad : callable, optional
        ``grad(theta, data) -> (n, p)``: the derivative of each row, where automatic
        differentiation is too slow.
    hess : callable, optional
        ``hess(theta, data) -> (n, p, p)``: the second derivatives of each row.

    See Also
    --------
    LinearPredictor : Faster, where rows read theta through x'theta only.

    Examples
    --------
    Huber's estimate of location, which an outlier moves no more than the other end does:

    >>> import vifstats as vs
    >>> def huber(theta, y):
    ...     size = anp.abs(y - theta[0])
    ...     return anp.where(size <= 1.345, 0.5 * size**2, 1.345 * (size - 0.6725))
    >>> loss = MEstimator(huber, np.array([-1.0, 0.0, 0.5, 1.0, 9.0]))
    >>> vs.vif(vs.minimize(loss, [0.0])).values.ravel().round(3)
    array([-0.448, -0.167,  0.   ,  0.167,  0.448])

    Logistic regression with a ridge, the last column being the outcome:

    >>> def logistic(theta, data):
    ...     eta = anp.dot(data[:, :-1], theta)
    ...     return anp.logaddexp(0.0, eta) - data[:, -1] * eta
    >>> data = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 2.0, 1.0]])
    >>> ridge = MEstimator(logistic, data, penalty=lambda theta: 0.5 * theta[1] ** 2)
    >>> vs.minimize(ridge, [0.0, 0.0]).theta.round(3)
    array([-0.226,  0.453])

    Nonlinear least squares:

    >>> x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([2.0, 1.3, 0.7, 0.5])
    >>> decay = MEstimator(
    ...     lambda theta, d: 0.5 * (d[1] - theta[0] * anp.exp(-theta[1] * d[0])) ** 2, (x, y)
    ... )
    >>> vs.minimize(decay, [1.0, 0.1]).theta.round(3)
    array([2.014, 0.482])
    """

    def __init__(
        self,
        f: ObjectValues,
        data: RowData,
        *,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
        penalty: ParameterFunction | None = None,
        grad: ObjectValues | None = None,
        hess: ObjectValues | None = None,
    ) -> None:
        self.f = checks.function(f, "f", "f(theta, data)")
        for name, given in (("grad", grad), ("hess", hess)):
            if given is not None:
                checks.function(given, name, f"{name}(theta, data)")
        if penalty is not None:
            checks.function(penalty, "penalty", "penalty(theta)")
        self.data = data
        self.penalty = penalty
        self._grad, self._hess = grad, hess
        self.n_objects = len(labels_of(data))
        self.labels = labels_of(data, labels)
        self.names = None if names is None else checks.unique_names(names, "names")

    def rows(self, theta: Differentiable) -> Any:
        """f(theta, data), one value per row, shape (n_objects,)."""
        values = self.f(theta, self.data)
        if np.shape(values) != (self.n_objects,):
            raise LossError(
                f"An M-estimator's f must return one value per row, shape ({self.n_objects},), "
                f"but returned {np.shape(values)}; a sum is taken here, not in f."
            )
        return values

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        present = autodiff.plain(presence) > 0
        total = anp.sum(presence * anp.where(present, self.rows(theta), 0.0))
        return total if self.penalty is None else total + self.penalty(theta)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if self._grad is None:
            return super().gradient(theta, presence)
        b = self.everyone(presence)
        own = np.where(b > 0, b * self.scores(theta).T, 0.0).sum(axis=-1)
        return own if self.penalty is None else own + autodiff.gradient(self.penalty, theta)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if self._hess is None:
            return super().hessian(theta, presence)
        b = self.everyone(presence)
        own = np.where(b > 0, b * self.row_hessians(theta).T, 0.0).sum(axis=-1)
        return own if self.penalty is None else own + autodiff.hessian(self.penalty, theta)

    def scores(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of each row's loss, shape (n_objects, n_params)."""
        if self._grad is not None:
            return self._row_derivatives(self._grad, theta, 1)
        return autodiff.row_jacobian(self.rows, theta)

    def row_hessians(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of each row's loss, shape (n_objects, n_params, n_params)."""
        if self._hess is not None:
            return self._row_derivatives(self._hess, theta, 2)

        def score(k: int) -> Callable[[Any], Any]:
            return lambda t: autodiff.directional(self.rows, t, np.eye(len(theta))[k])

        columns = [autodiff.row_jacobian(score(k), theta) for k in range(len(theta))]
        return np.stack(columns, axis=2)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        scores = self.scores(theta)
        return scores if removals is None else removals.sums(scores)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.gradient_differences(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        full, own = self.hessian(theta), removals.sums(self.row_hessians(theta))
        return mended(full - own, full, removals, partial(self._curvatures_at, theta))

    def _row_derivatives(
        self, derivative: Callable[[np.ndarray, Any], np.ndarray], theta: np.ndarray, order: int
    ) -> np.ndarray:
        values = np.asarray(derivative(theta, self.data), dtype=float)
        expected = (self.n_objects, *[len(theta)] * order)
        if values.shape != expected:
            raise LossError(
                f"`{('grad', 'hess')[order - 1]}` must return derivatives of every row, shape "
                f"{expected}, but returned {values.shape}."
            )
        return values


def labels_of(data: Any, labels: Sequence | pd.Index | None = None) -> pd.Index:
    """The labels of the objects: as given, else those of the first array, else 0, 1, ..."""
    first = _first_array(data)
    if labels is not None:
        return checks.object_labels(labels, len(first))
    return first.index if isinstance(first, pd.Series | pd.DataFrame) else pd.RangeIndex(len(first))


def _first_array(data: Any) -> Any:
    first = data
    if isinstance(data, dict) and data:
        first = next(iter(data.values()))
    elif isinstance(data, tuple | list) and len(data) and np.ndim(data[0]) > 0:
        first = data[0]
    if np.ndim(first) == 0 or not len(first):
        raise InvalidInputError(
            "`data` must be an array, a DataFrame, or a tuple or dict of them, with a row for each "
            f"object, but is {type(data).__name__}; pass what the function reads."
        )
    return first
