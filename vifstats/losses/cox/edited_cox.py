"""Cox's partial likelihood with edits as its objects: a removal and an arrival in the same sums."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from vifstats.losses.cox.edit_batch import EditBatch
from vifstats.losses.cox.edit_changes import EditKernel
from vifstats.losses.cox.loss import Cox
from vifstats.losses.cox.partial_likelihood import BATCH_NUMBERS
from vifstats.losses.cox.risk_sets import gathered, risk_sets
from vifstats.losses.edited import Edited
from vifstats.losses.penalty import penalised_slopes
from vifstats.removals import Removals

__all__ = ["EditedCox"]


class EditedCox(Edited):
    """The partial likelihood of rows of which some have edited versions.

    `loss`: on the rows as they are; `stacked`: on these rows, followed by the edited versions;
    `rows` int (k,); `labels` (k,).
    """

    stacked: Cox

    def __init__(self, loss: Cox, stacked: Cox, rows: np.ndarray, *, labels: pd.Index) -> None:
        super().__init__(stacked, rows, labels=labels)
        self.loss = loss
        self._last: tuple[bytes, Cox] | None = None
        self.kernel = EditKernel(stacked.data, self.rows, loss.ties == "efron")

    @property
    def changed(self) -> np.ndarray:
        """Whether each edited version differs from its row, shape (n_objects,)."""
        return self.kernel.changed

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.gradient(theta) if presence is None else super().gradient(theta, presence)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.hessian(theta) if presence is None else super().hessian(theta, presence)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        self.require_possible(removals)
        out = np.zeros((len(removals), len(theta)))
        some = np.flatnonzero(removals.sizes)
        if removals.single:
            edits = np.concatenate([np.empty(0, int), *(removals.members(int(k)) for k in some)])
            out[some], cancelled = self.kernel.gradient_changes(theta, edits)
            some = some[cancelled]
        if len(some):
            # edits together, and those after which next to nothing of a risk set is as it was
            left = removals.take(some)
            out[some] = self._differences_at(theta, left)
            unchanged = left.sums(self.kernel.changed.astype(int)) == 0
            out[some[unchanged]] = 0.0
        return out

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self._curvatures_at(theta, self.each(removals))

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        if len(removals) == 1:
            one, theta = self._made(removals), thetas[0]
            return np.array([one.value(theta, one.everyone())]), one.gradient(theta)[None]
        parts = [(b.values, b.gradients) for b in self._batches(thetas, removals)]
        values, gradients = (np.concatenate(side) for side in zip(*parts, strict=True))
        return penalised_slopes(values, gradients, thetas, self.loss.penalty)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        if len(removals) == 1:
            return self._made(removals).hessian(thetas[0])[None]
        H = np.concatenate([b.hessians() for b in self._batches(thetas, removals)])
        return H if self.loss.penalty is None else H + self.loss.penalty

    def _made(self, removals: Removals) -> Cox:
        """The loss of the data in which the edits of one removal are made; the last is kept."""
        gone = removals.members(0)
        key, last = gone.tobytes(), self._last
        if last is not None and last[0] == key:
            return last[1]
        self.require_possible(removals)
        made = self.loss.of_data(self.kernel.part(self.made(gone)[0]))
        # read and written once each: another thread may be at another removal
        self._last = key, made
        return made

    def _batches(self, thetas: np.ndarray, removals: Removals) -> Iterator[EditBatch]:
        """Edits in blocks, with the edited versions of a block only in its sums."""
        self.require_possible(removals)
        for part, some in removals.blocks(max(1, BATCH_NUMBERS // (16 * max(1, self.n_rows)))):
            yield self._batch(thetas[part], some)

    def _batch(self, thetas: np.ndarray, removals: Removals) -> EditBatch:
        objects = np.flatnonzero(removals.codes >= 0)
        code, column = removals.codes[objects], np.arange(len(removals))
        absent = np.zeros((self.n_rows + len(objects), len(removals)), dtype=bool)
        absent[self.n_rows :] = code[:, None] != column
        replaces = self.rows[objects] >= 0
        absent[self.rows[objects[replaces]], code[replaces]] = True
        kept = np.concatenate([np.arange(self.n_rows), self.n_rows + objects])
        data = self.kernel.part(kept)
        sets = risk_sets(data)
        X, _ = gathered(data.X, sets.order, sets.row_bounds)
        return EditBatch(
            sets=sets,
            X=X,
            w=data.weights[sets.order],
            offset=data.offset[sets.order],
            efron=self.loss.ties == "efron",
            thetas=thetas,
            removals=removals,
            absent=absent,
        )
