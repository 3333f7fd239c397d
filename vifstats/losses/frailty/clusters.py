"""Minus the log likelihood of clusters, with its derivatives, from the rows that each has."""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.segment_sums import Bins
from vifstats.losses.frailty.integrals import Frailty
from vifstats.removals import Removals

__all__ = ["Clusters", "Layout", "Terms"]


@dataclass(frozen=True, eq=False)
class Terms:
    """Values (k,), gradients (k, n_params) and, if asked for, Hessians (k, n_params, n_params)."""

    values: np.ndarray
    gradients: np.ndarray
    hessians: np.ndarray

    def __sub__(self, other: "Terms") -> "Terms":
        return Terms(
            self.values - other.values,
            self.gradients - other.gradients,
            self.hessians - other.hessians,
        )


@dataclass(frozen=True, eq=False)
class Layout:
    """Clusters in the order of their problems, and the rows of each."""

    # int (m,): positions of rows, those of a cluster together
    rows: np.ndarray
    # int (m,): the cluster of each, 0 .. n_clusters - 1
    cluster: np.ndarray
    # int (n_clusters,): the problem of each
    problem: np.ndarray
    n_problems: int
    # (m,)
    presence: np.ndarray


class Clusters:
    """The rows of the data by cluster.

    Shapes: `columns` (n, q), those of a Weibull model's log cumulative hazard, the last log(time);
    `event` (n,); `cluster_of` int (n,).
    """

    def __init__(
        self, columns: np.ndarray, event: np.ndarray, cluster_of: np.ndarray, frailty: Frailty
    ) -> None:
        self.columns, self.event, self.frailty = columns, event, frailty
        self.cluster_of, self.n = cluster_of, int(cluster_of.max()) + 1
        self._order = np.argsort(cluster_of, kind="stable")
        self._sizes = np.bincount(cluster_of, minlength=self.n)
        self.largest = int(self._sizes.max())

    def everybody(self, presence: np.ndarray) -> Layout:
        """One problem of all rows; presence (n,)."""
        one = np.zeros(self.n, dtype=int)
        order = self._order
        return Layout(order, self.cluster_of[order], one, 1, presence[order])

    def left(self, removals: Removals) -> Layout:
        """A problem for each removal, of all rows but those that leave."""
        k, order = len(removals), self._order
        codes = np.arange(k)[:, None]
        return Layout(
            np.tile(order, k),
            (codes * self.n + self.cluster_of[order]).ravel(),
            np.repeat(np.arange(k), self.n),
            k,
            (removals.codes[order] != codes).astype(float).ravel(),
        )

    def touched(self, removals: Removals) -> Layout:
        """A problem for each removal, of the clusters that it takes rows from."""
        gone = np.flatnonzero(removals.codes >= 0)
        pairs = np.unique(removals.codes[gone] * self.n + self.cluster_of[gone])
        removal, group = np.divmod(pairs, self.n)
        sizes = self._sizes[group]
        cluster = np.repeat(np.arange(len(pairs)), sizes)
        before = np.cumsum(self._sizes) - self._sizes
        within = np.arange(len(cluster)) - (np.cumsum(sizes) - sizes)[cluster]
        rows = self._order[before[group][cluster] + within]
        left = (removals.codes[rows] != removal[cluster]).astype(float)
        return Layout(rows, cluster, removal, len(removals), left)

    def terms(self, thetas: np.ndarray, at: Layout, curved: bool) -> Terms:
        """Sums over the clusters of each problem; thetas (n_problems, n_params), or (1, n_params).

        theta holds the coefficients of the columns but the last, log(shape) and log(s^2).
        """
        Z, last = self.columns[at.rows], self.columns.shape[1] - 1
        of_cluster = at.problem if len(thetas) > 1 else np.zeros_like(at.problem)
        of_row = of_cluster[at.cluster]
        shape, log_variance = thetas[:, last][of_row], thetas[of_cluster, -1]
        linear = np.einsum("ma,ma->m", Z[:, :last], thetas[:, :last][of_row])
        timed = np.exp(shape) * Z[:, last]
        exposed = at.presence * np.exp(timed + linear)
        events = at.presence * self.event[at.rows]
        by_cluster, by_problem = Bins(at.cluster, len(at.problem)), Bins(at.problem, at.n_problems)
        by_row = Bins(at.problem[at.cluster], at.n_problems)
        D, S = by_cluster.sums(events), by_cluster.sums(exposed)
        logs = events * (shape - Z[:, last] + timed + linear)
        integrals = by_problem.sums(self.frailty.log_mean(D, S, log_variance))
        slopes = self.frailty.slopes(D, S, log_variance)
        U = np.column_stack([Z[:, :last], timed])
        pulled = slopes.S[at.cluster] * exposed
        gradients = np.empty((at.n_problems, last + 2))
        gradients[:, :-1] = -by_row.sums((events + pulled)[:, None] * U)
        gradients[:, last] -= by_row.sums(events)
        gradients[:, -1] = -by_problem.sums(slopes.v)
        values = -by_row.sums(logs) - integrals
        if not curved:
            return Terms(values, gradients, np.empty((0, 0, 0)))
        S1 = by_cluster.sums(exposed[:, None] * U)
        H = np.empty((at.n_problems, last + 2, last + 2))
        H[:, :-1, :-1] = -by_row.sums(pulled[:, None, None] * U[:, :, None] * U[:, None])
        H[:, :-1, :-1] -= by_problem.sums(slopes.SS[:, None, None] * S1[:, :, None] * S1[:, None])
        H[:, last, last] -= by_row.sums((events + pulled) * timed)
        H[:, :-1, -1] = H[:, -1, :-1] = -by_problem.sums(slopes.Sv[:, None] * S1)
        H[:, -1, -1] = -by_problem.sums(slopes.vv)
        return Terms(values, gradients, H)
