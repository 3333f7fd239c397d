"""Learning to rank from lists: ListMLE and softmax cross-entropy, with linear scores.

Both are published under the name ListMLE: the first is the likelihood of the order in which the
items are listed; the second, which ignores the order, is what some scripts run under that name:
docs/mathematics.md, equations (28) and (29).
"""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.losses import autodiff
from vifstats.losses.ranking.choice_pools import Lists
from vifstats.losses.ranking.item_choice import ItemChoice, log_sum
from vifstats.losses.ranking.sequential_choice import SequentialChoice
from vifstats.typing import ArrayLike1D, Differentiable, Items, Ranked, TableLike

__all__ = ["ListMLE", "SoftmaxCrossEntropy"]

OBJECTS = ("items", "queries")
WEIGHTS = ("renormalised", "fixed")


class ListMLE(SequentialChoice):
    """Each listed item is chosen from those not yet chosen, the unlisted ones included.

    The loss of a query with scores s that lists y_1, ..., y_k is

        - sum_j ( s_{y_j} - log sum_{l not in y_1, ..., y_{j-1}} exp s_l ).

    Without an item, it is in no list and no denominator, and its weights are gone.

    Parameters
    ----------
    X : DataFrame, sparse array or array_like, shape (n_queries, n_features)
        Features of the queries. A bias is added.
    Y : sparse array, DataFrame, ndarray, or sequence of sequences
        The items of each query: labels in order, the first choice first; or a matrix
        (n_queries, n_items) of 0 and 1, whose items are taken in the order of its columns.
    items : int or sequence, optional
        Item labels; default the columns of Y, or the labels that occur in it.
    ridge : float
        > 0, in the units of the sum over queries: 0.5 * ridge * theta'theta. An item's share
        leaves with it.
    objects : {"items", "queries"}
        What can be removed. An item owns its weights. With queries the loss is a sum over
        objects, and vif is the classical influence function.

    Raises
    ------
    InvalidInputError, InvalidTypeError

    References
    ----------
    Xia, Liu, Wang, Zhang & Li (2008), ICML; Deng, Tang & Ma (2025), Eq. 11.

    Examples
    --------
    Two queries choose from three items; "c" is never chosen:

    >>> import vifstats as vs
    >>> X = [[0.0], [1.0]]
    >>> loss = ListMLE(X, [["a", "b"], ["b"]], items=["a", "b", "c"], ridge=0.1)
    >>> bool(np.isclose(loss.value(np.zeros(6), np.ones(3)), np.log(3 * 2 * 3)))
    True
    >>> est = vs.minimize(loss, np.zeros(6))
    >>> vs.vif(est).dfbeta.round(2).loc["c"]
    a:x0      0.11
    a:bias    0.57
    b:x0      0.04
    b:bias    0.71
    c:x0       NaN
    c:bias     NaN
    Name: c, dtype: float64
    """

    def __init__(
        self,
        X: TableLike,
        Y: Ranked,
        *,
        items: Items | None = None,
        ridge: float,
        objects: str = "items",
    ) -> None:
        ranked = checks.item_lists(Y, items)
        by_items = checks.one_of(objects, OBJECTS, "objects") == "items"
        features, names, queries = checks.query_features(X, len(ranked.order))
        lists = Lists(ranked.order, len(ranked.items))
        super().__init__(features, names, queries, ranked.items, lists, ridge, by_items)


class SoftmaxCrossEntropy(ItemChoice):
    """Minus the mean log softmax of the listed items: their order has no meaning.

    The loss of a query with scores s and listed items P, k of them, is

        sum_{l in P} w_l ( log sum_m exp s_m - s_l ),   w_l = 1/k.

    Without one of its listed items a query's weights are 1/(k - 1), or with fixed weights still
    1/k. The first is what a fit to data without the item would use, and a large step: each of
    the other items counts k/(k - 1) times as much, and approximations are less good.

    Parameters
    ----------
    X : DataFrame, sparse array or array_like, shape (n_queries, n_features)
        Features of the queries. A bias is added.
    Y : sparse array, DataFrame, ndarray, or sequence of sequences
        The items of each query, as for `ListMLE`.
    items : int or sequence, optional
        Item labels; default the columns of Y, or the labels that occur in it.
    ridge : float
        > 0, as for `ListMLE`.
    objects : {"items", "queries"}
    weights : {"renormalised", "fixed"} or array_like, shape (n_queries,)
        1/k of the listed items that are present, or of all that are listed; or any fixed w, > 0,
        of the listed items of each query.

    Raises
    ------
    InvalidInputError, InvalidTypeError

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy([[0.0]], [["a", "b"]], items=["a", "b", "c"], ridge=0.1)
    >>> bool(np.isclose(loss.value(np.zeros(6), np.ones(3)), np.log(3)))
    True
    """

    def __init__(
        self,
        X: TableLike,
        Y: Ranked,
        *,
        items: Items | None = None,
        ridge: float,
        objects: str = "items",
        weights: ArrayLike1D = "renormalised",
    ) -> None:
        ranked = checks.item_lists(Y, items)
        by_items = checks.one_of(objects, OBJECTS, "objects") == "items"
        features, names, queries = checks.query_features(X, len(ranked.order))
        lists = Lists(ranked.order, len(ranked.items), leave=False)
        self.fixed = _fixed_weights(weights, lists, queries, X)
        super().__init__(features, names, queries, ranked.items, lists, ridge, by_items)

    def query_losses(self, theta: Differentiable, items: Differentiable) -> Any:
        scores = self.scores(theta)
        pool = log_sum(self.log_weights(scores, items), self.lists.staying)
        rows = np.arange(len(self.queries))[:, None]
        weights = self._weights(items)
        there = autodiff.plain(weights) > 0
        each = anp.where(there, pool[:, None] - scores[rows, self.lists.order], 0.0)
        return anp.sum(weights * each, axis=1)

    def coefficients(self, items: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = self._weights(items) * queries[:, None]
        return weights.sum(axis=1, keepdims=True), weights

    def _weights(self, items: Any) -> Any:
        """w_l in the places of the lists, shape (n_queries, longest)."""
        listed = self.lists.listed
        present = anp.where(listed, items[self.lists.order], 0.0)
        if self.fixed is not None:
            return present * self.fixed[:, None]
        k = anp.sum(present, axis=1)
        return present / anp.where(autodiff.plain(k) > 0, k, 1.0)[:, None]


def _fixed_weights(weights: Any, lists: Lists, queries: pd.Index, X: Any) -> np.ndarray | None:
    """w of the listed items of each query, None where they are renormalised."""
    if not isinstance(weights, str):
        return checks.case_weights(weights, len(queries), queries, X)
    if checks.one_of(weights, WEIGHTS, "weights") == "renormalised":
        return None
    return 1 / np.maximum(lists.listed.sum(axis=1), 1)
