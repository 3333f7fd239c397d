"""DeepWalk: node embeddings from random walks, on a graph that is rebuilt for each removal."""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd
import scipy.special

from vifstats import autodiff, checks
from vifstats.errors import LossError
from vifstats.losses.base import Loss
from vifstats.walks import Subgraph, WalkPlan, pair_counts

__all__ = ["NodeEmbedding"]


class NodeEmbedding(Loss):
    """Negative log likelihood of the nodes seen near each node on random walks.

    Two tables P and Q of shape (n, d) give node v near node u the probability softmax_v(P_u'Q_v)
    over the nodes present; with the counts C of `vifstats.walks`, and the sums over them,

        L = sum_uv C_uv (log sum_v' exp(P_u'Q_v') - P_u'Q_v) + ridge/2 (|P|^2 + |Q|^2).

    The parameters are the rows of P, then the rows of Q. Without a node there are no walks over
    it, no pairs with it and no term for it in the softmax, and its rows of P and Q vanish with
    their penalty: it owns them. The graph is rebuilt for each removal, so presence is 0 or 1.

    Parameters
    ----------
    graph : networkx.Graph, sparse or dense array of shape (n, n)
        Undirected, without weights: an adjacency matrix of 0 and 1.
    dim : int
        The d of the tables.
    length : int
        Nodes in a walk.
    window : int
    ridge : float
        The penalty, against the counts of one walk from each node. Without it P and Q are only
        known up to P B, Q B^-T and a shift of Q; with it, up to a rotation.
    objects : {"nodes", "edges"}
        What can be removed. Labels of edges are "u-v".
    samples : int, optional
        Walks drawn from each node, for their mean in place of the exact expectation.
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
    Rotations are gauge: influence on single parameters has no meaning. Ask for that on a target,
    such as `vifstats.targets.PairLoss`. The loss is not convex: other starts may end in other
    minima.

    References
    ----------
    Perozzi, Al-Rfou & Skiena (2014), DeepWalk, KDD; Deng, Tang & Ma (2025), section 4.2.

    Examples
    --------
    >>> import vifstats as vs
    >>> path = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    >>> loss = NodeEmbedding(path, dim=1, ridge=1.0)
    >>> est = vs.minimize(loss, loss.start(seed=0))
    >>> ends = vs.vif(est).on(vs.targets.PairLoss([(0, 1)]))
    >>> ends.influence.shape
    (4, 1)
    """

    fractional = False

    def __init__(
        self,
        graph: Any,
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
        self.objects = checks.one_of(objects, ("nodes", "edges"), "objects")
        self.edges = np.argwhere(np.triu(self.adjacency))
        self.labels = self.nodes if self.objects == "nodes" else _edge_labels(self)
        self.n_objects = len(self.labels)
        ...
