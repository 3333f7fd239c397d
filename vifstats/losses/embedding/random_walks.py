"""Random walks on what is present of a graph: how often node v is seen near node u.

A walk of ``length`` nodes starts at every present node and steps to a present neighbour, each as
likely as the other; where there is none it stays. The pair (u, v) is seen once for each two
positions j, k of a walk with u at j, v at k and j - window <= k < j + window: k = j is included
and counts are not symmetric, as in the published code of DeepWalk and of VIF. Expected counts are
those of docs/mathematics.md, equation (30).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse

__all__ = ["Subgraph", "WalkPlan", "pair_counts", "sampled_walks"]

# Every step of a fit asks for the same counts: those of the last subgraphs are kept, of many while
# they have but a few hundred nodes.
SMALL, KEPT_SMALL, KEPT_LARGE = 300, 256, 2


@dataclass(frozen=True)
class WalkPlan:
    """How walks are taken."""

    # Nodes in a walk
    length: int
    window: int
    # Walks drawn from each node, counted by their mean; None for the exact expectation
    samples: int | None = None
    # Whether drawn walks share their random numbers between subgraphs: a walk that does not meet
    # what is absent is then the same on both. Otherwise each subgraph has its own
    common: bool = True
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Subgraph:
    """What is present of a graph of n nodes."""

    # bool (n, n): of the whole graph, symmetric
    adjacency: np.ndarray
    # bool (n,): the nodes that are present
    nodes: np.ndarray
    # bool (n, n): the edges that are present, symmetric: some of ``adjacency``, between such nodes
    edges: np.ndarray


def pair_counts(graph: Subgraph, plan: WalkPlan) -> np.ndarray:
    """How often each pair is seen in one walk from every present node, shape (n, n).

    Examples
    --------
    Two nodes with an edge: walks 0, 1 and 1, 0, and pairs with k = j or k = j - 1:

    >>> edge = np.array([[False, True], [True, False]])
    >>> pair_counts(Subgraph(edge, np.ones(2, dtype=bool), edge), WalkPlan(length=2, window=1))
    array([[2., 1.],
           [1., 2.]])
    """
    n = len(graph.nodes)
    packed = [np.packbits(part).tobytes() for part in (graph.adjacency, graph.nodes, graph.edges)]
    return (_small_counts if n <= SMALL else _large_counts)(n, plan, *packed)


def _counts_of_bits(
    n: int, plan: WalkPlan, adjacency: bytes, nodes: bytes, edges: bytes
) -> np.ndarray:
    def unpacked(packed: bytes, *shape: int) -> np.ndarray:
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=int(np.prod(shape)))
        return bits.reshape(shape).astype(bool)

    graph = Subgraph(unpacked(adjacency, n, n), unpacked(nodes, n), unpacked(edges, n, n))
    counts = _expected(graph, plan) if plan.samples is None else _sampled(graph, plan)
    counts.setflags(write=False)
    return counts


_small_counts = lru_cache(maxsize=KEPT_SMALL)(_counts_of_bits)
_large_counts = lru_cache(maxsize=KEPT_LARGE)(_counts_of_bits)


def _expected(graph: Subgraph, plan: WalkPlan) -> np.ndarray:
    """The exact expectation, from powers of the transition matrix A.

    With s = 1 on the present nodes, u at position j and v at position j + g are expected
    (s'A^j)_u (A^g)_uv times; the sum over j is the factor M_g, and pairs with k < j are its
    transpose.
    """
    kept = np.flatnonzero(graph.nodes)
    A = _transition(graph.edges[np.ix_(kept, kept)])
    visits = [np.ones(len(kept))]
    for _ in range(plan.length - 1):
        visits.append(A.T @ visits[-1])
    counts = np.zeros((len(kept), len(kept)))
    power = np.eye(len(kept))
    for gap in range(min(plan.window, plan.length - 1) + 1):
        M = np.sum(visits[: plan.length - gap], axis=0)[:, None] * power
        if gap < plan.window:
            counts += M
        if gap > 0:
            counts += M.T
        power = A @ power
    out = np.zeros((len(graph.nodes), len(graph.nodes)))
    out[np.ix_(kept, kept)] = counts
    return out


def _transition(edges: np.ndarray) -> scipy.sparse.csr_array:
    """Rows that sum to 1: to each neighbour alike, and to itself where there is none."""
    steps = edges | np.diag(~edges.any(axis=1))
    return scipy.sparse.csr_array(steps / steps.sum(axis=1, keepdims=True))


def _sampled(graph: Subgraph, plan: WalkPlan) -> np.ndarray:
    """The mean over drawn walks."""
    walks, n = sampled_walks(graph, plan), len(graph.nodes)
    counts = np.zeros(n * n)
    for j in range(plan.length):
        for k in range(max(0, j - plan.window), min(j + plan.window, plan.length)):
            counts += np.bincount(walks[:, j] * n + walks[:, k], minlength=n * n)
    return counts.reshape(n, n) / (plan.samples or 1)


def sampled_walks(graph: Subgraph, plan: WalkPlan) -> np.ndarray:
    """Walks from every present node, shape (n_present * samples, length).

    A step is drawn among all neighbours in the whole graph and drawn again while it is absent:
    on another subgraph the same random numbers give the same walk until it meets what is absent.
    """
    n, samples = len(graph.nodes), plan.samples or 1
    entropy = [plan.seed]
    if not plan.common:
        present = np.packbits(graph.nodes).tobytes() + np.packbits(graph.edges).tobytes()
        entropy.append(int.from_bytes(present))
    neighbours = scipy.sparse.csr_array(graph.adjacency)
    # the random numbers of absent nodes are drawn, too, so that those of others stay in place
    start = np.repeat(np.arange(n), samples)
    walks = np.empty((n * samples, plan.length), dtype=np.intp)
    walks[:, 0] = start
    for step in range(1, plan.length):
        here = walks[:, step - 1]
        walks[:, step] = _step(here, graph, neighbours, [*entropy, step])
    return walks[graph.nodes[start]]


def _step(
    here: np.ndarray, graph: Subgraph, neighbours: scipy.sparse.csr_array, entropy: list[int]
) -> np.ndarray:
    degree = np.diff(neighbours.indptr)
    there = here.copy()
    moving = np.any(graph.edges, axis=1)[here]
    attempt = 0
    while moving.any():
        draw = np.random.default_rng([*entropy, attempt]).random(len(here))[moving]
        at = here[moving]
        chosen = neighbours.indices[neighbours.indptr[at] + (draw * degree[at]).astype(np.intp)]
        present = graph.edges[at, chosen]
        rows = np.flatnonzero(moving)
        there[rows[present]] = chosen[present]
        moving[rows[present]] = False
        attempt += 1
    return there
