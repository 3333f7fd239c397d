"""The log likelihood as a target."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["LogLikelihood"]

# Removals times rows up to which each log likelihood is summed afresh (3 s).
EXACT_PAIRS = 25_000_000


@dataclass(frozen=True, eq=False)
class LogLikelihood(Target):
    """Minus the loss: the (partial, penalised) log likelihood, up to a constant.

    Without a row it is that of the others at their own estimate.

    Parameters
    ----------
    exact : bool, optional
        Without each removal, True is a pass over the rows. False, for Cox models, takes exactly
        what leaves and expands to second order in the change of the parameters, which is
        near-linear. Default: False for Cox beyond 5000 rows (25 million pairs).

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> vs.newton_step(vs.minimize(loss, [0.0])).on(LogLikelihood()).value_without.ravel()
    array([-1., -4., -1.])
    """

    exact: bool | None = None
    names = ("log likelihood",)

    def bind(self, estimate: Fit) -> "LogLikelihood":
        if not isinstance(estimate.loss, Cox):
            return self
        return _CoxLikelihood(self.exact, estimate.theta, estimate.hessian)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return -loss.value(theta, presence)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        # nothing reads what vanishes, which is nan
        kept = loss.with_owned(thetas, removals, 0.0)
        return -loss.reduced_slopes(kept, removals)[0][:, None]


@dataclass(frozen=True, eq=False)
class _CoxLikelihood(LogLikelihood):
    """A log likelihood at an estimate, about which it can be expanded."""

    theta: np.ndarray = field(default_factory=lambda: np.zeros(0))
    hessian: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def values_without(self, loss: Any, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        exact = self.exact
        if exact is None:
            exact = len(removals) * removals.n_objects <= EXACT_PAIRS
        if exact:
            return super().values_without(loss, thetas, removals)
        d = self.theta - thetas
        slope = loss.gradient(self.theta) - loss.gradient_differences(self.theta, removals)
        change = loss.value_differences(self.theta, removals)
        change += np.einsum("kp,kp->k", slope, d)
        change -= 0.5 * np.einsum("kp,pq,kq->k", d, self.hessian, d, optimize=True)
        return (change - loss.value(self.theta, loss.everyone()))[:, None]
