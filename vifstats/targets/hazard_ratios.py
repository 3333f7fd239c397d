"""Hazards of a Cox model against each other: what no baseline is needed for."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target
from vifstats.targets.survival_curves import one_each
from vifstats.typing import Differentiable

__all__ = ["LogHazardRatio", "RelativeRisk"]


@dataclass(frozen=True, eq=False)
class RelativeRisk(Target):
    """exp(theta'x), the relative risk of profiles against x = 0.

    It depends on the origin of x: a hazard ratio between two profiles does not.

    Parameters
    ----------
    x : array_like, shape (n_params,) or (m, n_params), dict, Series or DataFrame
        Profiles, as design rows or in the raw columns of the fitted model.

    References
    ----------
    Deng, Tang & Ma (2025), section 4.1.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> change = vs.vif(vs.minimize(loss, [0.0])).on(RelativeRisk([1.0]))
    >>> change.influence.shape
    (4, 1)
    """

    x: Any
    label = "relative risk"
    reads_presence = False

    def bind(self, estimate: Fit) -> "RelativeRisk":
        design = checks.profiles(self.x, estimate.profile, estimate.names)
        return dataclasses.replace(self, x=design)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return anp.exp(anp.dot(np.atleast_2d(self.x), theta))

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return np.exp(thetas @ np.atleast_2d(self.x).T)


@dataclass(frozen=True, eq=False)
class LogHazardRatio(Target):
    """(x1 - x0)'theta, the log hazard ratio of one profile against another.

    Parameters
    ----------
    x1, x0 : array_like, shape (n_params,), dict, Series or DataFrame of one row
        The two profiles, as design rows or in the raw columns of the fitted model.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> inf = vs.vif(vs.minimize(loss, [0.0]))
    >>> bool(np.allclose(inf.on(LogHazardRatio([2.0], [0.0])).influence, 2 * inf.values))
    True
    """

    x1: Any
    x0: Any
    names = ("log hazard ratio",)
    reads_presence = False

    def bind(self, estimate: Fit) -> "LogHazardRatio":
        design = [checks.profiles(x, estimate.profile, estimate.names) for x in (self.x1, self.x0)]
        x1, x0 = one_each(*design)
        return dataclasses.replace(self, x1=x1, x0=x0)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return anp.dot(np.subtract(self.x1, self.x0), theta)

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return (thetas @ np.subtract(self.x1, self.x0))[:, None]
