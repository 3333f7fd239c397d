"""Targets on the scale of the outcome: mean prediction and average marginal effect."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import autodiff, checks
from vifstats.errors import InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.linear_predictor import LinearPredictor
from vifstats.losses.row_losses import Logistic, Poisson, Robust, SquaredError, links
from vifstats.removals import Removals
from vifstats.targets.base import Target
from vifstats.targets.parameter import position_of

__all__ = ["AverageMarginalEffect", "MeanPrediction"]

# Predictions for about this many pairs of removal and row are held at once (32 MB).
BLOCK_NUMBERS = 4_000_000
LINKS = {
    Logistic: links.Logit(),
    Poisson: links.Log(),
    Robust: links.Identity(),
    SquaredError: links.Identity(),
}


@dataclass(frozen=True, eq=False)
class MeanPrediction(Target):
    """The predicted mean outcome: of profiles, or on average over the rows that are present.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (k, n_params), dict, Series or DataFrame, optional
        Profiles, as design rows or in the raw columns of the model, without offset. Default: the
        unweighted average over the data, for which every removal costs a pass over the rows.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import Poisson
    >>> loss = vs.losses.LinearPredictor(Poisson(), [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1, 3, 4])
    >>> vs.vif(vs.minimize(loss, [0.0, 0.0])).on(MeanPrediction()).value.round(4)
    array([2.6667])
    """

    x: Any = None

    @property
    def names(self) -> tuple[str, ...] | None:  # type: ignore[override]  # known with x
        """The name of an average; None for profiles."""
        return ("mean prediction",) if self.x is None else None

    @property
    def reads_presence(self) -> bool:  # type: ignore[override]  # known with x
        """Whether it is an average over the data."""
        return self.x is None

    def bind(self, estimate: Any) -> "MeanPrediction":
        mean_function(estimate.loss)
        if self.x is None:
            return self
        x = checks.profiles(self.x, estimate.profile, estimate.names)
        return dataclasses.replace(self, x=x)

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        inverse = mean_function(loss)
        if self.x is None:
            return _average(inverse(_predictors(loss, theta)), presence)
        return inverse(anp.dot(np.atleast_2d(self.x), theta))

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        inverse = mean_function(loss)
        if self.x is not None:
            return inverse(thetas @ np.atleast_2d(self.x).T)
        return _averages_without(loss, thetas, removals, lambda eta, thetas: inverse(eta))


@dataclass(frozen=True, eq=False)
class AverageMarginalEffect(Target):
    """The change of the predicted mean with one column of the design, averaged over the rows.

    Parameters
    ----------
    name : str
        The column, as in ``estimate.names``; other columns made of it are held.
    discrete : bool
        False: the derivative. True: the prediction with the column at 1 minus that at 0.

    Notes
    -----
    The average is unweighted and every removal costs a pass over the rows.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import SquaredError
    >>> X, y = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [0.0, 2.0, 1.0]
    >>> loss = vs.losses.LinearPredictor(SquaredError(), X, y, names=["one", "dose"])
    >>> vs.vif(vs.minimize(loss, [0.0, 0.0])).on(AverageMarginalEffect("dose")).value
    array([0.5])
    """

    name: str
    discrete: bool = False

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]  # known with the column
        """The name of the column."""
        return (f"marginal effect of {self.name}",)

    def bind(self, estimate: Any) -> "AverageMarginalEffect":
        mean_function(estimate.loss)
        return _Effect(self.name, self.discrete, position_of(self.name, estimate.names))

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        position = position_of(self.name, loss.names or ())
        return _Effect(self.name, self.discrete, position).value(theta, presence, loss)


@dataclass(frozen=True, eq=False)
class _Effect(AverageMarginalEffect):
    """A marginal effect whose column is known."""

    position: int = 0

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return _average(self._of(loss, _predictors(loss, theta), theta[self.position]), presence)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return _averages_without(
            loss,
            thetas,
            removals,
            lambda eta, some: self._of(loss, eta, some[:, self.position, None]),
        )

    def _of(self, loss: Loss, eta: Any, coefficient: Any) -> Any:
        inverse = mean_function(loss)
        if not self.discrete:
            return _slope(inverse, eta) * coefficient
        column = _design(loss)[:, self.position]
        return inverse(eta + (1 - column) * coefficient) - inverse(eta - column * coefficient)


def mean_function(loss: Loss) -> Any:
    """The mean as a function of the linear predictor, in autograd.numpy."""
    if isinstance(loss, LinearPredictor) and len(loss.designs) == 1:
        link = getattr(loss.row_loss, "link", LINKS.get(type(loss.row_loss)))
        if link is not None:
            return link.inverse
    raise InvalidTypeError(
        "A mean prediction is a target of linear, logistic, Poisson and other generalised linear "
        f"models, but this loss is a {type(loss).__name__} of "
        f"{type(getattr(loss, 'row_loss', None)).__name__}."
    )


def _slope(inverse: Any, eta: Any) -> Any:
    """The derivative of the inverse link, itself differentiable."""
    return autodiff.directional(inverse, eta, np.ones(np.shape(autodiff.plain(eta))))


def _design(loss: Any) -> np.ndarray:
    return loss.designs[0]


def _predictors(loss: Any, theta: Any) -> Any:
    return anp.dot(_design(loss), theta) + loss.offsets[0]


def _average(values: Any, presence: Any) -> Any:
    present = autodiff.plain(presence) > 0
    return anp.sum(anp.where(present, values, 0.0)) / present.sum()


def _averages_without(
    loss: Any, thetas: np.ndarray, removals: Removals, function: Any
) -> np.ndarray:
    """Averages over the rows left of a function of predictors (k, n) and thetas (k, p)."""
    out = np.empty((len(removals), 1))
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // removals.n_objects)):
        eta = thetas[part] @ _design(loss).T + loss.offsets[0]
        gone = some.codes == np.arange(len(some))[:, None]
        values = np.where(gone, 0.0, function(eta, thetas[part]))
        out[part, 0] = values.sum(axis=1) / (~gone).sum(axis=1)
    return out
