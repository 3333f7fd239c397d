"""How large an influence is, in the words of statistics: dfbetas, Cook's distance, ranges."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.on_target import extremes
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.inference.least_squares import (
    deletion_variances,
    is_least_squares,
    row_diagnostics,
)
from vifstats.removals import Removals
from vifstats.solvers.linalg import pinned
from vifstats.tabular import Tabular
from vifstats.typing import Groups

__all__ = ["Measures"]


class Measures(Tabular):
    """What follows from theta^ - theta(-i) and the fit alone, whichever method it comes from.

    The attributes annotated here are fields of an `Influence`.
    """

    estimate: Estimate
    values: np.ndarray
    removals: Removals
    exact: np.ndarray
    failed: np.ndarray

    if TYPE_CHECKING:  # of an `Influence`

        @property
        def index(self) -> pd.Index:
            """The label of each row."""

        @property
        def status(self) -> pd.Series:
            """What happened to each row."""

    @property
    def dfbetas(self) -> pd.DataFrame:
        """dfbeta over the naive standard error, as in R. Harrell's convention: look above 0.2.

        For least squares the residual variance is that without the row, as in R's ``dfbetas`` and
        statsmodels' (Belsley, Kuh & Welsch 1980, p. 13, equation 2.7).
        """
        est = self.estimate
        errors, moved = est.naive_errors, self.values != 0
        # where equations are solved by each row their errors are 0 too
        scaled = self.values / np.where((errors == 0) & ~moved, 1.0, errors)
        if is_least_squares(est) and not est.perfect:
            scaled *= np.sqrt(est.dispersion / deletion_variances(est, self.removals))[:, None]
        return self._frame(scaled)

    @property
    def effects(self) -> pd.DataFrame:
        """What people report, with all rows and without each: hazard ratios, odds ratios, ...

        A DataFrame of shape (n_removals, 2 * n_effects), with columns (parameter, "all" or
        "without"), so that ``effects["age"]`` has the two side by side. The name of the first
        level says what they are: "hazard ratio", or "coefficient". Intercepts, scales and
        thresholds are not effects.
        """
        est, what = self.estimate, self.estimate.effects
        theta = est.theta[what.shown]
        without = what.of(theta - self.values[:, what.shown])
        both = np.stack([np.broadcast_to(what.of(theta), without.shape), without])
        names = [est.names[k] for k in what.shown]
        columns = pd.MultiIndex.from_product(
            [names, ["all", "without"]], names=[what.effect, "rows"]
        )
        values = both.transpose(1, 2, 0).reshape(len(without), -1)
        return pd.DataFrame(values, index=self.index, columns=columns)

    @property
    def ranges(self) -> pd.DataFrame:
        """The table of a paper: each effect, its interval, and its range over deletions.

        A DataFrame with a line for each effect: the effect, lower_95, upper_95 and p_value of the
        full fit; the lowest and the highest that the effect becomes, and without which row.
        """
        est, what = self.estimate, self.estimate.effects
        theta, limits = est.theta, est.confidence_limits()
        ends = extremes(what.of(theta - self.values)[:, what.shown], self.index)
        columns = {
            what.column: what.of(theta)[what.shown],
            "lower_95": what.of(limits[:, 0])[what.shown],
            "upper_95": what.of(limits[:, 1])[what.shown],
            "p_value": est.p_values[what.shown],
        }
        return pd.DataFrame({**columns, **ends}, index=[est.names[k] for k in what.shown])

    def flagged(self, threshold: float = 0.2) -> pd.Series:
        """Rows to look at twice: |dfbetas| beyond the threshold in any parameter.

        Parameters
        ----------
        threshold : float, default 0.2
            Harrell's convention, which is not a test.

        Returns
        -------
        Series of bool, shape (n_removals,)
            True also where the refit without the row did not converge: nothing bounds it.

        References
        ----------
        Harrell (2015), Regression Modeling Strategies, section 20.9.

        Examples
        --------
        >>> import vifstats as vs
        >>> y = np.array([1.0, 3.0, 8.0])
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
        >>> vs.newton_step(vs.minimize(loss, [0.0])).flagged(3.0).tolist()
        [False, False, True]
        """
        threshold = checks.non_negative_number(threshold, "threshold")
        beyond = (self.dfbetas.abs() > threshold).any(axis=1) | self.failed
        return beyond.rename("flagged")

    @property
    def likelihood_displacement(self) -> pd.Series:
        """dfbeta' H dfbeta / dispersion, about 2 (l(theta^) - l(theta(-i))).

        References
        ----------
        Pettitt & Bin Daud (1989), Applied Statistics 38; SAS ``LD=``, Stata ``ldisplace``;
        docs/mathematics.md, equation (14).
        """
        self.estimate.require_value("Likelihood displacement")
        return self._quadratic(self.estimate.hessian / self.estimate.dispersion)

    def _quadratic(self, metric: np.ndarray) -> pd.Series:
        """dfbeta' M dfbeta of each row, for M (p, p)."""
        kept = np.where(np.isnan(self.values), 0.0, self.values)
        quadratic = np.einsum("ki,ij,kj->k", kept, metric, kept, optimize=True)
        gone = np.isnan(self.values).all(axis=1)
        values = np.where(gone, np.nan, quadratic)
        return pd.Series(values, index=self.index, name="likelihood_displacement")

    @property
    def cooks_distance(self) -> pd.Series:
        """Likelihood displacement over the number of parameters.

        Of estimating equations, which have no likelihood, dfbeta' V^-1 dfbeta over the number of
        parameters, with V the sandwich covariance: what displacement is to second order.
        """
        est = self.estimate
        if est.loss.minimised:
            values = self.likelihood_displacement
        else:
            values = self._quadratic(np.linalg.pinv(est.covariance, hermitian=True))
        values = values / len(est.theta)
        return values.rename("cooks_distance")

    @property
    def lmax(self) -> pd.Series:
        """Absolute first eigenvector of D H^-1 D': the most influential direction of weights.

        References
        ----------
        Cook (1986), J. R. Statist. Soc. B 48; SAS and Stata ``lmax``.
        """
        self.estimate.require_value("lmax")
        kept = np.where(np.isnan(self.values), 0.0, self.values)
        # D H^-1 D' = B H B' with B = dfbeta; its n-vectors come from the p x p problem.
        est = self.estimate
        L = np.linalg.cholesky(pinned(est.hessian, est.loss.gauge(est.theta)))
        scaled = kept @ L
        _, V = np.linalg.eigh(scaled.T @ scaled)
        first = np.abs(scaled @ V[:, -1])
        norm = np.linalg.norm(first)
        return pd.Series(first / norm if norm > 0 else first, index=self.index, name="lmax")

    def cov_params(self, kind: str = "naive", *, groups: Groups | None = None) -> pd.DataFrame:
        """Covariance of the parameters.

        Parameters
        ----------
        kind : {"naive", "robust", "CR3", "HC3", "jackknife", "bootstrap"}
            All but the last two are those of `Estimate.cov_params`. "jackknife" is the sum of
            dfbeta dfbeta' over this result's own rows. "bootstrap" is the covariance over all
            resamples of these rows, to first order, in which row i, drawn w_i times, moves the
            parameters by (w_i - 1) dfbeta_i: the same sum after the mean of dfbeta is subtracted,
            so it needs no draws and no seed.
        groups : array_like, optional
            One label per row of the data, for "robust" and "CR3": the clusters.

        Returns
        -------
        DataFrame, shape (n_params, n_params)

        References
        ----------
        Lin & Wei (1989), J. Am. Statist. Ass. 84; docs/mathematics.md, equation (15). Efron &
        Tibshirani (1993), An Introduction to the Bootstrap, chapter 20, for the resamples.
        """
        kinds = ["naive", "robust", "CR3", "HC3", "jackknife", "bootstrap"]
        if checks.one_of(kind, kinds, "kind") not in kinds[-2:]:
            return self.estimate.cov_params(kind, groups=groups)
        if groups is not None:
            raise InvalidInputError(
                f"`groups` are for kind='robust' or 'CR3', but `kind` is {kind!r}; leave them "
                "out, or ask a result whose rows are the groups."
            )
        moved = self.values - self.values.mean(axis=0) * (kind == "bootstrap")
        names = list(self.estimate.names)
        return pd.DataFrame(moved.T @ moved, index=names, columns=names)

    def summary_frame(self) -> pd.DataFrame:
        """One row per removal: ``dfb_<name>`` (dfbetas), cooks_d, hat_diag, exact, status.

        The names are those of statsmodels. ``hat_diag``, the leverage, is there for single rows
        of losses that have it. For least squares single rows also have standard_resid and
        student_resid (residuals over their standard error, with and without the row), dffits
        and cov_ratio.
        """
        frame = self.dfbetas.add_prefix("dfb_").assign(cooks_d=self.cooks_distance)
        inside = self.removals.sizes > 0
        for name, values in self._of_single_rows().items():
            frame[name] = np.where(inside, self.removals.sums(values), np.nan)
        return frame.assign(exact=self.exact, status=self.status)

    def _of_single_rows(self) -> dict[str, np.ndarray]:
        """What objects have by themselves, of losses that have it, by name: (n_objects,)."""
        if not self.removals.single:
            return {}
        found = row_diagnostics(self.estimate)
        if found is not None:
            return found
        leverages = self.estimate.loss.leverages(self.estimate.theta)
        return {} if leverages is None else {"hat_diag": leverages}

    def _frame(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.index, columns=list(self.estimate.names))
