"""A loss whose objects are edits: absent means *as edited*, not *left out*."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.wording import EDITED
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable

__all__ = ["Edited"]

# What one removal is called, of which only its members matter.
ONE = pd.Index(["edit"])


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
        The row that each edited version replaces; -1 where it is a row to add. A row may have
        several versions, of which no two are ever made together.
    labels : sequence, optional
        One label per edit; default those of the rows.

    Raises
    ------
    InvalidInputError
        If a row is not one of those before the edited versions, or two versions of one row are
        asked for together.

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
        self.stacked = checks.instance(stacked, Loss, "stacked", "losses.Cox(X, T)")
        self.rows = _positions(rows)
        self.n_objects, self.n_params = len(self.rows), stacked.n_params
        self.n_rows = stacked.n_objects - self.n_objects
        self.names = stacked.names
        # losses leave out absent rows, so there is no derivative at the presence of a version
        self.fractional = False
        if (self.rows >= self.n_rows).any() or (self.rows < -1).any():
            raise InvalidInputError(
                f"`rows` must name some of the {self.n_rows} rows before the edited versions, but "
                f"are {self.rows.tolist()[:10]}; -1 is a row to add."
            )
        if labels is None:
            labels = stacked.labels[np.where(self.rows >= 0, self.rows, self.n_rows)]
        self.labels = checks.object_labels(labels, self.n_objects)

    @property
    def changed(self) -> np.ndarray:
        """Whether each edited version may differ from its row, shape (n_objects,)."""
        return np.ones(self.n_objects, dtype=bool)

    def presence(self, b: Differentiable) -> Any:
        """The presence of the stack: the rows that stand as they are, and the edited versions."""
        self.require_possible(Removals(np.where(autodiff.plain(b) > 0, -1, 0), ONE))
        edited = 1 - anp.concatenate([b, anp.ones(1)])[self._versions_of_row]
        return anp.concatenate([1 - anp.sum(edited, axis=0), 1 - b])

    @cached_property
    def _versions_of_row(self) -> np.ndarray:
        """The objects that edit each row; where fewer, the 1 behind the last: (most, n_rows)."""
        objects = np.flatnonzero(self.rows >= 0)
        rows = pd.Series(self.rows[objects])
        place = rows.groupby(rows).cumcount().to_numpy()
        out = np.full((place.max(initial=0) + 1, self.n_rows), self.n_objects)
        out[place, self.rows[objects]] = objects
        return out

    @cached_property
    def _ambiguous(self) -> bool:
        """Whether some row has several versions."""
        return self.contradictory(np.arange(self.n_objects))

    def contradictory(self, objects: np.ndarray) -> bool:
        """Whether two of these edits are versions of one row."""
        rows = self.rows[objects]
        return bool(pd.Series(rows[rows >= 0]).duplicated().any())

    def require_possible(self, removals: Removals) -> None:
        """Raise InvalidInputError where edits are asked for together that are of one row."""
        if not self._ambiguous:
            return
        at = np.flatnonzero((removals.codes >= 0) & (self.rows >= 0))
        pairs = pd.DataFrame({"together": removals.codes[at], "row": self.rows[at]})
        twice = pairs.duplicated()
        if twice.any():
            first = at[int(np.flatnonzero(twice)[0])]
            raise InvalidInputError(
                "Edits that are made together must be of different rows, but "
                f"{checks.quoted(self.labels[first])} is of a row that another of them edits too; "
                "keep one version of each row in a group or a set."
            )

    def made(self, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The data once these edits are made for good, and what else may be edited in them.

        Rows of the stack: the data in their order, added rows last, (n,), and the versions left,
        (k,).
        """
        data = np.arange(self.n_rows)
        replaced = gone[self.rows[gone] >= 0]
        data[self.rows[replaced]] = self.n_rows + replaced
        added = self.n_rows + gone[self.rows[gone] < 0]
        left = np.setdiff1d(np.arange(self.n_objects), gone)
        return np.concatenate([data, added]), self.n_rows + left

    def in_the_stack(self, removals: Removals) -> list[Removals]:
        """What of the stack each removal of edits leaves out, as one removal."""
        out = []
        for members in removals:
            absent = np.zeros(self.stacked.n_objects, dtype=bool)
            absent[self.n_rows :] = True
            absent[self.n_rows + members] = False
            absent[self.rows[members][self.rows[members] >= 0]] = True
            out.append(Removals(np.where(absent, 0, -1), ONE))
        return out

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.stacked.value(theta, self.presence(presence))

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.stacked.gradient(theta, self.presence(self.everyone(presence)))

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.stacked.hessian(theta, self.presence(self.everyone(presence)))

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        return self.stacked.hessian_product(theta, vector, self.presence(self.everyone(presence)))


def _positions(rows: Any) -> np.ndarray:
    """Whole numbers, one for each edited version."""
    values = np.atleast_1d(checks.finite_array(rows, "rows"))
    flags = np.asarray(rows).dtype == bool
    if flags or values.ndim != 1 or not len(values) or (values != np.round(values)).any():
        raise InvalidInputError(
            f"`rows` must be whole numbers in one dimension, at least one, but is {rows!r:.60}; "
            "pass the position of the row that each edited version replaces."
        )
    return values.astype(np.intp)
