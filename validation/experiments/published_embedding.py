"""Train as the published scripts do: one step of gradient descent for each pair of each walk.

The full club and the 34 clubs without one member are trained side by side, each on walks of its
own. Tables start uniform on [0, 1), alike for all 35 of a seed; 1000 rounds of a walk of 6 nodes
from every member in random order; learning rate 0.025; the absent member is left out of the
softmax, and nothing is penalised.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

DIM, LENGTH, WINDOW, ROUNDS, RATE = 2, 6, 3, 1000, 0.025
POSITIONS = [
    (j, k) for j in range(LENGTH) for k in range(max(0, j - WINDOW), min(j + WINDOW, LENGTH))
]


def published_fits(
    adjacency: np.ndarray, seeds: tuple[int, ...], rounds: int = ROUNDS
) -> np.ndarray:
    """Tables P and Q of the full club, then of each without one member.

    Parameters
    ----------
    adjacency : ndarray of bool, shape (n, n)
    seeds : tuple of int
    rounds : int

    Returns
    -------
    ndarray, shape (n_seeds, 1 + n, 2, n, DIM)
    """
    n = len(adjacency)
    start = [np.random.default_rng(seed).random((2, n, DIM)) for seed in seeds]
    P, Q = np.repeat(start, 1 + n, axis=0).transpose(1, 0, 2, 3).copy()
    absent = np.tile(np.arange(-1, n), len(seeds))
    rows, rng = np.arange(len(absent)), np.random.default_rng([*seeds, n])
    present = np.arange(n) != absent[:, None]
    for walks in _walks(adjacency, absent, rounds, rng):
        there = walks[:, 0] != absent
        rate = RATE * there[:, None]
        for j, k in POSITIONS:
            u, v = walks[:, j], walks[:, k]
            one = P[rows, u]
            scores = np.einsum("mvd,md->mv", Q, one)
            p = np.exp(scores) * present
            p /= p.sum(axis=1, keepdims=True)
            p[rows, v] -= 1.0
            P[rows, u] = one - rate * np.einsum("mv,mvd->md", p, Q)
            Q -= (rate * p)[:, :, None] * one[:, None]
    return np.stack([P, Q], axis=1).reshape(len(seeds), 1 + n, 2, n, DIM)


def _walks(
    adjacency: np.ndarray, absent: np.ndarray, rounds: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """One walk of each model at a time, (n_models, LENGTH); that from the absent member is idle."""
    n, models = len(adjacency), len(absent)
    neighbours = [_neighbours(adjacency, gone) for gone in absent]
    table, degree = (np.stack(part) for part in zip(*neighbours, strict=True))
    m = np.arange(models)[:, None]
    for _ in range(rounds):
        walks = np.empty((models, n, LENGTH), dtype=int)
        walks[:, :, 0] = rng.permuted(np.tile(np.arange(n), (models, 1)), axis=1)
        for step in range(1, LENGTH):
            here = walks[:, :, step - 1]
            draw = (rng.random(here.shape) * degree[m, here]).astype(int)
            walks[:, :, step] = table[m, here, draw]
        yield from walks.transpose(1, 0, 2)


def _neighbours(adjacency: np.ndarray, gone: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours of each node, padded, and how many: a node without any is its own."""
    n = len(adjacency)
    there = adjacency & (np.arange(n) != gone) & (np.arange(n) != gone)[:, None]
    lists = [np.flatnonzero(row) if row.any() else np.array([u]) for u, row in enumerate(there)]
    table = np.zeros((n, n), dtype=int)
    for u, found in enumerate(lists):
        table[u, : len(found)] = found
    return table, np.array([len(found) for found in lists])
