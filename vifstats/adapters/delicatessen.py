"""M-estimators of delicatessen: whatever equations a user has stacked there."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import EstimatingEquations
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["m_estimator"]


class StackedEquations(EstimatingEquations):
    """psi(theta) of delicatessen, one column of terms per object, differentiated by its own tools.

    `f`: theta -> (n_params, n_objects) or, of one parameter, (n_objects,).
    """

    def __init__(self, f: Any, n_objects: int, n_params: int) -> None:
        self.f, self.n_objects, self.n_params = f, n_objects, n_params
        self.labels = pd.RangeIndex(n_objects)

    def rows(self, theta: np.ndarray) -> np.ndarray:
        """The terms of each object, shape (n_objects, n_params)."""
        return np.atleast_2d(np.asarray(self.f(theta), dtype=float)).T

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        return self.rows(theta)[presence > 0].T @ presence[presence > 0]

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone(presence)
        kept = np.flatnonzero(b > 0)
        return _derivative(
            lambda t: np.array([terms[kept] @ b[kept] for terms in np.atleast_2d(self.f(t))]), theta
        )

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        rows = self.rows(theta)
        return rows if removals is None else removals.sums(rows)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.gradient_differences(theta, removals)

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.stack([self.rows(theta) for theta in thetas])
        gone = removals.codes == np.arange(len(removals))[:, None]
        out[gone] = 0.0
        return out


def m_estimator(fit: Any, *, groups: Any = None, tol: float = 1e-2, **options: Any) -> Estimate:
    """An estimate from a fitted MEstimator, all of its equations at once."""
    refuse("An MEstimator keeps its equations", **options)
    if fit.theta is None:
        raise UnsupportedModelError(
            "An MEstimator must be estimated, but has no theta; call .estimate() first."
        )
    theta = np.asarray(fit.theta, dtype=float)
    n = np.atleast_2d(np.asarray(fit.stacked_equations(theta=theta))).shape[1]
    equations = StackedEquations(fit.stacked_equations, n, len(theta))
    return Estimate(equations, theta, groups=groups, tol=tol)


def _derivative(f: Any, theta: np.ndarray) -> np.ndarray:
    from delicatessen.derivative import auto_differentiation

    return np.asarray(auto_differentiation(theta, f), dtype=float).reshape(-1, len(theta))
