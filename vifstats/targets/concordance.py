"""Concordance as a target: as a refit without the row would report it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.concordance import concordance
from vifstats.losses.cox.loss import Cox
from vifstats.removals import Removals
from vifstats.targets.base import Target
from vifstats.typing import Differentiable

__all__ = ["Concordance"]


@dataclass(frozen=True, eq=False)
class Concordance(Target):
    """Harrell's concordance of the linear predictor of a Cox model with the times of its data.

    Without a row both the data and theta change; R's infinitesimal jackknife of
    ``concordance(fit)`` holds the linear predictor fixed. Pairs are compared within strata and
    risk sets, so delayed entry counts; two deaths at one time are not comparable; tied predictors
    count one half; a pair has the product of its weights. It moves in steps, so it has no linear
    form. It costs n log n for each removal.

    References
    ----------
    Harrell, Lee & Mark (1996), Statistics in Medicine 15.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> vs.leave_one_out(vs.minimize(loss, [0.0])).on(Concordance()).value
    array([0.66666667])
    """

    names = ("concordance",)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return _Predictors(_require_cox(loss)).concordance(autodiff.plain(theta), presence)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        predictors = _Predictors(_require_cox(loss))
        values = [
            predictors.concordance(theta, removals.presence(k)) for k, theta in enumerate(thetas)
        ]
        return np.array(values)[:, None]

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        raise InvalidInputError(
            "`linear=True` needs a derivative, but concordance moves in steps; use linear=False."
        )


class _Predictors:
    """Linear predictors that are equal where the covariates are, whatever a sum rounds to."""

    def __init__(self, loss: Cox) -> None:
        data, self.sets = loss.data, loss.risk_sets
        self.w = data.weights[self.sets.order]
        rows = np.column_stack([data.X, data.offset])[self.sets.order]
        self.distinct, self.which = np.unique(rows, axis=0, return_inverse=True)

    def concordance(self, theta: np.ndarray, presence: np.ndarray) -> float:
        if not np.isfinite(theta).all():
            return np.nan
        score = self.distinct[:, :-1] @ theta + self.distinct[:, -1]
        return concordance(self.sets, self.w * presence[self.sets.order], score[self.which])


def _require_cox(loss: Loss) -> Cox:
    if not isinstance(loss, Cox):
        raise InvalidTypeError(
            f"Concordance is a target of Cox models, but this loss is a {type(loss).__name__}."
        )
    return loss
