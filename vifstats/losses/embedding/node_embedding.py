"""DeepWalk: node embeddings from random walks, on a graph that is rebuilt for each removal.

The loss is docs/mathematics.md, equation (31), with the expected counts of equation (30).
"""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.embedding.random_walks import Subgraph, WalkPlan, pair_counts
from vifstats.losses.embedding.softmax_tables import SoftmaxTables, log_totals
from vifstats.typing import Differentiable, Graph

__all__ = ["NodeEmbedding"]


class NodeEmbedding(Loss):
    """Negative log likelihood of the nodes seen near each node on random walks.

    Two tables P and Q of shape (n, dim) give node v near node u the probability
    softmax_v(P_u'Q_v) over the nodes present. With C the number of times that v is seen near u
    in one walk from every node,

        L = sum_uv C_uv (log sum_v' exp(P_u'Q_v') - P_u'Q_v) + ridge/2 (|P|^2 + |Q|^2).

    Without a node there are no walks over it, no pairs with it and no term for it in the softmax,
    and its rows of P and Q vanish with their penalty: it owns them. The graph is rebuilt for each
    removal, so presence is 0 or 1.

    Parameters
    ----------
    graph : networkx.Graph, DataFrame, sparse or dense array of shape (n, n)
        Undirected, without weights: an adjacency matrix of 0 and 1.
    dim : int
        Columns of each table.
    length : int
        Nodes in a walk.
    window : int
        How far apart the two positions of a pair may be; see ``vifstats.walks``.
    ridge : float
        The penalty. Without it P and Q are only known up to P B, Q B^-T and a shift of Q; with
        it, up to a rotation of both.
    objects : {"nodes", "edges"}
        What can be removed. An edge has the label "u-v".
    samples : int, optional
        Walks drawn from each node, counted by their mean, in place of the exact expectation.
    common : bool
        Whether drawn walks share their random numbers with those of the reduced graphs, or each
        graph has walks of its own.
    seed : int
        Of the drawn walks.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the graph is directed, has weights or several edges between two nodes.

    Notes
    -----
    The parameters are the rows of P, then the rows of Q. Influence on one of them has no meaning,
    because of the rotations: ask for that on a target, such as `vifstats.targets.PairLoss`. The
    loss is not convex: from another start a fit may end in another minimum.

    References
    ----------
    Perozzi, Al-Rfou & Skiena (2014), DeepWalk, KDD; Deng, Tang & Ma (2025), section 4.2.

    Examples
    --------
    >>> import vifstats as vs
    >>> path = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    >>> loss = NodeEmbedding(path, dim=1)
    >>> est = vs.minimize(loss, loss.start())
    >>> vs.vif(est).on(vs.targets.PairLoss([(0, 1)])).influence.shape
    (4, 1)
    """

    fractional = False

    def __init__(
        self,
        graph: Graph,
        *,
        dim: int = 2,
        length: int = 6,
        window: int = 3,
        ridge: float = 1.0,
        objects: str = "nodes",
        samples: int | None = None,
        common: bool = True,
        seed: int = 0,
    ) -> None:
        self.adjacency, self.nodes = checks.undirected_graph(graph)
        self.edges = np.argwhere(np.triu(self.adjacency))
        self.objects = checks.one_of(objects, ("nodes", "edges"), "objects")
        self.dim = checks.counting_number(dim, "dim")
        self.ridge = checks.non_negative_number(ridge, "ridge")
        self.plan = WalkPlan(
            checks.counting_number(length, "length"),
            checks.counting_number(window, "window"),
            None if samples is None else checks.counting_number(samples, "samples"),
            checks.flag(common, "common"),
            checks.whole_number(seed, "seed"),
        )
        pairs = [f"{self.nodes[u]}-{self.nodes[v]}" for u, v in self.edges]
        self.labels = self.nodes if objects == "nodes" else pd.Index(pairs, dtype=object)
        self.n_objects, self.n_params = len(self.labels), 2 * len(self.nodes) * self.dim
        self.names = tuple(
            f"{table}[{node}, {k}]" for table in "PQ" for node in self.nodes for k in range(dim)
        )
        self._last: tuple[bytes, bytes, np.ndarray, SoftmaxTables] | None = None

    def start(self, seed: int = 0) -> np.ndarray:
        """A place to start a fit from, shape (n_params,): at 0 the loss has a saddle."""
        return np.random.default_rng(seed).normal(scale=0.5, size=self.n_params)

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        kept, C = self.counts(presence)
        P, Q = self.tables(theta)
        P, Q = P[kept], Q[kept]
        scores = anp.dot(P, Q.T)
        likelihood = anp.sum(C.sum(axis=1) * log_totals(scores)) - anp.sum(C * scores)
        return likelihood + 0.5 * self.ridge * (anp.sum(P**2) + anp.sum(Q**2))

    def tables(self, theta: Differentiable) -> tuple[Any, Any]:
        """P and Q, each of shape (n, dim)."""
        tables = anp.reshape(theta, (2, len(self.nodes), self.dim))
        return tables[0], tables[1]

    def present_nodes(self, presence: Differentiable) -> np.ndarray:
        """Which nodes are there, shape (n,): without an edge, still all of them."""
        b = autodiff.plain(presence)
        if len(odd := np.flatnonzero((b != 0) & (b != 1))):
            raise InvalidInputError(
                f"The graph is rebuilt for each removal, so presence must be 0 or 1, but that of "
                f"{checks.quoted(self.labels[odd[0]])} is {b[odd[0]]:g}; use vif, not classical_if."
            )
        return b > 0 if self.objects == "nodes" else np.ones(len(self.nodes), dtype=bool)

    def counts(self, presence: Differentiable) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the present nodes (m,), and how often each pair is seen (m, m)."""
        nodes = self.present_nodes(presence)
        edges = self.adjacency & np.outer(nodes, nodes)
        if self.objects == "edges":
            u, v = self.edges[autodiff.plain(presence) == 0].T
            edges[u, v] = edges[v, u] = False
        kept = np.flatnonzero(nodes)
        counts = pair_counts(Subgraph(self.adjacency, nodes, edges), self.plan)
        return kept, counts[np.ix_(kept, kept)]

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        at, tables = self._at(theta, presence)
        out = np.zeros(len(theta))
        out[at] = tables.gradient().ravel() + self.ridge * theta[at]
        return out

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        at, tables = self._at(theta, presence)
        H = tables.hessian().reshape(len(at), len(at))
        H[np.diag_indices(len(at))] += self.ridge
        if len(at) == len(theta):
            return H
        out = np.zeros((len(theta), len(theta)))
        out[np.ix_(at, at)] = H
        return out

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        at, tables = self._at(theta, presence)
        dP, dQ = vector[at].reshape(2, *tables.P.shape)
        out = np.zeros(len(theta))
        out[at] = tables.product(dP, dQ).ravel() + self.ridge * vector[at]
        return out

    def owned(self, i: int) -> np.ndarray:
        if self.objects == "edges":
            return np.empty(0, dtype=int)
        return self._positions(np.array([i]))

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        P, Q = self.tables(theta)
        turns = [(P @ B, -Q @ B.T) for B in self._generators()]
        if self.ridge == 0:
            turns += [(0 * P, 0 * Q + unit) for unit in np.eye(self.dim)]
        return np.reshape(turns, (len(turns), len(theta)))

    def _generators(self) -> list[np.ndarray]:
        """B with P -> P + eps P B, Q -> Q - eps Q B': rotations, or anything without a ridge."""
        d = self.dim
        units = [(a, b) for a in range(d) for b in range(d)]
        E = {(a, b): np.outer(np.eye(d)[a], np.eye(d)[b]) for a, b in units}
        if self.ridge == 0:
            return list(E.values())
        return [E[a, b] - E[b, a] for a, b in units if a < b]

    def _at(
        self, theta: np.ndarray, presence: np.ndarray | None
    ) -> tuple[np.ndarray, SoftmaxTables]:
        """Positions of the parameters of the present nodes, and their tables; the last are kept.

        Conjugate gradients ask for hundreds of products at one place.
        """
        b = self.everyone(presence)
        key, last = (theta.tobytes(), b.tobytes()), self._last
        if last is None or last[:2] != key:
            kept, C = self.counts(b)
            P, Q = self.tables(theta)
            last = *key, self._positions(kept), SoftmaxTables(C, P[kept], Q[kept])
            self._last = last  # read and written once each: threads may be at other places
        return last[2:]

    def _positions(self, nodes: np.ndarray) -> np.ndarray:
        """Positions of the parameters of these nodes, in order."""
        shape = (2, len(self.nodes), self.dim)
        return np.arange(self.n_params or 0).reshape(shape)[:, nodes].ravel()
