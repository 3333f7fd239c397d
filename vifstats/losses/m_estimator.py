"""Losses that are a sum over rows, for which VIF and classical IF are the same."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import autodiff
from vifstats.errors import InvalidInputError, LossError
from vifstats.losses.base import Loss
from vifstats.removals import Removals

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

    Examples
    --------
    Least squares through the origin:

    >>> import vifstats as vs
    >>> x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])
    >>> loss = MEstimator(lambda theta, d: 0.5 * (d[1] - theta[0] * d[0]) ** 2, (x, y))
    >>> vs.minimize(loss, [0.0]).theta.round(4)
    array([1.2143])
    """

    def __init__(
        self,
        f: Callable[[Any, Any], Any],
        data: Any,
        *,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
        penalty: Callable[[Any], Any] | None = None,
    ) -> None:
        self.f = f
        self.data = data
        self.penalty = penalty
        first = _first_array(data)
        self.n_objects = len(first)
        index = first.index if isinstance(first, pd.Series | pd.DataFrame) else None
        if labels is None:
            labels = pd.RangeIndex(self.n_objects) if index is None else index
        self.labels = pd.Index(labels)
        self.names = None if names is None else tuple(names)

    def rows(self, theta: Any) -> Any:
        """f(theta, data), one value per row, shape (n_objects,)."""
        values = self.f(theta, self.data)
        if np.shape(values) != (self.n_objects,):
            raise LossError(
                f"An M-estimator's f must return one value per row, shape ({self.n_objects},), "
                f"but returned {np.shape(values)}; a sum is taken here, not in f."
            )
        return values

    def value(self, theta: Any, presence: Any) -> Any:
        present = autodiff.plain(presence) > 0
        total = anp.sum(presence * anp.where(present, self.rows(theta), 0.0))
        return total if self.penalty is None else total + self.penalty(theta)

    def scores(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of each row's loss, shape (n_objects, n_params)."""
        return autodiff.row_jacobian(self.rows, theta)

    def row_hessians(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of each row's loss, shape (n_objects, n_params, n_params)."""

        def score(k):
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
        own = self.row_hessians(theta)
        return self.hessian(theta) - (own if removals is None else removals.sums(own))


def _first_array(data: Any) -> Any:
    if isinstance(data, dict) and data:
        return next(iter(data.values()))
    if isinstance(data, tuple | list) and len(data) and np.ndim(data[0]) > 0:
        return data[0]
    if np.ndim(data) == 0:
        raise InvalidInputError(
            "`data` must be an array, a DataFrame, or a tuple or dict of them, "
            f"but is {type(data).__name__}."
        )
    return data
