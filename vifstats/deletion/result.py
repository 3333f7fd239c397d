"""Who moves which parameter, by how much."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.on_target import SHOWN, TargetInfluence, extremes
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.inference.least_squares import (
    deletion_variances,
    is_least_squares,
    row_diagnostics,
)
from vifstats.losses.wording import Wording
from vifstats.removals import Removals
from vifstats.solvers.linalg import pinned
from vifstats.solvers.quasi_newton import is_large
from vifstats.tabular import Tabular
from vifstats.targets.base import Target, as_target, value_of
from vifstats.typing import Axes, Groups

__all__ = ["METHODS", "Influence"]

# So many names are listed, more are counted.
FEW = 20
# Beyond this many numbers the largest rows are not looked up to show a result.
MOST_SHOWN = 5_000_000

METHODS = {
    "vif": "Versatile Influence Function (not the variance inflation factor)",
    "if": "classical influence function",
    "newton": "one Newton step on the reduced data",
    "refit": "exact refits",
    "truncated": "refits cut short after a few trust-region steps",
}


def _of_no_row() -> np.ndarray:
    """A flag that is true of no row, whatever the number of rows."""
    return np.zeros((), dtype=bool)


@dataclass(frozen=True, eq=False, repr=False)
class Influence(Tabular):
    """The change of every parameter when an object, or a group of them, is removed.

    Attributes
    ----------
    estimate : Estimate
    method : {"vif", "if", "newton", "refit", "truncated"}
    values : ndarray, shape (n_removals, n_params)
        theta^ - theta(-i), in units of the parameters.
    removals : Removals
        Which objects each row takes.
    exact : ndarray of bool, shape (n_removals,)
        True where the row was refitted.
    failed : ndarray of bool, shape (n_removals,)
        True where a refit did not converge; the row is nan.
    indefinite : ndarray of bool, shape (n_removals,)
        True where a Newton step met a Hessian that is not positive definite; the row is nan,
        unless it was guarded.
    guarded : ndarray of bool, shape (n_removals,)
        True where such a step went by the absolute eigenvalues instead.
    outside : ndarray of bool, shape (n_removals,)
        True where a Newton step left the domain of the loss, such as to a negative dispersion.
    seconds : float
        Wall time of the computation.
    note : str
        What there is to say of the solve: directions left out, residuals.
    advice : str
        What exact refits would take, where they were too many for the time given.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y, names=["mean"])
    >>> influence = vs.newton_step(vs.minimize(loss, [0.0]))
    >>> influence.params_without["mean"].to_list()  # the mean of the others
    [5.5, 4.5, 2.0]
    """

    estimate: Estimate
    method: str
    values: np.ndarray
    removals: Removals
    exact: np.ndarray = field(default_factory=_of_no_row)
    failed: np.ndarray = field(default_factory=_of_no_row)
    indefinite: np.ndarray = field(default_factory=_of_no_row)
    guarded: np.ndarray = field(default_factory=_of_no_row)
    outside: np.ndarray = field(default_factory=_of_no_row)
    seconds: float = float("nan")
    note: str = ""
    advice: str = ""

    def __post_init__(self) -> None:
        for name in self._flags():
            flags = np.broadcast_to(getattr(self, name), (len(self.removals),))
            object.__setattr__(self, name, flags)
        values = self.estimate.loss.with_owned(self.values, self.removals, np.nan)
        object.__setattr__(self, "values", values)

    @classmethod
    def _flags(cls) -> list[str]:
        """The fields that say something of each row; a new one is carried along by itself."""
        return [each.name for each in fields(cls) if each.default_factory is _of_no_row]

    @property
    def index(self) -> pd.Index:
        """The user's label of each row, in the user's order."""
        return self.removals.labels

    @property
    def wording(self) -> Wording:
        """What the absence of an object is called."""
        return self.estimate.loss.wording

    @property
    def groups(self) -> np.ndarray | None:
        """The row of this result that takes each object; None where rows are single objects."""
        return None if self.removals.single else self.removals.codes

    @cached_property
    def dfbeta(self) -> pd.DataFrame:
        """theta^ - theta(-i), one row per removal and one column per parameter."""
        return self._frame(self.values)

    @property
    def params(self) -> pd.Series:
        """The parameters of the full fit."""
        return self.estimate.params

    @property
    def params_without(self) -> pd.DataFrame:
        """theta(-i): the parameters without each row."""
        return self._frame(self.estimate.theta - self.values)

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

    @cached_property
    def status(self) -> pd.Series:
        """What to know of each row.

        "ok", "no influence" (exactly 0), "owned" (some parameters vanish with the object: nan),
        "separation" (the estimate diverges without the row), "did not converge" (nan), "indefinite"
        (of a Newton step: the loss without the row has no minimum near; nan, or guarded),
        "outside domain" (of a Newton step: it ends where the loss is not defined; refit),
        "variance at 0 without it" (of a mixed model), "undefined" (the loss is, without the row,
        as Firth's penalty is where the information is singular: nan) or "not in fit" (the model
        had dropped the row).
        """
        status = np.full(len(self.removals), "ok", dtype=object)
        status[np.isnan(self.values).any(axis=1)] = "owned"
        status[(self.values == 0).all(axis=1)] = "no influence"
        # of a result put together from several methods, each row has what happened to it
        status[~self.exact & np.isnan(self.values).all(axis=1) | self.failed] = "did not converge"
        status[(self.indefinite | self.guarded) & ~self.exact & ~self.failed] = "indefinite"
        status[self.outside & ~self.exact & ~self.failed] = "outside domain"
        loss, theta = self.estimate.loss, self.estimate.theta
        status[loss.at_boundary(theta - self.values, theta)] = loss.boundary
        separated = self.estimate.loss.separated(self.estimate.theta, self.removals)
        status[separated | (self.estimate.runs_away is not None)] = "separation"
        status[self.estimate.loss.undefined(self.estimate.theta, self.removals)] = "undefined"
        status[self.removals.sizes == 0] = "not in fit"
        return pd.Series(status, index=self.index, name="status")

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

    def top(self, n: int = 10, by: str = "cooks_distance") -> pd.DataFrame:
        """The n most influential rows, the largest first.

        Parameters
        ----------
        n : int
        by : str
            "cooks_distance" or a parameter name; by the absolute value.
        """
        n = checks.whole_number(n, "n")
        size = self._column(by).abs()
        order = np.argsort(-np.nan_to_num(size.to_numpy(), nan=-1.0), kind="stable")[:n]
        frame = self._dfbeta_beside(cooks_distance=self.cooks_distance, status=self.status)
        return frame.iloc[order]

    def on(self, target: "Target | Callable", linear: bool = False) -> TargetInfluence:
        """The influence of every row on a target.

        Parameters
        ----------
        target : Target or callable
            ``value(theta, b, loss)``; a callable is taken to be that function.
        linear : bool
            False: plug in, f(theta^, 1) - f(theta(-i), 1_-i). True: the derivative of the target
            times dfbeta, plus the direct term f(theta^, 1) - f(theta^, 1_-i) (Eq. 5 has the
            first part only; they agree where the target does not read the data).

        References
        ----------
        docs/mathematics.md, equations (12) and (13).
        """
        bound, linear = as_target(target).bind(self.estimate), checks.flag(linear, "linear")
        loss, theta = self.estimate.loss, self.estimate.theta
        value = value_of(bound, theta, loss.everyone(), loss)
        if not len(self.removals):
            influence = np.empty((0, len(value)))
        elif linear:
            influence = bound.linear_influence(loss, theta, self.values, self.removals)
        else:
            without = bound.values_without(loss, theta - self.values, self.removals)
            if without.shape[1] != len(value):
                raise InvalidInputError(
                    "A target must have as many values with all rows as without one, but has "
                    f"{len(value)} and {without.shape[1]}; return nan for those that are missing."
                )
            influence = value - without
        return TargetInfluence(self, bound, value, influence)

    def on_each(
        self, targets: "Iterable[Target | Callable]", linear: bool = False
    ) -> Iterator[TargetInfluence]:
        """The influence of every row on one target after another: no more is in memory at a time.

        Parameters
        ----------
        targets : iterable of Target or callable
            Such as blocks of a hundred profiles each.
        linear : bool
            As in `on`.

        Yields
        ------
        TargetInfluence

        Examples
        --------
        The row that moves each of four relative risks most, two of them at a time:

        >>> import vifstats as vs
        >>> loss = vs.losses.Cox([[0.0], [1.0], [0.5], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
        >>> blocks = [vs.targets.RelativeRisk(x) for x in ([[1.0], [2.0]], [[-1.0], [0.5]])]
        >>> changes = vs.vif(vs.minimize(loss, [0.0])).on_each(blocks)
        >>> pd.concat(change.largest(1) for change in changes).row.to_list()
        [1, 1, 0, 1]
        """
        linear = checks.flag(linear, "linear")
        if not isinstance(targets, Iterable) or isinstance(targets, str | bytes):
            raise InvalidTypeError(
                f"`targets` must be several, but is {targets!r:.60}; pass a list, or use `on`."
            )
        return (self.on(target, linear) for target in targets)

    def take(self, rows: np.ndarray) -> "Influence":
        """The same result with some of its rows.

        Parameters
        ----------
        rows : ndarray of int
            Positions here, in the order wanted.

        Returns
        -------
        Influence

        Examples
        --------
        >>> import vifstats as vs
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
        >>> vs.vif(vs.minimize(loss, [0.0])).take(np.array([2, 0])).index.to_list()
        [2, 0]
        """
        rows = checks.row_positions(rows, len(self.removals))
        taken = {name: getattr(self, name)[rows] for name in ("values", *self._flags())}
        return replace(self, removals=self.removals.take(rows), **taken)

    def with_rows(self, rows: np.ndarray, other: "Influence") -> "Influence":
        """The same result with some rows taken from another, usually refits of those rows.

        Parameters
        ----------
        rows : ndarray of int or bool
            Positions here of the rows of ``other``, in its order.
        other : Influence
            Its values and all it says of each row are taken.

        Returns
        -------
        Influence
            Of the method of this one.

        Examples
        --------
        >>> import vifstats as vs
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
        >>> est = vs.minimize(loss, [0.0])
        >>> vs.vif(est).with_rows(np.array([2]), vs.leave_one_out(est, objects=[2])).exact
        array([False, False,  True])
        """
        checks.instance(other, Influence, "other", "vs.leave_one_out(est)")
        rows = checks.row_positions(rows, len(self.removals))
        if len(rows) != len(other.removals):
            raise InvalidInputError(
                f"`other` must have a row for each of `rows`, {len(rows)}, but has "
                f"{len(other.removals)}; name its rows in its order."
            )
        taken = {}
        for name in ("values", *self._flags()):
            taken[name] = getattr(self, name).copy()
            taken[name][rows] = getattr(other, name)
        return replace(self, **taken, seconds=self.seconds + other.seconds)

    def plot_index(self, name: str | None = None, *, ax: Axes | None = None, **options: Any) -> Any:
        """Influence against row; see `vifstats.plots.index_plot`."""
        from vifstats import plots  # a named exception of the import order

        return plots.index_plot(self, name, ax=ax, **options)

    def plot_influence(self, *, ax: Axes | None = None, **options: Any) -> Any:
        """Residual against leverage; see `vifstats.plots.influence_plot`."""
        from vifstats import plots  # a named exception of the import order

        return plots.influence_plot(self, ax=ax, **options)

    @property
    def table(self) -> pd.DataFrame:
        """dfbeta with cooks_distance, exact and status, as which no parameter may be called."""
        return self._dfbeta_beside(
            cooks_distance=self.cooks_distance, exact=self.exact, status=self.status
        )

    def _heading(self) -> list[str]:
        n_exact, n_failed = int(self.exact.sum()), int(self.failed.sum())
        names = self.estimate.names
        listed = list(names) if len(names) <= FEW else f"{len(names)} parameters"
        some = f"; {n_exact} rows exact" if 0 < n_exact < len(self.removals) else ""
        words = self.estimate.loss.wording
        pulls = " (positive: the row pulls it up)" if words.past == "removed" else ""
        return [
            f"Influence of {len(self.removals)} {words.many} on {listed}",
            f"  method: {self.method}, {METHODS[self.method]}{some}",
            f"  sign:   full data minus {words.one}{pulls}",
            *([f"  solve:  {self.note}"] if self.note else []),
            *([f"  exact:  {self.advice}"] if self.advice else []),
            *([f"  failed: {n_failed} refits, nan; see status"] if n_failed else []),
            *self._saddles(),
            *(["  the largest by Cook's distance:"] if self._is_shown else []),
        ]

    def _saddles(self) -> list[str]:
        """What to do about rows without which the loss is not convex at theta."""
        n = int(((self.indefinite | self.guarded) & ~self.exact).sum())
        if not n:
            return []
        return [
            f"  indefinite: {n} of {len(self.removals)} reduced Hessians, so that a Newton step "
            "leads to no minimum; use truncated_refits or leave_one_out"
        ]

    @property
    def _is_shown(self) -> bool:
        """Whether the largest rows are found fast enough to show them."""
        few = not is_large(self.values.shape[1]) and 0 < self.values.size <= MOST_SHOWN
        # H is not formed for it: solvers without H are for models where it is too large
        return few and "hessian" in vars(self.estimate)

    def _shown(self) -> pd.DataFrame:
        if not self._is_shown:
            return pd.DataFrame()
        distance = self.cooks_distance
        rows = np.argsort(-np.nan_to_num(distance.to_numpy(), nan=-1.0), kind="stable")[:SHOWN]
        shown = self._frame(self.values).iloc[rows]
        if "cooks_distance" in shown:
            return shown
        return shown.assign(cooks_distance=distance.to_numpy()[rows])

    def _for_paper(self) -> pd.DataFrame:
        return self.ranges

    def _frame(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.index, columns=list(self.estimate.names))

    def _dfbeta_beside(self, **columns: Any) -> pd.DataFrame:
        """dfbeta with more columns, none in the place of a parameter's."""
        if taken := [name for name in columns if name in self.estimate.names]:
            raise InvalidInputError(
                f"Parameters must not be called as the columns beside them, but {taken} are; "
                "rename them where they come from, or use `dfbeta`."
            )
        return self.dfbeta.assign(**columns)

    def _column(self, name: str) -> pd.Series:
        allowed = ("cooks_distance", *self.estimate.names)
        if checks.one_of(name, allowed, "by") == "cooks_distance":
            return self.cooks_distance
        return self.dfbeta[name]
