"""Held-out loss: how well the fit predicts what it has not seen, example by example."""

from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.m_estimator import MEstimator
from vifstats.losses.ranking.item_choice import ItemChoice
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["HeldOutLoss"]


class HeldOutLoss(Target):
    """The loss of each held-out query or example, without any penalty.

    Where the objects of the fit are items, an item that leaves also leaves the held-out lists and
    denominators: this direct term is part of the influence, and often most of it.

    Parameters
    ----------
    held_out : ListMLE, SoftmaxCrossEntropy, PlackettLuce, MEstimator or LinearPredictor
        The same loss on the held-out data: the same items, or the same f. What its own objects
        are has no meaning here; case weights are left out.

    Raises
    ------
    InvalidTypeError
        If the loss does not tell its examples apart.
    InvalidInputError
        Once it is used: if the fit has other parameters or other items.

    Examples
    --------
    >>> import vifstats as vs
    >>> fit = vs.losses.ListMLE([[0.0], [1.0]], [["a"], ["b"]], items=["a", "b"], ridge=0.1)
    >>> new = vs.losses.ListMLE([[0.5]], [["b"]], items=["a", "b"], ridge=0.1)
    >>> change = vs.leave_one_out(vs.minimize(fit, np.zeros(4))).on(HeldOutLoss(new))

    Without "a" nothing is left to choose from, and the loss falls to 0:

    >>> change.value.round(2), change.value_without[0]
    (array([0.59]), array([0.]))
    """

    def __init__(self, held_out: Loss) -> None:
        if not isinstance(held_out, ItemChoice | MEstimator | LinearPredictor):
            raise InvalidTypeError(
                "A held-out loss must be one that tells its examples apart, of rankings, an "
                f"MEstimator or a LinearPredictor, but this is {type(held_out).__name__}; write "
                "the target as a function f(theta, b, loss)."
            )
        self.held_out = held_out
        examples = held_out.queries if isinstance(held_out, ItemChoice) else held_out.labels
        self.names = tuple(map(str, examples))
        self.reads_presence = isinstance(held_out, ItemChoice)

    def bind(self, estimate: Fit) -> "HeldOutLoss":
        own, n_params = self.held_out.n_params, len(estimate.theta)
        if own is not None and own != n_params:
            raise InvalidInputError(
                f"A held-out loss must have the parameters of the fit, {n_params}, but has {own}; "
                "build it with the same features and items."
            )
        if not _same_items(self.held_out, estimate.loss):
            raise InvalidInputError(
                "A held-out loss must have the items of the fit in the same order; pass the same "
                "`items` to both."
            )
        return self

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        if isinstance(self.held_out, MEstimator):
            return self.held_out.rows(theta)
        if isinstance(self.held_out, LinearPredictor):
            return self.held_out.row_losses(theta)
        leave = isinstance(loss, ItemChoice) and loss.by_items
        items = presence if leave else np.ones(len(self.held_out.items))
        return self.held_out.query_losses(theta, items)


def _same_items(held_out: Loss, fitted: Loss) -> bool:
    if not isinstance(held_out, ItemChoice) or not isinstance(fitted, ItemChoice):
        return True
    return held_out.items.equals(fitted.items)
