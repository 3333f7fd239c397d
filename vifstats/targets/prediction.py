"""Targets on the scale of the outcome: mean prediction and average marginal effect."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.losses.row_losses import Logistic, Poisson, Robust, SquaredError, links
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target, central_differences
from vifstats.targets.coefficient import position_of
from vifstats.targets.means_over_rows import EXACT_PAIRS, RowMean, derivative
from vifstats.typing import Differentiable

__all__ = ["AverageMarginalEffect", "MeanPrediction"]

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
        unweighted average over the data.
    exact : bool, optional
        Of the average after each removal: True takes it afresh, a pass over the rows for each;
        False expands it about the full fit to second order in the change of the parameters,
        exactly in what leaves: near-linear in the rows, with an error of third order in 1/n.
        Default: afresh up to 10 000 rows (100 million pairs of removal and row).

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import Poisson
    >>> loss = vs.losses.LinearPredictor(Poisson(), [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1, 3, 4])
    >>> vs.vif(vs.minimize(loss, [0.0, 0.0])).on(MeanPrediction()).value.round(4)
    array([2.6667])
    """

    x: Any = None
    exact: bool | None = None
    reads_presence = False

    def bind(self, estimate: Fit) -> Target:
        loss = estimate.loss
        inverse = mean_function(loss)
        if self.x is None:
            mean = _over_rows(loss, inverse)
            return _MeanOfRows(((1.0, mean),), ("mean prediction",), estimate.theta, self.exact)
        x = checks.profiles(self.x, estimate.profile, estimate.names)
        return dataclasses.replace(self, x=x)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        inverse = mean_function(loss)
        if self.x is None:
            return _over_rows(loss, inverse).value(theta, presence)
        return inverse(anp.dot(np.atleast_2d(self.x), theta))

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return mean_function(loss)(thetas @ np.atleast_2d(self.x).T)


@dataclass(frozen=True, eq=False)
class AverageMarginalEffect(Target):
    """The change of the predicted mean with one column of the design, averaged over the rows.

    The average is unweighted.

    Parameters
    ----------
    name : str
        The column, as in ``estimate.names``; other columns made of it are held.
    discrete : bool
        False: the derivative. True: the prediction with the column at 1 minus that at 0.
    exact : bool, optional
        As in `MeanPrediction`.

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
    exact: bool | None = None

    def __post_init__(self) -> None:
        checks.flag(self.discrete, "discrete")

    def bind(self, estimate: Fit) -> Target:
        position = position_of(self.name, estimate.names)
        return dataclasses.replace(self._of(estimate.loss, position), theta=estimate.theta)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        position = position_of(self.name, loss.names or ())
        return self._of(loss, position).value(theta, presence, loss)

    def _of(self, loss: Loss, position: int) -> "_MeanOfRows":
        inverse, names = mean_function(loss), (f"marginal effect of {self.name}",)
        if not self.discrete:
            slopes = ((1.0, _over_rows(loss, derivative(inverse))),)
            return _MeanOfRows(slopes, names, exact=self.exact, coefficient=position)
        at = [(sign, _over_rows(loss, inverse, position, sign > 0)) for sign in (1.0, -1.0)]
        return _MeanOfRows(tuple(at), names, exact=self.exact)


@dataclass(frozen=True, eq=False)
class _MeanOfRows(Target):
    """A sum of means over rows, times a coefficient where one is given."""

    means: tuple[tuple[float, RowMean], ...]
    names: tuple[str, ...]
    # (n_params,): of the full fit, about which means are expanded; empty if it is not known
    theta: np.ndarray = field(default_factory=lambda: np.zeros(0))
    exact: bool | None = None
    coefficient: int | None = None

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        total = sum(sign * mean.value(theta, presence) for sign, mean in self.means)
        return total if self.coefficient is None else total * theta[self.coefficient]

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        total = np.zeros(len(removals))
        for sign, mean in self.means:
            if self._exactly(removals):
                total += sign * mean.afresh(thetas, removals)
            else:
                total += sign * mean.expanded(self.theta, thetas, removals)
        if self.coefficient is not None:
            total *= thetas[:, self.coefficient]
        return total[:, None]

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        return central_differences(self, loss, theta, dfbeta, removals)

    def _exactly(self, removals: Removals) -> bool:
        if self.exact is not None:
            return self.exact
        return not len(self.theta) or len(removals) * removals.n_objects <= EXACT_PAIRS


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


def _over_rows(loss: Any, f: Any, position: int | None = None, value: float = 0.0) -> RowMean:
    """The mean of f over the rows, with a column set to a value where one is given."""
    X, offset = loss.designs[0], loss.offsets[0]
    if position is not None:
        X = X.copy()
        X[:, position] = value
    return RowMean(f, X, offset)
