"""Items with linear scores that queries choose from: what the losses on rankings share."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd
import scipy.sparse

from vifstats import checks
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.ranking.choice_hessian import choice_hessian
from vifstats.losses.ranking.choice_pools import Lists, Place, Steps
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["NOTHING", "ItemChoice", "log_sum"]

# log 0 that can be differentiated: exp(NOTHING - x) is an exact 0 for any score x.
NOTHING = -1e300


class ItemChoice(Loss):
    """A sum over queries of losses on the scores of the items, with a ridge.

    theta holds the weights of all items, (n_items, n_features) in row-major order; the score of
    an item is its weights times the features of the query, of which the last is a 1. An item owns
    its weights: they leave with it, and so does what the ridge adds for them.

    A subclass writes `query_losses`, the definition, and `coefficients`, from which everything
    else is computed by sums over pools.

    `features` (n_queries, n_features); `names`: of the features; `queries` (n_queries,); `items`
    (n_items,); `ridge`: > 0; 0.5 * ridge * theta'theta is added. Scores may be shifted together
    without effect, so without it there is no unique minimum; `by_items`: whether the objects are
    items or queries.
    """

    def __init__(
        self,
        features: np.ndarray | scipy.sparse.csr_array,
        names: Sequence[str],
        queries: pd.Index,
        items: pd.Index,
        lists: Lists,
        ridge: float,
        by_items: bool,
    ) -> None:
        self.features = features
        self.lists = lists
        self.queries = queries
        self.items = items
        self.ridge = checks.positive_number(ridge, "ridge")
        self.by_items = by_items
        self.labels = items if by_items else queries
        self.n_objects = len(self.labels)
        self.n_params = len(items) * len(names)
        self.names = _names(items, names)
        self._scores = autodiff.LinearMap(
            partial(_times, features), partial(_times_transposed, features)
        )

    @abstractmethod
    def query_losses(self, theta: Differentiable, items: Differentiable) -> Any:
        """The loss of each query with some items present, shape (n_queries,).

        `theta` (n_params,); `items` (n_items,): presence of the items.
        """

    @abstractmethod
    def coefficients(self, items: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What log Z of each step and the score of each listed item count.

        `items`, `queries`: presence of either. Returns `of_pools` (n_queries, n_steps); `of_scores`
        (n_queries, longest): 0 where no item is listed.
        """

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        items, queries = self._both(presence)
        losses = anp.where(autodiff.plain(queries) > 0, self.query_losses(theta, items), 0.0)
        squares = anp.sum(self.by_item(theta) ** 2, axis=1)
        own = anp.where(autodiff.plain(items) > 0, squares, 0.0)
        return anp.sum(queries * losses) + 0.5 * self.ridge * anp.sum(items * own)

    def by_item(self, theta: Differentiable) -> Any:
        """theta as a matrix, shape (n_items, n_features)."""
        return anp.reshape(theta, (len(self.items), -1))

    def scores(self, theta: Differentiable) -> Any:
        """The score of each item in each query, shape (n_queries, n_items)."""
        return self._scores(self.by_item(theta).T)

    def of_scores(self) -> "ItemChoice":
        """The same loss of the scores themselves, (n_items, n_queries) in row-major order.

        Without the ridge, which is on weights.
        """
        twin, n = copy(self), len(self.queries)
        twin.features = scipy.sparse.csr_array(scipy.sparse.eye(n))
        twin._scores = autodiff.LinearMap(
            partial(_times, twin.features), partial(_times_transposed, twin.features)
        )
        twin.ridge, twin.names = 0.0, None
        twin.n_params = len(self.items) * n
        return twin

    def log_weights(self, scores: Differentiable, items: Differentiable) -> Any:
        """Score plus log presence (-1e300 for the absent), shape (n_queries, n_items)."""
        present = autodiff.plain(items) > 0
        return anp.where(present, scores + anp.log(anp.where(present, items, 1.0)), NOTHING)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._slope(theta, self._steps(theta, presence))

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        steps = self._steps(theta, presence)
        return choice_hessian(steps, self.features, self.ridge * steps.items)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        if not self.by_items:
            return self._query_gradients(theta, removals)
        place = self._place(theta)
        full = self._slope(theta, self._steps_at(place, None))
        out = np.zeros((len(removals), len(theta)))
        for k in np.flatnonzero(removals.sizes).tolist():
            out[k] = full - self._slope(theta, self._steps_at(place, removals.presence(k)))
        return self.with_owned(out, removals, 0.0)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        if self.by_items:
            return super().weight_gradients(theta, removals)
        return self.gradient_differences(theta, removals)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = np.empty(len(thetas)), np.empty_like(thetas)
        for k, theta in enumerate(thetas):
            steps = self._steps(theta, removals.presence(k))
            values[k] = self._value(theta, steps)
            gradients[k] = self._slope(theta, steps)
        return values, gradients

    def owned(self, i: int) -> Sequence[int]:
        if not self.by_items:
            return ()
        width = self.features.shape[1]
        return range(i * width, (i + 1) * width)

    def _both(self, presence: Any) -> tuple[Any, Any]:
        """Presence of the items and of the queries."""
        if self.by_items:
            return presence, np.ones(len(self.queries))
        return np.ones(len(self.items)), presence

    def _place(self, theta: np.ndarray) -> Place:
        return Place.of(self.lists, _times(self.features, self.by_item(theta).T))

    def _steps(self, theta: np.ndarray, presence: np.ndarray | None) -> Steps:
        return self._steps_at(self._place(theta), presence)

    def _steps_at(self, place: Place, presence: np.ndarray | None) -> Steps:
        items, queries = self._both(self.everyone(presence))
        of_pools, of_scores = self.coefficients(items, queries)
        return place.steps(items, of_pools, of_scores)

    def _value(self, theta: np.ndarray, steps: Steps) -> float:
        penalty = np.sum(self.by_item(theta) ** 2, axis=1) @ steps.items
        return steps.value() + 0.5 * self.ridge * float(penalty)

    def _slope(self, theta: np.ndarray, steps: Steps) -> np.ndarray:
        slopes = steps.slopes_along(self.features)
        slopes += self.ridge * steps.items[:, None] * self.by_item(theta)
        return slopes.ravel()

    def _query_gradients(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Gradients of the queries that leave, by removal."""
        steps = self._steps(theta, None)
        out = np.zeros((len(removals), len(theta)))
        for k in np.flatnonzero(removals.sizes).tolist():
            members = removals.members(k)
            out[k] = (steps.slopes(members).T @ _rows(self.features, members)).ravel()
        return out


def log_sum(values: Any, among: np.ndarray) -> Any:
    """log sum exp of some entries of each row, `NOTHING` of none; it can be differentiated."""
    some = among & (autodiff.plain(values) > NOTHING)
    shift = np.max(autodiff.plain(values), axis=1, initial=NOTHING, where=some)
    shift = np.where(some.any(axis=1), shift, 0.0)
    total = anp.sum(anp.exp(anp.where(some, values - shift[:, None], NOTHING)), axis=1)
    return anp.where(
        some.any(axis=1), shift + anp.log(anp.where(some.any(axis=1), total, 1.0)), NOTHING
    )


def _names(items: pd.Index, features: Sequence[str]) -> tuple[str, ...]:
    if len(features) == 1:
        return tuple(map(str, items))
    return tuple(f"{item}:{feature}" for item in items for feature in features)


def _times(X: Any, W: np.ndarray) -> np.ndarray:
    return X @ W


def _times_transposed(X: Any, S: np.ndarray) -> np.ndarray:
    return X.T @ S


def _rows(X: Any, rows: np.ndarray) -> np.ndarray:
    return X[rows].toarray() if scipy.sparse.issparse(X) else X[rows]
