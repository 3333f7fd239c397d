"""A loss whose objects are edits: absent means *as edited*, not *left out*."""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.wording import EDITED
from vifstats.typing import ArrayLike1D, Differentiable

__all__ = ["Edited"]


class Edited(Loss):
    """L(theta, b) of rows of which some have an edited version: b_i = 0 puts it in their place.

    With the rows and their edited versions stacked this is the loss of the stack at the presence
    (b, 1 - b). So everything that is known of removals holds of edits, and dfbeta is the
    estimate of the data as they are minus that of the data with the edit.

    Parameters
    ----------
    stacked : Loss
        On all rows, followed by the edited versions of some.
    rows : array_like of int, shape (k,)
        The row that each edited version replaces; -1 where it is a row to add.
    labels : sequence, optional
        One label per edit; default those of the rows.

    Raises
    ------
    InvalidInputError
        If a row is edited twice, or is not one of the rows before the edited versions.

    Examples
    --------
    The mean of 1, 3 and 5, and what it would be if the 5 had been an 8:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0, 8.0])
    >>> stacked = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.Estimate(vs.losses.Edited(stacked, [2]), [3.0])
    >>> vs.leave_one_out(est).params_without.round(6).to_numpy().ravel()
    array([4.])
    """

    empties = False
    wording = EDITED

    def __init__(
        self, stacked: Loss, rows: ArrayLike1D, *, labels: Sequence | pd.Index | None = None
    ) -> None:
        self.stacked = stacked
        self.rows = np.asarray(rows, dtype=np.intp)
        self.n_objects, self.n_params = len(self.rows), stacked.n_params
        self.n_rows = stacked.n_objects - self.n_objects
        self.names = stacked.names
        # losses leave out absent rows, so there is no derivative at the presence of a version
        self.fractional = False
        inside = self.rows[self.rows >= 0]
        if len(np.unique(inside)) < len(inside) or (inside >= self.n_rows).any():
            raise InvalidInputError(
                f"`rows` must name each of the {self.n_rows} rows before the edited versions at "
                f"most once, but are {self.rows.tolist()[:10]}; edit a row once."
            )
        if labels is None:
            labels = stacked.labels[np.where(self.rows >= 0, self.rows, self.n_rows)]
        self.labels = pd.Index(labels)
        # the object whose presence a row has; where none, the 1 behind the last
        self._object_of_row = np.full(self.n_rows, self.n_objects)
        self._object_of_row[inside] = np.flatnonzero(self.rows >= 0)

    @property
    def changed(self) -> np.ndarray:
        """Whether each edited version may differ from its row, shape (n_objects,)."""
        return np.ones(self.n_objects, dtype=bool)

    def presence(self, b: Differentiable) -> Any:
        """The presence of the stack: the rows that stand as they are, and the edited versions."""
        return anp.concatenate([anp.concatenate([b, anp.ones(1)])[self._object_of_row], 1 - b])

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.stacked.value(theta, self.presence(presence))

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone() if presence is None else presence
        return self.stacked.gradient(theta, self.presence(b))

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone() if presence is None else presence
        return self.stacked.hessian(theta, self.presence(b))

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        b = self.everyone() if presence is None else presence
        return self.stacked.hessian_product(theta, vector, self.presence(b))
