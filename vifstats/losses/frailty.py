"""Shared frailty: rows of a cluster have a risk in common, which is integrated out."""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.segment_sums import Bins
from vifstats.losses.regression.special import gammaln
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, TableLike

__all__ = ["SharedFrailty"]

DISTRIBUTIONS = ("gamma", "lognormal")
# Nodes and weights of Gauss-Hermite quadrature for log-normal frailties, at the mode of each.
NODES, WEIGHTS = np.polynomial.hermite.hermgauss(40)
# Beyond so many times 1 + D^2, q is that of a variance of next to nothing.
MANY = 100.0
# Of log s^2: a variance of a millionth is one of 0, towards which the loss falls for ever.
LOWEST = np.log(1e-6)
# Newton steps to that mode; it is that of a concave function, and near from where they start.
STEPS = 50


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
        self.distribution = checks.one_of(distribution, DISTRIBUTIONS, "distribution")
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
        everybody = np.arange(self.n_objects)
        n_groups = len(self.group_labels)
        return anp.sum(self._clusters(theta, presence, everybody, self.group_of_row, n_groups))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each() if removals is None else removals
        return autodiff.row_jacobian(self._changes(removals), theta)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        changes = self._changes(removals)

        def slope(unit: np.ndarray) -> Any:
            return lambda t: autodiff.directional(changes, t, unit)

        columns = [autodiff.row_jacobian(slope(unit), theta) for unit in np.eye(len(theta))]
        return self.hessian(theta) - np.stack(columns, axis=2)

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        return np.full(len(removals), theta[-1] < LOWEST)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return -np.eye(len(theta))[-1] if theta[-1] < LOWEST else None

    def _changes(self, removals: Removals) -> Any:
        """theta -> L(theta, 1) - L(theta, 1_-i) of each removal, from the clusters it touches."""
        n_groups = len(self.group_labels)
        gone = np.flatnonzero(removals.codes >= 0)
        touched = np.unique(removals.codes[gone] * n_groups + self.group_of_row[gone])
        removal, group = np.divmod(touched, n_groups)
        order = np.argsort(self.group_of_row, kind="stable")
        sizes = np.bincount(self.group_of_row, minlength=n_groups)
        first = np.cumsum(sizes) - sizes
        cluster = np.repeat(np.arange(len(touched)), sizes[group])
        start = np.cumsum(sizes[group]) - sizes[group]
        rows = order[first[group][cluster] + np.arange(len(cluster)) - start[cluster]]
        left = (removals.codes[rows] != removal[cluster]).astype(float)
        by_removal = Bins(removal, len(removals))
        total = autodiff.LinearMap(by_removal.sums, lambda g: g[removal])

        def changes(theta: Any) -> Any:
            whole = self._clusters(theta, np.ones(len(rows)), rows, cluster, len(touched))
            return total(whole - self._clusters(theta, left, rows, cluster, len(touched)))

        return changes

    def _clusters(
        self, theta: Any, presence: Any, rows: np.ndarray, cluster: np.ndarray, n: int
    ) -> Any:
        """Minus the log likelihood of n clusters, of which each of these rows is in one: (n,)."""
        data, p = self.data, self.data.X.shape[1]
        by_cluster = Bins(cluster, n)
        sums = autodiff.LinearMap(by_cluster.sums, lambda g: g[cluster])
        log_time, event = np.log(data.time[rows]), data.event[rows].astype(float)
        eta = anp.dot(data.X[rows], theta[:p]) + theta[p]
        log_cumulative = anp.exp(theta[p + 1]) * log_time + eta
        events = sums(presence * event)
        exposed = sums(presence * anp.exp(log_cumulative))
        logs = sums(presence * event * (theta[p + 1] - log_time + log_cumulative))
        integral = _gamma if self.distribution == "gamma" else _lognormal
        return -logs - integral(events, exposed, theta[p + 2])


def _gamma(events: Any, exposed: Any, log_variance: Any) -> Any:
    """log E[u^D exp(-u S)] for u of a gamma distribution with mean 1: shape of D and S."""
    q = anp.exp(-log_variance) * anp.ones(len(events))
    return _rising(events, q) - (q + events) * anp.log1p(exposed / q)


def _rising(D: Any, q: Any) -> Any:
    """log of Gamma(q + D) / (Gamma(q) q^D), which is 0 as the variance 1/q falls to 0.

    There the difference of two logarithms is rounding; a series in 1/q has all its digits.
    """
    wide = autodiff.plain(q) > MANY * (1 + autodiff.plain(D) ** 2)
    near = anp.where(wide, 1.0, q)
    exact = gammaln(near + D) - gammaln(near) - D * anp.log(near)
    v = anp.where(wide, 1 / q, 0.0)
    series = D * (D - 1) * v / 2 - D * (D - 1) * (2 * D - 1) * v**2 / 12
    return anp.where(wide, series + (D * (D - 1)) ** 2 * v**3 / 12, exact)


def _lognormal(events: Any, exposed: Any, log_variance: Any) -> Any:
    """The same for log u normal, by quadrature at the mode of each integrand.

    Where the nodes are does not change the integral, so they are constants of its derivatives.
    """
    variance = anp.exp(log_variance)
    D, S, v = (autodiff.plain(x) for x in (events, exposed, variance))
    mode = np.log((1 + D * v) / (1 + S * v))
    for _ in range(STEPS):
        step = (D - S * np.exp(mode) - mode / v) / (S * np.exp(mode) + 1 / v)
        mode = mode + np.clip(step, -1.0, 1.0)
    width = np.sqrt(2 / (S * np.exp(mode) + 1 / v))
    s = mode[:, None] + width[:, None] * NODES
    logs = events[:, None] * s - exposed[:, None] * np.exp(s) - 0.5 * s**2 / variance
    logs = logs + NODES**2 + np.log(WEIGHTS)
    shift = autodiff.plain(logs).max(axis=1)
    total = anp.log(anp.sum(anp.exp(logs - shift[:, None]), axis=1)) + shift
    return total + np.log(width) - 0.5 * (np.log(2 * np.pi) + log_variance)
