"""Targets of embeddings: the held-out loss of a pair of nodes, of an example."""

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.embedding.contrastive import Contrastive
from vifstats.losses.embedding.node_embedding import NodeEmbedding
from vifstats.losses.embedding.softmax_tables import log_totals
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["ExampleLoss", "PairLoss"]


@dataclass(frozen=True, eq=False)
class PairLoss(Target):
    """-log softmax_v(P_u'Q_v), the loss of seeing node v near node u, over the nodes present.

    A removed node leaves the softmax: the direct part of its influence. Of pairs that it belongs
    to itself nothing is left: nan.

    Parameters
    ----------
    pairs : sequence of (u, v), optional
        Nodes by label; default all n * n of them, u slowest.

    References
    ----------
    Deng, Tang & Ma (2025), section 4.2.

    Examples
    --------
    >>> import vifstats as vs
    >>> path = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    >>> loss = vs.losses.NodeEmbedding(path, dim=1)
    >>> change = vs.vif(vs.minimize(loss, loss.start())).on(PairLoss([(0, 1), (2, 1)]))
    >>> np.isnan(change.influence)
    array([[ True, False],
           [ True,  True],
           [False,  True],
           [False, False]])
    """

    pairs: Sequence[tuple[Hashable, Hashable]] | None = None

    @property
    def names(self) -> tuple[str, ...] | None:  # type: ignore[override]  # known with the pairs
        """One name per pair."""
        return None if self.pairs is None else tuple(f"{u}-{v}" for u, v in self.pairs)

    def bind(self, estimate: Fit) -> "PairLoss":
        loss: Any = estimate.loss
        _require_loss(self, loss, NodeEmbedding)
        if self.pairs is None:
            return dataclasses.replace(self, pairs=[(u, v) for u in loss.nodes for v in loss.nodes])
        _positions(self.pairs, loss)
        return self

    def value(self, theta: Differentiable, presence: Differentiable, loss: Any) -> Any:
        u, v = _positions(self.pairs, loss)
        nodes = loss.present_nodes(presence)
        known, kept = nodes[u] & nodes[v], np.flatnonzero(nodes)
        P, Q = loss.tables(theta)
        totals = log_totals(anp.dot(P[kept], Q[kept].T))
        # any present node stands in where the pair is not: its value is not used
        u, v = np.where(known, u, kept[:1]), np.where(known, v, kept[:1])
        losses = totals[np.searchsorted(kept, u)] - anp.sum(P[u] * Q[v], axis=1)
        return anp.where(known, losses, np.nan)


@dataclass(frozen=True, eq=False)
class ExampleLoss(Target):
    """The contrastive loss of held-out examples against the examples present.

    A removed example is no longer among the negatives or, in triplets, the positives: the direct
    part of its influence.

    Parameters
    ----------
    X : DataFrame or array_like, shape (m, p)
        Features of the held-out examples.
    other : array_like, shape (m, p) or (m,)
        Their partners, for `InfoNCE`; their classes, for `Triplet`.

    Examples
    --------
    >>> import vifstats as vs
    >>> X = np.array([[1.0], [0.5], [-1.0], [-0.5]])
    >>> loss = vs.losses.Triplet(X, ["a", "a", "b", "b"], dim=1)
    >>> change = vs.vif(vs.minimize(loss, [0.5])).on(ExampleLoss([[0.8]], ["a"]))
    >>> change.influence.shape
    (4, 1)
    """

    X: Any
    other: Any

    def bind(self, estimate: Fit) -> "ExampleLoss":
        loss: Any = estimate.loss
        _require_loss(self, loss, Contrastive)
        X, width = checks.design_matrix(self.X)[0], loss.X.shape[1]
        n_other = np.shape(checks.as_pandas(self.other))[:1]
        if X.shape[1] != width or n_other != (len(X),):
            raise InvalidInputError(
                f"Held-out examples must have the {width} columns of the loss and one entry of "
                f"`other` each, but X has shape {X.shape} and `other` is {self.other!r:.60}; pass "
                "as many of each."
            )
        return dataclasses.replace(self, X=X)

    def value(self, theta: Differentiable, presence: Differentiable, loss: Any) -> Any:
        return loss.example_losses(theta, presence, self.X, self.other)


def _require_loss(target: Target, loss: Any, kind: type) -> None:
    if not isinstance(loss, kind):
        raise InvalidTypeError(
            f"{type(target).__name__} is a target of {kind.__name__}, but this loss is "
            f"{type(loss).__name__}; ask it of one of these."
        )


def _positions(pairs: Any, loss: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the first and of the second node of each pair."""
    if not isinstance(pairs, Sequence) or not all(
        isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs
    ):
        raise InvalidTypeError(
            f"`pairs` must be pairs of nodes, but is {pairs!r:.60}; pass a list of tuples of two."
        )
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    u, v = (loss.nodes.get_indexer(side) for side in (first, second))
    if len(bad := np.flatnonzero((u < 0) | (v < 0))):
        raise InvalidInputError(
            f"`pairs` must be nodes of the graph, but {tuple(pairs[bad[0]])} is not; see "
            "`loss.nodes`."
        )
    return u, v
