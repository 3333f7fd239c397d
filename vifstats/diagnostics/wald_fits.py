"""Coefficients and standard errors with everybody and without each removal, side by side."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.targets.standard_errors import standard_errors_without

__all__ = ["WaldFits", "require_rest"]


@dataclass(frozen=True, eq=False)
class WaldFits:
    """Coefficients and standard errors of the full fit (p,) and without each removal (k, p)."""

    full: np.ndarray
    full_errors: np.ndarray
    coefficients: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, influence: Influence) -> "WaldFits":
        est = influence.estimate
        thetas = est.theta - influence.values
        errors = standard_errors_without(est, est.loss, thetas, influence.removals)
        return cls(est.theta, est.standard_errors, thetas, errors)

    @property
    def z(self) -> np.ndarray:
        return self.coefficients / self.errors

    @property
    def p_values(self) -> np.ndarray:
        return 2 * ndtr(-np.abs(self.z))

    @property
    def full_p_values(self) -> np.ndarray:
        return 2 * ndtr(-np.abs(self.full / self.full_errors))

    def take(self, rows: np.ndarray) -> "WaldFits":
        return WaldFits(self.full, self.full_errors, self.coefficients[rows], self.errors[rows])

    def beyond(self, share: float) -> "WaldFits":
        """With every change enlarged by a share of it."""
        further = self.coefficients + share * (self.coefficients - self.full)
        errors = self.errors * (self.errors / self.full_errors) ** share
        return WaldFits(self.full, self.full_errors, further, errors)

    def changes(self, level: float) -> np.ndarray:
        """Whether the sign changes, significance is lost, is gained: (k, p, 3)."""
        bound = -ndtri(level / 2)
        before = np.abs(self.full / self.full_errors) > bound
        z = np.abs(self.z)
        sign = self.coefficients * self.full < 0
        return np.stack([sign, before & (z <= bound), ~before & (z > bound)], axis=-1)


def require_rest(sizes: np.ndarray, n_objects: int) -> None:
    if (sizes == n_objects).any():
        raise InvalidInputError(
            "A removal must leave something behind, but one group is everything; pass a column "
            "with several labels."
        )
