"""The loss of some of the objects, as if the others had never been there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.losses.base import Loss
from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.losses.cox.fine_gray.loss import FineGray
from vifstats.losses.cox.loss import Cox
from vifstats.losses.equations import EstimatingEquations
from vifstats.losses.regression.edited_rows import EditedRows
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.losses.stacked import Stacked

__all__ = ["reduced"]


def reduced(loss: Loss, kept: np.ndarray) -> Loss:
    """The loss of the objects kept, numbered from 0 in their order.

    Shapes: `kept` bool (n_objects,). Returns a loss of the same kind, with all its fast methods,
    for Cox, Fine-Gray, linear predictors, edits and stacks of them; else the same loss behind a
    mask. Raises InvalidInputError if nothing can be estimated from what is kept.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> vs.minimize(reduced(loss, np.array([True, True, False])), [0.0]).theta
    array([2.])
    """
    if isinstance(loss, Cox):
        return _cox(loss, kept)
    if isinstance(loss, FineGray):
        return loss.take(kept)
    if isinstance(loss, LinearPredictor):
        return _linear_predictor(loss, kept)
    if isinstance(loss, EditedCox | EditedRows):
        return _edited(loss, kept)
    if type(loss) is Stacked:
        return _stacked(loss, kept)
    if isinstance(loss, EstimatingEquations):
        return MaskedEquations(loss, kept)
    return Masked(loss, kept)


class _Mask(Loss):
    """What stands between a loss and those who see only some of its objects.

    Shapes: `kept` bool (n_objects of the whole,).
    """

    def __init__(self, loss: Loss, kept: np.ndarray) -> None:
        self.loss: Any = loss
        self.objects = np.flatnonzero(kept)
        self.n_objects = len(self.objects)
        self.n_params, self.names = loss.n_params, loss.names
        self.labels = loss.labels[self.objects]
        self.fractional, self.wording = loss.fractional, loss.wording
        self._spread = np.eye(loss.n_objects)[self.objects]

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.gradient(theta, self.everyone(presence) @ self._spread)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.loss.hessian(theta, self.everyone(presence) @ self._spread)

    def owned(self, i: int) -> Sequence[int] | np.ndarray:
        return self.loss.owned(self.objects[i])

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        return self.loss.gauge(theta)


class Masked(_Mask):
    """A loss of which some objects are absent for good."""

    def value(self, theta: Any, presence: Any) -> Any:
        return self.loss.value(theta, anp.dot(presence, self._spread))


class MaskedEquations(_Mask, EstimatingEquations):
    """Estimating equations of which some objects are absent for good."""

    def __init__(self, loss: EstimatingEquations, kept: np.ndarray) -> None:
        super().__init__(loss, kept)
        self.reads = loss.reads

    def psi(self, theta: Any, presence: Any, *earlier: Any) -> Any:
        return self.loss.psi(theta, anp.dot(presence, self._spread), *earlier)

    def value(self, theta: Any, presence: Any) -> Any:
        return EstimatingEquations.value(self, theta, presence)


def _stacked(loss: Stacked, kept: np.ndarray) -> Stacked:
    """Each block with those of its objects that are kept."""
    place, blocks = np.cumsum(kept) - 1, {}
    for name, block in loss.blocks.items():
        rows = np.arange(loss.n_objects) if block.rows is None else block.rows
        own = kept[rows]
        blocks[name] = replace(
            block,
            equations=reduced(block.equations, own),
            labels=block.labels[own],
            rows=None if block.rows is None else place[rows[own]],
        )
    return Stacked(blocks, loss.labels[kept])


def _cox(loss: Cox, kept: np.ndarray) -> Cox:
    data = loss.data
    names = [data.stratum_names[code] for code in data.strata[kept]]
    return Cox(
        pd.DataFrame(data.X[kept], index=data.labels[kept], columns=list(data.names)),
        data.time[kept],
        data.event[kept],
        entry=data.entry[kept] if np.isfinite(data.entry).any() else None,
        weights=data.weights[kept],
        strata=None if data.stratum_names == (None,) else names,
        offset=data.offset[kept],
        ties=loss.ties,
        penalty=loss.penalty,
    )


def _edited(loss: EditedCox | EditedRows, kept: np.ndarray) -> Loss:
    """The edits kept, of the data in which the others have been made."""
    data, versions = loss.made(np.flatnonzero(~kept))
    rows, labels = loss.rows[kept], loss.labels[kept]
    stack = np.concatenate([data, versions])
    if isinstance(loss, EditedRows):
        return type(loss)(_linear_predictor(loss.stacked, stack), rows, labels=labels)
    return type(loss)(_cox(loss.stacked, data), _cox(loss.stacked, stack), rows, labels=labels)


def _linear_predictor(loss: LinearPredictor, kept: np.ndarray) -> LinearPredictor:
    y = tuple(v[kept] for v in loss.y) if isinstance(loss.y, tuple) else loss.y[kept]
    return LinearPredictor(
        loss.row_loss,
        tuple(X[kept] for X in loss.designs),
        y,
        offset=tuple(offset[kept] for offset in loss.offsets),
        weights=loss.weights[kept],
        penalty=loss.penalty,
        names=loss.names,
        labels=loss.labels[kept],
    )
