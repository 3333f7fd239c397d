"""What a fit reports: tests and intervals by its own inference, and their table."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import VifError
from vifstats.inference import Inference
from vifstats.inference.degrees import degrees_of_freedom
from vifstats.losses import Cox, FineGray
from vifstats.losses.base import Loss
from vifstats.losses.effects import Effects, effects_of, shown_columns, wald_table
from vifstats.losses.stacked import Stacked
from vifstats.solvers.quasi_newton import is_large
from vifstats.tabular import Tabular

__all__ = ["Summarised"]


class Summarised(Tabular):
    """A fit as it is reported; what is annotated here belongs to an `Estimate`."""

    loss: Loss
    theta: np.ndarray
    names: tuple[str, ...]
    labels: pd.Index
    kept: np.ndarray
    groups: pd.Index | None
    inference: Inference

    if TYPE_CHECKING:  # computed by an `Estimate`

        @cached_property
        def standard_errors(self) -> np.ndarray:
            """Standard errors by the fit's own inference, shape (n_params,)."""

    @property
    def params(self) -> pd.Series:
        """Parameters by name."""
        return pd.Series(self.theta, index=list(self.names), name="theta")

    @property
    def df(self) -> float | np.ndarray:
        """Degrees of freedom of the tests: infinite by the normal distribution.

        Of CR3 errors of least squares an array, shape (n_params,): Bell and McCaffrey's.
        """
        return degrees_of_freedom(self)

    @property
    def degrees(self) -> np.ndarray:
        """`df` of each parameter, shape (n_params,)."""
        return np.broadcast_to(self.df, (len(self.theta),))

    @property
    def z_values(self) -> np.ndarray:
        """Parameters over their standard errors: z, or t; shape (n_params,)."""
        return self.theta / self.standard_errors

    @property
    def p_values(self) -> np.ndarray:
        """Two-sided p-values of the parameters, by the fit's own inference; shape (n_params,)."""
        return self.inference.p_values(self.z_values, self.df)

    def confidence_limits(self, level: float = 0.95) -> np.ndarray:
        """Lower and upper limits by the fit's own inference, shape (n_params, 2)."""
        share = 0.5 + checks.proportion(level, "level") / 2
        width = self.inference.quantile(share, self.df) * self.standard_errors
        return np.stack([self.theta - width, self.theta + width], axis=1)

    @property
    def effects(self) -> Effects:
        """What the parameters are to a reader: ratios of hazards, of odds, or what they are."""
        return effects_of(self.loss, self.names)

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """The table of the fit, by its own inference.

        Parameters
        ----------
        level : float
            Of the confidence limits.

        Returns
        -------
        DataFrame, shape (n_params, 6 or 9)
            Columns coefficient, standard_error, z (or t), p_value, lower_95, upper_95; where
            exp(theta) is what people report also hazard_ratio, odds_ratio, ... with its limits;
            nan for an intercept and others that are no effect.

        Raises
        ------
        UnsupportedModelError
            As `standard_errors`.

        Examples
        --------
        >>> import vifstats as vs
        >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0])
        >>> vs.minimize(loss, [0.0], names=["arm"]).summary()["hazard_ratio"].round(3)
        arm    2.562
        Name: hazard_ratio, dtype: float64
        """
        checks.proportion(level, "level")
        errors, fit = self.standard_errors, (self.inference, self.df, level)
        return wald_table(self.effects, self.names, self.theta, errors, *fit)

    @property
    def table(self) -> pd.DataFrame:
        """The `summary` at 95 %."""
        return self.summary()

    def _heading(self) -> list[str]:
        n_rows, n_labels = len(self.kept), len(self.labels)
        parts = [f"{n_rows:,} rows"]
        if n_labels > n_rows:
            parts.append(f"{n_labels - n_rows:,} more that the model had dropped")
        if isinstance(self.loss, Cox | FineGray):
            parts.append(f"{int(self.loss.data.event.sum()):,} events")
        if isinstance(self.loss, Stacked):
            parts += [f"{n:,} of them not in {name!r}" for name, n in self.loss.lacking().items()]
        if self.groups is not None:
            parts.append(f"{len(pd.unique(np.asarray(self.groups))):,} groups that leave whole")
        lines = [f"Estimate ({self.effects.model}): {', '.join(parts)}"]
        if is_large(len(self.theta)):
            return [*lines, f"{len(self.theta):,} parameters; see params"]
        try:
            self.summary()
        except VifError as error:
            return [*lines, f"no standard errors: {error}"]
        return [*lines, f"covariance: {self.inference.words}"]

    def _shown(self) -> pd.DataFrame:
        if is_large(len(self.theta)):
            return pd.DataFrame()
        try:
            table = self.summary()
        except VifError:
            return self.params.to_frame("coefficient")
        return shown_columns(table, self.effects)
