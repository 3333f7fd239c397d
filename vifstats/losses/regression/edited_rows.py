"""Edits of rows that read theta through linear predictors: one row's part out, another's in."""

import numpy as np

from vifstats.losses.edited import Edited
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.removals import Removals

__all__ = ["EditedRows", "EditedTogether"]


class EditedRows(Edited):
    """Edits where the loss is a sum over rows: what a row adds does not depend on the others.

    `rows`, `labels`: as of `Edited`.
    """

    stacked: LinearPredictor

    @property
    def changed(self) -> np.ndarray:
        loss = self.stacked
        y = loss.y if isinstance(loss.y, tuple) else (loss.y,)
        columns = np.column_stack([*loss.designs, *y, loss.weights])
        return (columns[self.rows] != columns[self.n_rows :]).any(axis=1) | (self.rows < 0)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        scores = self.stacked.gradient_differences(theta)
        change = scores[self.rows] * (self.rows >= 0)[:, None] - scores[self.n_rows :]
        if removals is None:
            return change
        self.require_possible(removals)
        return removals.sums(change)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        self.require_possible(removals)
        out, full = [], self.hessian(theta)
        for members in removals:
            presence = np.zeros(self.stacked.n_objects)
            presence[self.rows[members][self.rows[members] >= 0]] = 1.0
            gone = self.stacked.hessian(theta, presence)
            presence[:] = 0.0
            presence[self.n_rows + members] = 1.0
            out.append(full - gone + self.stacked.hessian(theta, presence))
        return np.stack(out)


class EditedTogether(EditedRows):
    """Edits where the penalty reads all rows: each from the stack, by automatic differentiation."""

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = Edited.gradient_differences(self, theta, removals)
        out[removals.sums(self.changed.astype(int)) == 0] = 0.0
        return out

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return Edited.reduced_hessians(self, theta, removals)
