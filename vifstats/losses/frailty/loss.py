"""Minus the marginal log likelihood of a Weibull model with shared frailties."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.segment_sums import Bins
from vifstats.losses.frailty.clusters import Clusters, Terms
from vifstats.losses.frailty.integrals import GAMMA, LOGNORMAL
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, TableLike

__all__ = ["SharedFrailty"]

DISTRIBUTIONS = {"gamma": GAMMA, "lognormal": LOGNORMAL}
# Of log s^2: a variance of a millionth is one of 0, towards which the loss falls for ever.
LOWEST = np.log(1e-6)
# Removals are taken together in blocks of about this many numbers (16 MB).
BLOCK_NUMBERS = 2_000_000


class SharedFrailty(Loss):
    """Minus the marginal log likelihood of a Weibull model whose clusters share a frailty.

    Row i of cluster g has the hazard u_g k t^(k-1) exp(x_i'beta + intercept), with u_g of mean 1
    and variance s^2 (gamma), or log u_g normal with mean 0 and variance s^2 (log-normal). The
    frailties are integrated out by cluster, so the loss is a sum over clusters and none over rows:
    without a row the frailty of its cluster is another.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Without an intercept.
    T : array_like, shape (n,)
        Times > 0 of event or censoring; or a structured array of (event, time).
    E : array_like, shape (n,), optional
        1 event, 0 censored; None: all events.
    groups : array_like, shape (n,)
        The cluster of each row.
    distribution : {"gamma", "lognormal"}

    Raises
    ------
    InvalidInputError
        If the data break a rule of ``vifstats.checks.survival``, a time is 0, or each row is a
        cluster of its own.

    Notes
    -----
    Parameters are the coefficients, then ``intercept``, ``log_shape`` (log k) and ``log_variance``
    (log s^2). A variance at its boundary 0 is a log variance of minus infinity: then the estimate
    is `separated` along -log_variance, and the status of its rows is "separation"; a refit that
    ends there did not converge.

    References
    ----------
    Hougaard (2000), Analysis of Multivariate Survival Data, section 7.3; Liu & Pierce (1994),
    Biometrika 81, p. 624, for the quadrature; docs/mathematics.md, equation (61).

    Examples
    --------
    >>> import vifstats as vs
    >>> T, ids = [1.0, 2.0, 4.0, 9.0, 1.5, 2.5, 8.0, 7.0], [1, 1, 2, 2, 3, 3, 4, 4]
    >>> loss = SharedFrailty([[0.0], [1.0]] * 4, T, groups=ids)
    >>> vs.minimize(loss, np.zeros(4)).params.round(2).to_dict()
    {'x0': -2.56, 'intercept': -1.93, 'log_shape': 1.61, 'log_variance': 1.54}
    """

    n_params: int

    def __init__(
        self,
        X: TableLike,
        T: ArrayLike1D,
        E: ArrayLike1D | None = None,
        *,
        groups: ArrayLike1D,
        distribution: str = "gamma",
    ) -> None:
        data = checks.survival(X, T, E)
        if len(zero := np.flatnonzero(data.time == 0)):
            raise InvalidInputError(
                "Times of a Weibull model must be positive, but "
                f"{checks.at(zero, data.labels)} is at 0; drop it, or move it to a later time."
            )
        self.data = data
        self.distribution = checks.one_of(distribution, tuple(DISTRIBUTIONS), "distribution")
        labels = checks.group_labels(groups, data.labels)
        self.group_of_row, self.group_labels = pd.factorize(pd.Series(np.asarray(labels)))
        if len(self.group_labels) == len(self.group_of_row):
            raise InvalidInputError(
                "`groups` must name clusters of several rows, but each row is one of its own; "
                "pass the column that names the cluster."
            )
        self.n_objects, p = data.X.shape
        self.n_params, self.labels = p + 3, data.labels
        self.names = (*data.names, "intercept", "log_shape", "log_variance")

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        data, p, n = self.data, self.data.X.shape[1], len(self.group_labels)
        by_cluster = Bins(self.group_of_row, n)
        sums = autodiff.LinearMap(by_cluster.sums, lambda g: g[self.group_of_row])
        log_time, event = np.log(data.time), data.event.astype(float)
        log_cumulative = anp.exp(theta[p + 1]) * log_time + anp.dot(data.X, theta[:p]) + theta[p]
        events, exposed = sums(presence * event), sums(presence * anp.exp(log_cumulative))
        logs = anp.sum(presence * event * (theta[p + 1] - log_time + log_cumulative))
        integral = DISTRIBUTIONS[self.distribution].log_mean
        return -logs - anp.sum(integral(events, exposed, theta[p + 2]))

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._of_all(theta, presence, curved=False).gradients[0]

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._of_all(theta, presence, curved=True).hessians[0]

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        return self._changes(theta, self.each(removals), curved=False).gradients

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.hessian(theta) - self._changes(theta, self.each(removals), curved=True).hessians

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        found = self._reduced(thetas, removals, curved=False)
        return found.values, found.gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return self._reduced(thetas, removals, curved=True).hessians

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        return super().separated(theta, removals) | (theta[-1] < LOWEST)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return -np.eye(len(theta))[-1] if theta[-1] < LOWEST else None

    @cached_property
    def _clusters(self) -> Clusters:
        data = self.data
        columns = np.column_stack([data.X, np.ones(self.n_objects), np.log(data.time)])
        frailty = DISTRIBUTIONS[self.distribution]
        return Clusters(columns, data.event.astype(float), self.group_of_row, frailty)

    def _of_all(self, theta: np.ndarray, presence: np.ndarray | None, curved: bool) -> Terms:
        b = self.everyone(presence)
        return self._clusters.terms(theta[None], self._clusters.everybody(b), curved)

    def _changes(self, theta: np.ndarray, removals: Removals, curved: bool) -> Terms:
        """What each removal takes off, from the clusters that it touches."""
        clusters, everyone = self._clusters, theta[None]

        def change(part: slice, some: Removals) -> Terms:
            left = clusters.touched(some)
            whole = replace(left, presence=np.ones(len(left.rows)))
            return clusters.terms(everyone, whole, curved) - clusters.terms(everyone, left, curved)

        most = clusters.largest * removals.sizes.max(initial=1)
        return self._in_blocks(change, removals, min(self.n_objects, int(most)))

    def _reduced(self, thetas: np.ndarray, removals: Removals, curved: bool) -> Terms:
        """The terms after each removal, each at its own theta."""
        if len(thetas) and (thetas == thetas[0]).all():
            changes = self._changes(thetas[0], removals, curved)
            return self._of_all(thetas[0], None, curved) - changes

        def left(part: slice, some: Removals) -> Terms:
            return self._clusters.terms(thetas[part], self._clusters.left(some), curved)

        return self._in_blocks(left, removals, self.n_objects)

    def _in_blocks(
        self, terms: Callable[[slice, Removals], Terms], removals: Removals, n_rows: int
    ) -> Terms:
        """Terms of all removals, each of which reads so many rows."""
        size = max(1, BLOCK_NUMBERS // (n_rows * self.n_params**2))
        parts = [terms(part, some) for part, some in removals.blocks(size)]
        if not parts:
            p = self.n_params
            return Terms(np.zeros(0), np.zeros((0, p)), np.zeros((0, p, p)))
        names = ("values", "gradients", "hessians")
        return Terms(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
