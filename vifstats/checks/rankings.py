"""The gate for rankings: which items each query lists, in which order, and its features."""

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from vifstats.checks.arrays import design_matrix, numbers, require_labels, require_length
from vifstats.checks.objects import object_labels
from vifstats.checks.scalars import counting_number
from vifstats.checks.text import quoted
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["ItemLists", "item_lists", "paired_items", "query_features"]


@dataclass(frozen=True, eq=False)
class ItemLists:
    """Checked lists of items, one per query."""

    # int (n_queries, longest): positions of the listed items, the first one first; -1 after the end
    # of a list
    order: np.ndarray
    # (n_items,): the user's label of each item
    items: pd.Index
    # (n_queries,): the labels of a Series or DataFrame of lists, else 0, 1, ...
    queries: pd.Index


def item_lists(Y: Any, items: Any = None) -> ItemLists:
    """Lists of items, from a matrix of 0 and 1 or from one sequence of labels per query.

    `Y`: a matrix (n_queries, n_items) lists the items that are not 0 in the order of its columns.
    Sequences hold item labels, the first choice first; a Series of them labels the queries;
    `items`: item labels, or how many there are: 0, 1, ... Default the columns of a matrix, and for
    sequences the labels that occur, in order of first appearance.

    Examples
    --------
    >>> lists = item_lists([["b", "a"], ["c"]])
    >>> list(lists.items), lists.order.tolist()
    (['b', 'a', 'c'], [[0, 1], [2, -1]])
    """
    labels = _items(items)
    if not scipy.sparse.issparse(Y) and not _are_lists(Y):
        raise InvalidTypeError(
            f"`Y` must be a matrix of 0 and 1 or a sequence of lists of item labels, but is "
            f"{Y!r:.60}; pass one row or list for each query."
        )
    if scipy.sparse.issparse(Y) or isinstance(Y, pd.DataFrame | np.ndarray):
        return _from_matrix(Y, labels)
    return _from_sequences(Y, labels)


def query_features(X: Any, n_queries: int) -> tuple[Any, tuple[str, ...], pd.Index]:
    """Features of the queries with a column of ones behind them, dense or sparse as they came.

    Shapes: `X` (n_queries, n_features). Returns `matrix` (n_queries, n_features + 1).
    """
    if scipy.sparse.issparse(X):
        sparse = scipy.sparse.csr_array(X, dtype=float)
        if not np.isfinite(sparse.data).all():
            raise InvalidInputError("`X` must be finite, but holds nan or inf; drop or impute.")
        require_length(sparse.shape[0], n_queries, "X")
        ones = scipy.sparse.csr_array(np.ones((n_queries, 1)))
        matrix = scipy.sparse.csr_array(scipy.sparse.hstack([sparse, ones], format="csr"))
        names, labels = tuple(f"x{k}" for k in range(sparse.shape[1])), pd.RangeIndex(n_queries)
        return matrix, (*names, "bias"), labels
    dense, names, labels = design_matrix(X)
    require_length(len(dense), n_queries, "X")
    return np.column_stack([dense, np.ones(n_queries)]), (*names, "bias"), labels


def paired_items(winners: Any, losers: Any, items: Any = None) -> ItemLists:
    """Pairs as lists of two, the winner first.

    `winners`, `losers` (n_matches,): the index of a Series labels the matches; `items`: as in
    `item_lists`. Raises InvalidInputError if the lengths or the indexes differ, or an item plays
    itself.
    """
    for name, side in (("winners", winners), ("losers", losers)):
        if isinstance(side, str | bytes | dict) or np.ndim(_sized(side)) != 1:
            raise InvalidTypeError(
                f"`{name}` must have one item label per match, but is {side!r:.60}; pass a list."
            )
    pairs = list(zip(winners, losers, strict=False))
    require_length(len(losers), len(winners), "losers")
    itself = [k for k, (a, b) in enumerate(pairs) if a == b]
    if itself:
        raise InvalidInputError(
            f"A match needs two items, but in match {itself[0]} {quoted(pairs[itself[0]][0])} "
            "plays itself; drop it."
        )
    labels = _labels(winners, len(pairs))
    require_labels(losers, "losers", labels)
    return item_lists(pd.Series(pairs, index=labels, dtype=object), items)


def _from_matrix(Y: Any, items: Any) -> ItemLists:
    if items is None and isinstance(Y, pd.DataFrame):
        items = Y.columns
    dense = not scipy.sparse.issparse(Y)
    listed = scipy.sparse.csr_array(numbers(Y, "`Y`") if dense else Y)
    if listed.ndim != 2 or not np.isin(listed.data, (0, 1)).all():
        raise InvalidInputError(
            f"`Y` as a matrix must hold 0 and 1, one row per query, but has shape {listed.shape} "
            f"and values up to {listed.data.max(initial=0)}; where the order matters, pass one "
            "sequence of item labels per query."
        )
    listed.eliminate_zeros()
    listed.sort_indices()
    labels = pd.RangeIndex(listed.shape[1]) if items is None else pd.Index(items)
    require_length(len(labels), listed.shape[1], "items")
    order = _padded(np.diff(listed.indptr), listed.indices)
    return ItemLists(order, _distinct(labels), _labels(Y, len(order)))


def _from_sequences(Y: Any, items: Any) -> ItemLists:
    lists = [_as_list(row, k) for k, row in enumerate(Y)]
    lengths = np.array([len(row) for row in lists], dtype=int)
    flat = pd.Series([label for row in lists for label in row], dtype=object)
    labels = pd.Index(flat.unique()).infer_objects() if items is None else _distinct(items)
    codes = labels.get_indexer(flat) if len(flat) else np.empty(0, dtype=int)
    query = np.repeat(np.arange(len(lists)), lengths)
    if (unknown := codes < 0).any():
        first = int(np.argmax(unknown))
        raise InvalidInputError(
            f"Lists must hold labels of `items`, but query {query[first]} lists "
            f"{quoted(flat[first])}, which is none of the {len(labels)}; add it to `items`."
        )
    twice = pd.DataFrame({"query": query, "item": codes}).duplicated().to_numpy()
    if twice.any():
        first = int(np.argmax(twice))
        raise InvalidInputError(
            f"A list must name an item once, but query {query[first]} lists "
            f"{quoted(flat[first])} twice; drop one."
        )
    return ItemLists(_padded(lengths, codes), labels, _labels(Y, len(lists)))


def _items(items: Any) -> Any:
    """Labels of items, or how many there are; None where neither is given."""
    if items is None or isinstance(items, pd.Index):
        return items
    if isinstance(items, int | np.integer) and not isinstance(items, bool):
        return pd.RangeIndex(counting_number(items, "items"))
    return object_labels(items, None)


def _are_lists(Y: Any) -> bool:
    """Whether there is an entry for each query, and at least one; its kind is checked later."""
    if isinstance(Y, np.ndarray) and Y.ndim not in (1, 2):
        return False
    return not isinstance(Y, str | bytes | dict) and isinstance(Y, Sized) and len(Y) > 0


def _sized(values: Any) -> Any:
    """A thing with a length as it is; anything else as an array of no dimension."""
    return list(values) if isinstance(values, Sized) and isinstance(values, Iterable) else 0


def _labels(values: Any, n: int) -> pd.Index:
    return values.index if isinstance(values, pd.Series | pd.DataFrame) else pd.RangeIndex(n)


def _as_list(row: Any, k: int) -> Sequence:
    if isinstance(row, str) or np.ndim(row) != 1:
        raise InvalidTypeError(
            f"`Y` must hold one sequence of item labels per query, but query {k} is {row!r}; "
            "write [label] for a list of one."
        )
    return list(row)


def _padded(lengths: np.ndarray, codes: np.ndarray) -> np.ndarray:
    order = np.full((len(lengths), max(1, int(lengths.max(initial=0)))), -1, dtype=np.intp)
    order[np.arange(order.shape[1]) < lengths[:, None]] = codes
    return order


def _distinct(items: Any) -> pd.Index:
    labels = pd.Index(items)
    if not labels.is_unique:
        repeated = labels[labels.duplicated()][0]
        raise InvalidInputError(
            f"`items` must be distinct, but {quoted(repeated)} occurs twice; drop one."
        )
    return labels
