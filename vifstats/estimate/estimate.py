"""An estimate: a loss at its minimum, with the Hessian and its factor computed once."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import (
    InvalidInputError,
    InvalidTypeError,
    NotPositiveDefiniteError,
)
from vifstats.estimate.at_minimum import require_loss, require_minimum
from vifstats.estimate.covariances import jackknife, sandwich
from vifstats.estimate.flat_directions import nearby_hessian, runs_away
from vifstats.estimate.summary import Summarised
from vifstats.inference import Inference
from vifstats.inference.jackknife import by_jackknife
from vifstats.inference.perfect_fits import is_perfect
from vifstats.inference.standard_errors import standard_errors_without, third_derivatives
from vifstats.inference.twins import information_loss
from vifstats.losses.base import Loss
from vifstats.losses.separation import in_words
from vifstats.removals import Removals
from vifstats.solvers import LU, Factor, HessianProduct, Solution, Solver
from vifstats.solvers.linalg import pinned
from vifstats.typing import ArrayLike1D, Groups, Objects

__all__ = ["Estimate"]


class Estimate(Summarised):
    """Parameters at the minimum of a loss.

    Parameters
    ----------
    loss : Loss
    theta : array_like, shape (n_params,)
        The minimiser of ``loss.value(theta, 1)``.
    names : sequence of str, optional
        Parameter names; default the loss's, else theta0, theta1, ...
    labels : sequence, optional
        One label per row of the user's data; default the loss's.
    dispersion : float, default 1.0
        The naive covariance is ``dispersion * H^-1``: sigma^2 for least squares, else 1.
    profile : callable, optional
        Maps raw covariates (dict, Series, DataFrame) to design rows, shape (m, n_params).
    tol : float, default 1e-2
        How far from the minimum theta may be: the Newton step in standard errors.
        ``inf`` skips the check, to study fits that did not converge.
    kept : ndarray of int, shape (n_objects,), optional
        The user's row of each object, where a model dropped some rows; default all.
    groups : array_like, shape (n_labels,), optional
        What is removed together when a call names no ``groups`` of its own.
    inference : Inference, optional
        Which covariance and distribution standard errors, tests and intervals are of; default
        the naive covariance and the normal distribution.

    Raises
    ------
    NotAtMinimumError
        If the Newton step at theta is longer than ``tol`` standard errors.
    NotPositiveDefiniteError
        If the Hessian is singular or indefinite.
    LossError
        If the loss ignores theta, or is not finite.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> est = vs.Estimate(loss, [3.0], names=["mean"])
    >>> est.hessian
    array([[3.]])
    """

    def __init__(
        self,
        loss: Loss,
        theta: ArrayLike1D,
        *,
        names: Sequence[str] | None = None,
        labels: Sequence | pd.Index | None = None,
        dispersion: float = 1.0,
        profile: Callable[[Any], np.ndarray] | None = None,
        tol: float = 1e-2,
        kept: np.ndarray | None = None,
        groups: Groups | None = None,
        inference: Inference | None = None,
    ) -> None:
        require_loss(loss)
        self.loss = loss
        self.theta = checks.parameters(theta, loss.n_params)
        self.names = checks.parameter_names(names, loss.names, theta, len(self.theta))
        self.labels = loss.labels if labels is None else checks.object_labels(labels, None)
        self.kept = checks.kept_rows(kept, self.labels, loss.n_objects)
        self.dispersion = checks.dispersion(dispersion)
        self.profile = None if profile is None else checks.function(profile, "profile")
        self.tol = checks.tolerance(tol, "tol")
        self.groups = None if groups is None else checks.group_labels(groups, self.labels)
        if inference is None:
            own = Inference(information=loss.information)
            inference = own if loss.minimised else Inference("robust", self.groups)
        checks.instance(inference, Inference, "inference", 'Inference("robust")')
        self.inference = inference.aligned(self.labels)
        loss.warn_of_times()
        if np.isfinite(self.tol):
            require_minimum(self)
        self.__dict__["is_made"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "is_made" in self.__dict__:
            raise AttributeError(
                f"An Estimate does not change, but `{name}` was to be set; make another, such as "
                "by with_inference."
            )
        super().__setattr__(name, value)

    @cached_property
    def hessian(self) -> np.ndarray:
        """H, the Hessian of the loss at theta, shape (n_params, n_params)."""
        return self.loss.hessian(self.theta)

    @cached_property
    def factor(self) -> Factor:
        """The Cholesky factor of H, held along the gauge directions of the loss."""
        H = pinned(self.hessian, self.loss.gauge(self.theta))
        try:
            factor = self.loss.solver.factor(H, self.names)
            if (at_minimum := nearby_hessian(self, H)) is not None:
                self.loss.solver.factor(at_minimum, self.names)
            return factor
        except NotPositiveDefiniteError as error:
            direction = self.loss.endless(self.theta)
            if direction is None:
                raise
            raise NotPositiveDefiniteError(
                "The minimum must be finite, but the loss falls for ever along "
                f"{in_words(direction, self.names)} (separation). Merge or drop the level or the "
                f"column, or fit with a penalty, such as Firth's (vifstats.firth). {error}"
            ) from error

    @cached_property
    def covariance(self) -> np.ndarray:
        """The naive covariance, dispersion * H^-1, shape (n_params, n_params).

        Of estimating equations the sandwich, by groups where the estimate has them.
        """
        if not self.loss.minimised:
            return sandwich(self, None)
        return self.dispersion * self.factor.inverse()

    @cached_property
    def perfect(self) -> bool:
        """Whether the fit leaves no residuals but rounding: then no row moves it."""
        return is_perfect(self)

    def require_value(self, what: str) -> None:
        """Raise InvalidInputError where there is a root and nothing that it minimises."""
        if not self.loss.minimised:
            raise InvalidInputError(
                f"{what} is of a loss that has a value, but this estimate is the root of "
                "estimating equations, which have no value; use vif, newton_step, leave_one_out, "
                "dfbetas or cooks_distance."
            )

    def differences(self, removals: Removals) -> np.ndarray:
        """D_i of the loss at theta, shape (n_removals, n_params); 0 where the fit is perfect."""
        if self.perfect:
            return np.zeros((len(removals), len(self.theta)))
        return self.loss.gradient_differences(self.theta, removals)

    @cached_property
    def separated(self) -> bool:
        """Whether the loss falls for ever with all data, as far as can be told.

        Its faces tell, where it has linear predictors; else that it does not rise a standard
        error away from theta, along the flattest direction.
        """
        nobody = Removals.nobody(self.loss.n_objects)
        return bool(self.loss.separated(self.theta, nobody)[0]) or self.runs_away is not None

    @cached_property
    def separation(self) -> str:
        """Along which combination of parameters the loss falls for ever; "" if along none."""
        if not self.separated:
            return ""
        direction = self.loss.endless(self.theta)
        direction = self.runs_away if direction is None else direction
        return "" if direction is None else in_words(direction, self.names)

    @cached_property
    def runs_away(self) -> np.ndarray | None:
        """The direction in which H is flattest, if the loss does not rise along it, (n_params,)."""
        return runs_away(self)

    @property
    def naive_errors(self) -> np.ndarray:
        """Standard errors of the naive covariance, shape (n_params,): the unit of dfbetas."""
        return np.sqrt(np.diag(self.covariance))

    @cached_property
    def standard_errors(self) -> np.ndarray:
        """Standard errors by the fit's own `inference`, shape (n_params,).

        Raises
        ------
        UnsupportedModelError
            If its covariance cannot be computed again without a row.
        """
        self.inference.require_followed()
        if self.inference.as_given:
            found = self.naive_errors
        elif by_jackknife(self.inference, self.loss):
            found = np.sqrt(self.inference.factor * np.diag(jackknife(self, self.clusters)))
        else:
            nobody = Removals.nobody(self.loss.n_objects)
            found = standard_errors_without(self, self.loss, self.theta[None], nobody, True)[0]
        if not self.inference.agrees(found) and self.separated:
            return found  # those of a fit that stopped on its way to infinity are as arbitrary
        return self.inference.confirmed(found)

    @cached_property
    def clusters(self) -> np.ndarray | None:
        """The group of each object in the covariance, 0, 1, ...; None where it has no groups."""
        if self.inference.groups is None:
            return None
        return pd.factorize(np.asarray(self.inference.groups)[self.kept])[0]

    @cached_property
    def information_slopes(self) -> np.ndarray:
        """The derivative of the information in each parameter, shape (p, p, p)."""
        return third_derivatives(self, information_loss(self.loss, self.inference))

    def with_inference(
        self,
        covariance: str | Inference = "naive",
        *,
        groups: Groups | None = None,
        distribution: str | None = None,
        df: float | None = None,
    ) -> "Estimate":
        """The same estimate, whose errors, tests and intervals are those of another covariance.

        Parameters
        ----------
        covariance : str or Inference
            "naive", "robust", "cluster", "CR3", "HC0" to "HC3"; see `Inference`, which may be
            passed whole instead.
        groups : array_like, shape (n_labels,), optional
            One label per row of the data: the clusters of "robust", "cluster" and "CR3"; default
            the estimate's own groups.
        distribution : {"normal", "t"}, optional
            Default "t" for "CR3", which is for few groups; else "normal".
        df : float, optional
            Degrees of freedom of t; default as in `Inference`.

        Returns
        -------
        Estimate

        Raises
        ------
        InvalidInputError
            If the covariance is unknown, or needs groups, or has none.

        Examples
        --------
        >>> import vifstats as vs
        >>> y = np.array([1.0, 3.0, 5.0, 7.0])
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
        >>> est = vs.minimize(loss, [0.0], names=["mean"])
        >>> est.with_inference("robust", groups=["a", "a", "b", "b"]).standard_errors.round(3)
        array([1.414])
        """
        if not isinstance(covariance, Inference):
            by_groups = checks.among(covariance, ("robust", "cluster", "CR3"))
            own = self.groups if groups is None and by_groups else groups
            student = checks.among(covariance, ("CR3",))
            if distribution is None:
                distribution = "t" if student else "normal"
            naive = checks.among(covariance, ("naive",))
            information = self.loss.information if naive else "observed"
            covariance = Inference(covariance, own, distribution, df, information=information)
        twin = copy(self)
        for name in ("standard_errors", "clusters", "information_slopes"):
            twin.__dict__.pop(name, None)
        twin.__dict__["inference"] = covariance.aligned(self.labels)
        return twin

    def cov_params(self, kind: str = "naive", *, groups: Groups | None = None) -> pd.DataFrame:
        """Covariance of the parameters.

        Parameters
        ----------
        kind : {"naive", "robust", "CR3", "HC3"}
            "naive" is dispersion * H^-1. "robust" is the infinitesimal jackknife, the sum of
            dfbeta dfbeta' of the classical influence function: Lin & Wei's sandwich for Cox,
            HC0 for least squares. "CR3" is the jackknife by groups, the sum over those of one
            Newton step each, and "HC3" that by rows: for few groups or rows.
        groups : array_like, shape (n_labels,), optional
            For "robust" and "CR3": clusters that are summed, or left out, together; default the
            estimate's own.

        Returns
        -------
        DataFrame, shape (n_params, n_params)
            Not a number where a parameter vanishes with its object.

        Raises
        ------
        InvalidInputError
            If there is no such kind, or it takes no `groups` or has none, or presence has no
            derivative, or nothing determines a parameter without a group.

        References
        ----------
        Lin & Wei (1989), J. Am. Statist. Ass. 84; Bell & McCaffrey (2002), Survey Methodology 28;
        docs/mathematics.md, equations (15) and (57).

        Examples
        --------
        >>> import vifstats as vs
        >>> y = np.array([1.0, 3.0, 5.0])
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y, names=["mean"])
        >>> vs.minimize(loss, [0.0]).cov_params("robust").round(3)
               mean
        mean  0.889
        """
        checks.one_of(kind, ["naive", "robust", "CR3", "HC3"], "kind")
        if kind in ("naive", "HC3") and groups is not None:
            raise InvalidInputError(
                f"`groups` are for kind='robust' or 'CR3', but `kind` is {kind!r}; leave them out."
            )
        if kind == "CR3" and groups is None and self.groups is None:
            raise InvalidInputError(
                "`groups` of kind='CR3' are the clusters, one label per row, but are not given; "
                "pass them, or use 'HC3'."
            )
        if kind == "naive":
            values = self.covariance
        elif kind == "robust":
            values = sandwich(self, groups)
        else:
            values = jackknife(self, None if kind == "HC3" else self.removals(groups).codes)
        return pd.DataFrame(values, index=list(self.names), columns=list(self.names))

    def solution(self, rows: np.ndarray, solver: Solver | None = None) -> Solution:
        """H^-1 applied to each row, and how: by Cholesky unless another solver is given.

        A solver that is ``matrix_free`` never forms H; that needs an estimate with ``tol=inf``,
        because the check of the minimum does.
        """
        rows = checks.parameter_rows(rows, len(self.theta))
        if solver is None:
            n_gauge = len(self.loss.gauge(self.theta))
            note = f"gauge directions left out: {n_gauge}" if n_gauge else ""
            return Solution(self.factor.solve(rows), note=note)
        if not isinstance(solver, Solver):
            raise InvalidTypeError(
                f"`solver` must be one of vifstats.solvers, such as Cholesky(), but is "
                f"{solver!r:.60}; pass one of these."
            )
        if not (self.loss.minimised or isinstance(solver, LU)):
            raise InvalidInputError(
                "The Jacobian of estimating equations is not symmetric and must be solved by LU(), "
                f"but `solver` is {solver!r}; leave it out."
            )
        H = self._products() if solver.matrix_free else self.hessian
        return solver.factor(H, self.names).solution(rows)

    def _products(self) -> HessianProduct:
        """H v without H, which is held along the gauge by the mean size of its eigenvalues."""
        times, n = partial(self.loss.hessian_product, self.theta), len(self.theta)
        gauge = self.loss.gauge(self.theta)
        if not gauge.any():
            return HessianProduct(times, n)
        somewhere = np.random.default_rng(0).normal(size=n)
        size = np.linalg.norm(times(somewhere)) / np.linalg.norm(somewhere)
        weight = size / np.einsum("gp,gp->g", gauge, gauge).max()
        return HessianProduct(lambda v: times(v) + weight * ((gauge @ v) @ gauge), n)

    def solve(self, rows: np.ndarray, solver: Solver | None = None) -> np.ndarray:
        """H^-1 applied to each row, shape (n_rows, n_params)."""
        return self.solution(rows, solver).rows

    def removals(self, groups: Groups | None = None, objects: Objects | None = None) -> Removals:
        """The rows of a result: single rows of the data, or whole groups."""
        groups = self.groups if groups is None else groups
        if groups is None:
            removals = Removals(self.kept, self.labels)
        else:
            removals = Removals.of_groups(checks.group_labels(groups, self.labels))
            removals = Removals(removals.codes[self.kept], removals.labels)
        if self.loss.empties and (removals.sizes == self.loss.n_objects).any():
            raise InvalidInputError(
                "A removal must leave something behind, but one group is everything; no estimate "
                "is left without it: pass smaller groups, or none."
            )
        return removals if objects is None else removals.take(removals.positions(objects))
