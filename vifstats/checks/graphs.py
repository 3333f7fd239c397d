"""The gate for graphs: networkx, sparse or dense, as one adjacency matrix with labels."""

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from vifstats.checks.arrays import numbers
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["undirected_graph"]


def undirected_graph(graph: Any) -> tuple[np.ndarray, pd.Index]:
    """The adjacency matrix of an undirected graph without weights, and its nodes.

    `graph` (n, n): attributes of the edges of a networkx graph are not read. Returns `adjacency`
    bool (n, n); `nodes` (n,): the graph's own nodes in its own order, or 0, 1, ... for an array.
    """
    if hasattr(graph, "nodes") and hasattr(graph, "edges"):
        return _from_networkx(graph)
    matrix = graph.toarray() if scipy.sparse.issparse(graph) else graph
    nodes = graph.index if isinstance(graph, pd.DataFrame) else None
    values = numbers(matrix, "`graph`")
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InvalidInputError(
            f"`graph` must be a networkx graph or a square adjacency matrix, but has shape "
            f"{values.shape}; pass nx.Graph(edges), or as many rows as columns."
        )
    if len(odd := np.argwhere((values != 0) & (values != 1))):
        u, v = odd[0]
        raise InvalidInputError(
            f"`graph` must be 0 or 1, because walks ignore weights, but entry ({u}, {v}) is "
            f"{values[u, v]:g}; pass (A != 0) to take every nonzero entry for an edge."
        )
    if len(odd := np.argwhere(values != values.T)):
        u, v = odd[0]
        raise InvalidInputError(
            f"`graph` must be symmetric, but ({u}, {v}) is {values[u, v]:g} and ({v}, {u}) is "
            f"{values[v, u]:g}; pass A | A.T to forget directions."
        )
    return values.astype(bool), pd.RangeIndex(len(values)) if nodes is None else nodes


def _from_networkx(graph: Any) -> tuple[np.ndarray, pd.Index]:
    for word in ("directed", "multigraph"):
        if getattr(graph, f"is_{word}", lambda: False)():
            raise InvalidTypeError(
                f"`graph` must be undirected with at most one edge between two nodes, but is a "
                f"{type(graph).__name__}; pass networkx.Graph(graph)."
            )
    nodes = list(graph.nodes)
    position = {node: k for k, node in enumerate(nodes)}
    adjacency = np.zeros((len(nodes), len(nodes)), dtype=bool)
    for u, v in graph.edges:
        adjacency[position[u], position[v]] = adjacency[position[v], position[u]] = True
    return adjacency, pd.Index(nodes, tupleize_cols=False)
