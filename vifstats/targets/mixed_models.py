"""What a mixed model is asked for: its fixed effects, and its variances in the units of y."""

from typing import Any

import numpy as np

from vifstats.errors import InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.mixed.loss import MixedModel
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["FixedEffects", "VarianceComponents"]


class FixedEffects(Target):
    """The fixed effects of a mixed model, by generalised least squares on the rows present.

    beta is found anew for the variances that a method gives, so that what it misses are the
    variances only: nearer to refits than the method's own beta.

    References
    ----------
    docs/mathematics.md, equation (52).

    Examples
    --------
    >>> import vifstats as vs
    >>> y = [1.0, 3.0, 5.0, 5.0, 8.0, 10.0]
    >>> loss = vs.losses.MixedModel(np.ones((6, 1)), y, ["a", "a", "b", "b", "c", "c"])
    >>> est = vs.minimize(loss, loss.start())
    >>> vs.vif(est).on(FixedEffects()).influence.ravel().round(2)
    array([-0.38,  0.28, -0.01, -0.01, -0.28,  0.39])
    """

    label = "fixed effect"
    undefined = "too few rows for all fixed effects"

    def bind(self, estimate: Fit) -> Target:
        loss = _mixed(estimate.loss)
        bound = type(self)()
        bound.names = loss.names[: loss.n_fixed]
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return _mixed(loss).fixed_effects_at(theta, presence)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return _mixed(loss).fixed_effects(thetas, removals)


class VarianceComponents(Target):
    """sigma, then variances and covariances of the random effects, in units of y.

    First the residual standard deviation; then the covariance of the correlated effects, its lower
    triangle by rows, in squared units of y; then the variance of each further component.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = [1.0, 3.0, 5.0, 5.0, 8.0, 10.0]
    >>> loss = vs.losses.MixedModel(np.ones((6, 1)), y, ["a", "a", "b", "b", "c", "c"])
    >>> target = VarianceComponents()
    >>> vs.vif(vs.minimize(loss, loss.start())).on(target).to_frame().columns.to_list()
    ['sigma', 'Var(Intercept)']
    """

    label = "variance component"
    reads_presence = False

    def bind(self, estimate: Fit) -> Target:
        bound = type(self)()
        bound.names = _mixed(estimate.loss).random.variance_names
        return bound

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return _mixed(loss).variances(theta)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return np.array([_mixed(loss).variances(theta) for theta in thetas])


def _mixed(loss: Loss) -> MixedModel:
    if not isinstance(loss, MixedModel):
        raise InvalidTypeError(
            "Fixed effects and variance components are targets of linear mixed models, but this "
            f"loss is a {type(loss).__name__}; use targets.Coefficient."
        )
    return loss
