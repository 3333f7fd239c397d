"""Sums over pools of items from which the listed ones leave one after another.

Z_j is the sum of exp(score) over the pool at step j, a_j what the step counts, b_j and c_j the
cumulative sums of a/Z and a/Z^2 up to step j. An item that is in the pool up to its last step
``pos`` has sum_j a_j p_j = exp(score) b_pos, and two of them have
sum_j a_j p_j p_j' = exp(score + score') c_min(pos, pos').
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

__all__ = ["Lists", "Place", "Steps"]


@dataclass(frozen=True, eq=False)
class Lists:
    """Items by query, in order, and which of them leave the pool."""

    # int (n_queries, longest): positions of the listed items, -1 after the end of a list
    order: np.ndarray
    n_items: int
    # Whether a listed item leaves the pool after its step; else there is one step, with all
    leave: bool = True
    # Whether items that a query does not list are outside its pools
    closed: bool = False

    @cached_property
    def listed(self) -> np.ndarray:
        """Where ``order`` holds an item."""
        return self.order >= 0

    @cached_property
    def leaving(self) -> np.ndarray:
        """The item that leaves after each step, -1 for none, shape (n_queries, n_steps)."""
        return self.order if self.leave else np.full((len(self.order), 1), -1)

    @cached_property
    def staying(self) -> np.ndarray:
        """Which items are in the pool of every step, shape (n_queries, n_items)."""
        if not self.leave:
            return np.ones((len(self.order), self.n_items), dtype=bool)
        if self.closed:
            return np.zeros((len(self.order), self.n_items), dtype=bool)
        return self.spread(self.listed).toarray() == 0

    def spread(self, values: np.ndarray) -> scipy.sparse.csr_array:
        """Values in the places of ``order`` as a sparse array (n_queries, n_items)."""
        starts = np.concatenate([[0], np.cumsum(self.listed.sum(axis=1))])
        entries = values[self.listed].astype(float), self.order[self.listed], starts
        return scipy.sparse.csr_array(entries, shape=(len(self.order), self.n_items))


@dataclass(frozen=True, eq=False)
class Place:
    """What the scores at one theta say, whoever is present."""

    lists: Lists
    # (n_queries, longest): scores in the places of ``lists.order``
    listed: np.ndarray
    # (n_queries, n_items): exp(score - shift) of items that never leave the pool, else 0
    staying: np.ndarray
    shift: np.ndarray  # (n_queries,)

    @classmethod
    def of(cls, lists: Lists, scores: np.ndarray) -> "Place":
        """The place of scores, shape (n_queries, n_items), which are overwritten."""
        listed = np.take_along_axis(scores, lists.order, axis=1)
        scores[~lists.staying] = -np.inf
        shift = scores.max(axis=1, initial=-np.inf)
        shift[np.isneginf(shift)] = 0.0
        scores -= shift[:, None]
        return cls(lists, listed, np.exp(scores, out=scores), shift)

    def steps(self, items: np.ndarray, of_pools: np.ndarray, of_scores: np.ndarray) -> "Steps":
        """The sums over the pools of the items that are present.

        `items` (n_items,): presence; `of_pools` (n_queries, n_steps): a, what log Z counts; 0 where
        a step does not take place; `of_scores` (n_queries, longest): what the scores in the places
        of ``lists.order`` count; 0 where there is none.
        """
        with np.errstate(divide="ignore"):
            unlisted = self.shift + np.log(self.staying @ items)
            leaving = self._leaving + np.log(items[self.lists.leaving])
            log_a = np.log(of_pools)
        pools = np.column_stack([unlisted, leaving[:, ::-1]])
        log_Z = np.logaddexp.accumulate(pools, axis=1)[:, :0:-1]
        log_Z = np.where(of_pools > 0, log_Z, 0.0)
        log_b = np.logaddexp.accumulate(log_a - log_Z, axis=1)
        log_c = np.logaddexp.accumulate(log_a - 2 * log_Z, axis=1)
        return Steps(self, items, of_pools, of_scores, leaving, log_Z, log_b, log_c)

    @cached_property
    def _leaving(self) -> np.ndarray:
        if not self.lists.leave:
            return np.full((len(self.listed), 1), -np.inf)
        return np.where(self.lists.listed, self.listed, -np.inf)


@dataclass(frozen=True, eq=False)
class Steps:
    """Sums over the steps of every query, with some items and queries present."""

    place: Place
    items: np.ndarray  # (n_items,)
    # (n_queries, n_steps): a
    of_pools: np.ndarray
    of_scores: np.ndarray  # (n_queries, longest)
    # (n_queries, n_steps): log weight of the item that leaves after each step, -inf for none
    leaving: np.ndarray
    # log_Z, log_b, log_c (n_queries, n_steps): log Z is 0 where a is
    log_Z: np.ndarray
    log_b: np.ndarray
    log_c: np.ndarray

    def value(self) -> float:
        """sum a log Z minus the scores that count."""
        scores = np.where(self.of_scores > 0, self.of_scores * self.place.listed, 0.0)
        return float(np.sum(self.of_pools * self.log_Z) - np.sum(scores))

    def slopes(self, queries: np.ndarray) -> np.ndarray:
        """Derivative of the value in the scores of some queries, shape (k, n_items)."""
        staying = self.place.staying[queries] * self.items * self.staying_factor[queries, None]
        return staying + self._listed_slopes[queries].toarray()

    def slopes_along(self, features: Any) -> np.ndarray:
        """Derivative of the value in the weights of each item, shape (n_items, n_features)."""
        scaled = _scaled(features, self.staying_factor)
        staying = (scaled.T @ self.place.staying).T * self.items[:, None]
        listed = self._listed_slopes.T @ features
        return staying + (listed.toarray() if scipy.sparse.issparse(listed) else listed)

    @cached_property
    def _listed_slopes(self) -> scipy.sparse.csr_array:
        lists = self.place.lists
        return lists.spread((self.leaving_sums if lists.leave else 0.0) - self.of_scores)

    @cached_property
    def staying_factor(self) -> np.ndarray:
        """sum_j a_j p_j of an item that stays is this times ``place.staying``: (n_queries,)."""
        return np.exp(self.place.shift + self.log_b[:, -1])

    @cached_property
    def leaving_sums(self) -> np.ndarray:
        """sum_j a_j p_j of each item that leaves, shape (n_queries, n_steps)."""
        return np.exp(self.leaving + self.log_b)

    @cached_property
    def root_factor(self) -> np.ndarray:
        """`root` of an item that stays is this times ``place.staying``: (n_queries,)."""
        return np.exp(self.place.shift + 0.5 * self.log_c[:, -1])

    @cached_property
    def leaving_root(self) -> np.ndarray:
        """exp(score) c_pos / sqrt(c) of each item that leaves, shape (n_queries, n_steps).

        With v = exp(score) sqrt(c) for those that stay, v v' is sum_j a_j p_j p_j' but for
        pairs of items that both leave: `pair_rest`.
        """
        some = np.isfinite(self.log_c)
        last = np.where(some[:, -1:], self.log_c[:, -1:], 0.0)
        return np.exp(self.leaving + np.where(some, self.log_c, -np.inf) - 0.5 * last)

    def pair_rest(self, queries: slice) -> np.ndarray:
        """exp(score + score') (c_min - c c'/c_last) of pairs that leave, (k, n_steps, n_steps).

        Rows are the later item of a pair, columns the earlier: 0 above the diagonal.
        """
        leaving, log_c = self.leaving[queries], self.log_c[queries]
        last = np.where(np.isfinite(log_c[:, -1:]), log_c[:, -1:], 0.0)
        rest_of_later = -np.expm1(np.minimum(log_c - last, 0.0))
        pairs = leaving[:, :, None] + (leaving + log_c)[:, None, :]
        return np.tril(np.exp(pairs) * rest_of_later[:, :, None])


def _scaled(features: Any, factors: np.ndarray) -> Any:
    """Each row times a factor, dense or sparse as it came."""
    if scipy.sparse.issparse(features):
        return scipy.sparse.diags_array(factors) @ features
    return features * factors[:, None]
