"""Coefficients and standard errors with everybody and after each removal, side by side."""

from dataclasses import dataclass, replace

import numpy as np

from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.inference import Inference
from vifstats.inference.degrees import degrees_without
from vifstats.inference.standard_errors import standard_errors_without

__all__ = ["WaldFits", "require_rest"]


@dataclass(frozen=True, eq=False)
class WaldFits:
    """Coefficients, standard errors and degrees of freedom, by the inference of the fit.

    Of the full fit (p,) and after each removal (k, p); degrees of freedom too, of the full fit
    also one number.
    """

    inference: Inference
    full: np.ndarray
    full_errors: np.ndarray
    full_df: float | np.ndarray
    coefficients: np.ndarray
    errors: np.ndarray
    df: np.ndarray
    # positions of the parameters of which nothing is concluded
    untested: slice

    @classmethod
    def of(cls, influence: Influence) -> "WaldFits":
        est, removals = influence.estimate, influence.removals
        thetas = est.theta - influence.values
        errors = standard_errors_without(est, est.loss, thetas, removals)
        df = degrees_without(est, removals)
        full = est.inference, est.theta, est.standard_errors, est.df
        return cls(*full, thetas, errors, df, est.effects.untested)

    @property
    def z(self) -> np.ndarray:
        z = self.coefficients / self.errors
        z[:, self.untested] = np.nan
        return z

    @property
    def p_values(self) -> np.ndarray:
        return self.inference.p_values(self.z, self.df)

    @property
    def full_p_values(self) -> np.ndarray:
        z = self.full / self.full_errors
        z[self.untested] = np.nan
        return self.inference.p_values(z, self.full_df)

    def take(self, rows: np.ndarray) -> "WaldFits":
        taken = {name: getattr(self, name)[rows] for name in ("coefficients", "errors", "df")}
        return replace(self, **taken)

    def beyond(self, share: float) -> "WaldFits":
        """With every change enlarged by a share of it."""
        further = self.coefficients + share * (self.coefficients - self.full)
        errors = self.errors * (self.errors / self.full_errors) ** share
        return replace(self, coefficients=further, errors=errors)

    def beyond_bound(self, level: float) -> np.ndarray:
        """How far |z| is beyond the bound of significance after each removal: (k, p)."""
        return np.abs(self.z) - self.inference.quantile(1 - level / 2, self.df)

    def changes(self, level: float) -> np.ndarray:
        """Whether the sign changes, significance is lost, is gained: (k, p, 3)."""
        before = self.full_p_values < level
        after = self.beyond_bound(level)
        sign = self.coefficients * self.full < 0
        found = np.stack([sign, before & (after <= 0), ~before & (after > 0)], axis=-1)
        found[:, self.untested] = False
        return found


def require_rest(sizes: np.ndarray, n_objects: int) -> None:
    if (sizes == n_objects).any():
        raise InvalidInputError(
            "A removal must leave something behind, but one group is everything; pass a column "
            "with several labels."
        )
