"""Degrees of freedom of t after each removal, and the groups that are left."""

from typing import Any

import numpy as np

from vifstats.inference.bell_mccaffrey import bell_mccaffrey, has_bell_mccaffrey
from vifstats.losses.edited import Edited
from vifstats.removals import Removals

__all__ = ["degrees_of_freedom", "degrees_without", "group_pairs", "groups_left"]


def degrees_of_freedom(fit: Any) -> float | np.ndarray:
    """Of the fit with everybody: what its inference says, else n - p or groups less one.

    One number, or (p,) where each parameter has its own.
    """
    inference = fit.inference
    if inference.distribution == "normal":
        return np.inf
    if has_bell_mccaffrey(fit):
        return bell_mccaffrey(fit, Removals.nobody(fit.loss.n_objects))[0]
    if inference.df is not None:
        # edits have those of the fit, which may be one for each parameter
        return float(inference.df) if np.ndim(inference.df) == 0 else inference.df
    if inference.by_groups:
        return float(fit.clusters.max()) if fit.clusters is not None else _observations(fit) - 1.0
    return _observations(fit) - len(fit.theta)


def degrees_without(fit: Any, removals: Removals) -> np.ndarray:
    """Degrees of each parameter after each removal, (n_removals, p); nan where none are left."""
    shape = (len(removals), len(fit.theta))
    if fit.inference.distribution == "normal":
        return np.full(shape, np.inf)
    if has_bell_mccaffrey(fit):
        return bell_mccaffrey(fit, removals)
    if isinstance(fit.loss, Edited):  # data of as many rows, but for those that are added
        lost = -removals.sums((fit.loss.rows < 0).astype(float))
    elif fit.inference.by_groups:
        everybody = groups_left(fit.clusters, Removals.nobody(removals.n_objects))
        lost = everybody - groups_left(fit.clusters, removals)
    else:
        lost = removals.sums(_counts(fit))
    left = np.reshape(degrees_of_freedom(fit), (1, -1)) - lost[:, None]
    return np.broadcast_to(np.where(left > 0, left, np.nan), shape)


def groups_left(codes: np.ndarray | None, removals: Removals) -> np.ndarray:
    """How many groups have an object left after each removal, shape (n_removals,)."""
    codes = np.arange(removals.n_objects) if codes is None else codes
    sizes = np.bincount(codes)
    first, size, _ = group_pairs(codes, removals)
    gone = size == sizes[codes[first]]
    return len(sizes) - np.bincount(removals.codes[first[gone]], minlength=len(removals))


def group_pairs(codes: np.ndarray, removals: Removals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of a removal and a group that it takes from.

    `first`, `size` (n_pairs,): an object of each pair, and how many there are; `pair`
    (n_leaving,): the pair of each object that leaves, in the order of the objects.
    """
    rows = np.flatnonzero(removals.codes >= 0)
    key = removals.codes[rows] * (codes.max(initial=0) + 1) + codes[rows]
    _, first, pair, size = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    return rows[first], size, pair


def _observations(fit: Any) -> float:
    return float(_counts(fit).sum())


def _counts(fit: Any) -> np.ndarray:
    counts = fit.inference.counts
    return np.ones(fit.loss.n_objects) if counts is None else np.asarray(counts, dtype=float)
