"""The Hessian of choices from shrinking pools: one rank-one term a query, and a small correction.

With v as in `Steps.leaving_root` and x the features of a query, a query adds

    [diag(sum_j a_j p_j) - v v' - rest] kron (x x'),

where the rest has only pairs of items that leave. The terms v kron x are one symmetric product,
by chunks of queries.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse

from vifstats.losses.ranking.choice_pools import Steps

__all__ = ["choice_hessian"]

# Chunks of queries hold about this many numbers (64 MB).
CHUNK_NUMBERS = 8_000_000
# The lower triangle is copied to the upper one in tiles of this many columns.
TILE = 256


def choice_hessian(steps: Steps, features: Any, ridge: np.ndarray) -> np.ndarray:
    """Hessian in the weights of all items, in row-major order of (item, feature).

    `features` (n_queries, n_features); `ridge` (n_items,): what the penalty adds to the diagonal of
    each item. Returns (n_items * n_features, n_items * n_features).
    """
    n_items, n_features = len(ridge), features.shape[1]
    H = np.zeros((n_items * n_features,) * 2, order="F")
    for queries in _chunks(len(steps.log_Z), len(H)):
        V = _kron(_roots(steps, queries), _dense(features, queries))
        H = scipy.linalg.blas.dsyrk(-1.0, V.T, beta=1.0, c=H, lower=1, overwrite_c=1)
    # Symmetric as it will be, H reads the same by rows: blocks[l] are the rows of item l, of
    # which those up to its own block lie in the upper triangle of H by rows, the lower of H.
    blocks = H.T.reshape(n_items, n_features, n_items, n_features)
    for queries in _chunks(len(steps.log_Z), n_features**2):
        x = _dense(features, queries)
        squares = _kron(x, x)
        _add_diagonal(blocks, steps, queries, squares)
        _subtract_pairs(blocks, steps, queries, squares)
    _mirror(H)
    H[np.diag_indices(len(H))] += np.repeat(ridge, n_features)
    return H


def _chunks(n_queries: int, width: int) -> Iterator[slice]:
    size = max(1, CHUNK_NUMBERS // width)
    return (slice(start, start + size) for start in range(0, n_queries, size))


def _dense(features: Any, queries: slice) -> np.ndarray:
    chunk = features[queries]
    return chunk.toarray() if scipy.sparse.issparse(chunk) else chunk


def _kron(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Row by row, shape (k, left * right)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _roots(steps: Steps, queries: slice) -> np.ndarray:
    """v of every item, shape (k, n_items)."""
    place = steps.place
    v = place.staying[queries] * steps.items * steps.root_factor[queries, None]
    return _with_leaving(v, steps, queries, steps.leaving_root)


def _sums(steps: Steps, queries: slice) -> np.ndarray:
    """sum_j a_j p_j of every item, shape (k, n_items)."""
    place = steps.place
    P = place.staying[queries] * steps.items * steps.staying_factor[queries, None]
    return _with_leaving(P, steps, queries, steps.leaving_sums)


def _with_leaving(
    staying: np.ndarray, steps: Steps, queries: slice, leaving: np.ndarray
) -> np.ndarray:
    items = steps.place.lists.leaving[queries]
    rows, places = np.nonzero(items >= 0)
    staying[rows, items[rows, places]] = leaving[queries][rows, places]
    return staying


def _add_diagonal(blocks: np.ndarray, steps: Steps, queries: slice, squares: np.ndarray) -> None:
    n_items, n_features = blocks.shape[:2]
    own = (_sums(steps, queries).T @ squares).reshape(n_items, n_features, n_features)
    each = np.arange(n_items)
    blocks[each, :, each, :] += own


def _subtract_pairs(blocks: np.ndarray, steps: Steps, queries: slice, squares: np.ndarray) -> None:
    """For each item what its pairs with itself and with later items add, over all queries."""
    n_items, n_features = blocks.shape[:2]
    items = steps.place.lists.leaving[queries]
    rest = steps.pair_rest(queries)
    query, later, earlier = np.nonzero(rest)
    first = np.minimum(items[query, later], items[query, earlier])
    second = np.maximum(items[query, later], items[query, earlier])
    cells = scipy.sparse.csr_array(
        (rest[query, later, earlier], (first * n_items + second, query)),
        shape=(n_items**2, len(squares)),
    )
    for item in np.unique(first):
        own = cells[item * n_items : (item + 1) * n_items] @ squares
        own = own.reshape(n_items, n_features, n_features).transpose(1, 0, 2)
        blocks[item] -= own


def _mirror(H: np.ndarray) -> None:
    """Copy the lower triangle to the upper one, in place."""
    for start in range(0, len(H), TILE):
        stop = min(start + TILE, len(H))
        square = H[start:stop, start:stop]
        square[...] = np.tril(square) + np.tril(square, -1).T
        H[start:stop, stop:] = H[stop:, start:stop].T
