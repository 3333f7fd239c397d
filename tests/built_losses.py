"""The losses of the table in `cases`, with their data, drawn once from a seed of each its own.

Each function returns ``make(rows, labels)``: the loss built from these rows of its data, in this
order. Targets here do not change along the gauge of a loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

import vifstats as vs
from vifstats.losses import autodiff
from vifstats.losses.row_losses import Beta

N = 40


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def design(seed: int) -> np.ndarray:
    return np.column_stack([np.ones(N), generator(seed).normal(size=(N, 2))])


def rows_of(y: np.ndarray, X: np.ndarray, f: Callable, penalty: Callable | None = None):
    def make(rows, labels):
        return vs.MEstimator(f, (X[rows], y[rows]), labels=labels, penalty=penalty)

    return make


def least_squares():
    X = design(1)
    y = X @ [1.0, 0.5, -0.5] + generator(2).normal(size=N)
    return rows_of(y, X, lambda theta, d: 0.5 * (d[1] - anp.dot(d[0], theta)) ** 2)


def logistic():
    X = design(3)
    y = (generator(4).random(N) < 1 / (1 + np.exp(-X @ [0.2, 1.0, -0.5]))).astype(float)

    def f(theta, d):
        eta = anp.dot(d[0], theta)
        return anp.logaddexp(0.0, eta) - d[1] * eta

    return rows_of(y, X, f, penalty=lambda theta: 0.5 * anp.sum(theta[1:] ** 2))


def firth(row_loss: Any):
    """Logistic or Poisson regression with Firth's penalty, weights and an offset."""
    X, rng = design(34), generator(35)
    mean = np.exp(X @ [-0.3, 0.6, -0.4])
    draws = rng.poisson(mean).astype(float)
    y = np.minimum(draws, 1.0) if row_loss.binary else draws
    weights, offset = rng.uniform(0.5, 2.0, N), 0.3 * rng.normal(size=N)

    def make(rows, labels):
        return vs.losses.LinearPredictor(
            row_loss,
            X[rows],
            y[rows],
            weights=weights[rows],
            offset=offset[rows],
            penalty="firth",
            labels=labels,
        )

    return make


def poisson():
    X = design(5)
    y = generator(6).poisson(np.exp(X @ [1.0, 0.3, -0.3])).astype(float)

    def f(theta, d):
        eta = anp.dot(d[0], theta)
        return anp.exp(eta) - d[1] * eta

    return rows_of(y, X, f)


def huber():
    y = np.concatenate([generator(7).normal(size=N - 4), [8.0, 9.0, -7.0, 12.0]])

    def f(theta, d):
        size = anp.abs(d[1] - theta[0])
        return anp.where(size <= 1.345, 0.5 * size**2, 1.345 * (size - 0.5 * 1.345))

    return rows_of(y, np.ones((N, 1)), f)


def mean():
    y = generator(8).exponential(size=N)

    def make(rows, labels):
        own = y[rows]
        return vs.FunctionLoss(
            lambda theta, b: 0.5 * anp.sum(b * (own - theta[0]) ** 2),
            len(rows),
            1,
            labels=labels,
            names=["mean"],
        )

    return make


def with_analytic_derivatives():
    X = design(9)
    y = X @ [0.0, 1.0, 1.0] + generator(10).normal(size=N)

    def make(rows, labels):
        A, z = X[rows], y[rows]
        return vs.FunctionLoss(
            lambda theta, b: 0.5 * anp.sum(b * (z - anp.dot(A, theta)) ** 2),
            len(rows),
            3,
            labels=labels,
            grad=lambda theta, b: A.T @ (b * (A @ theta - z)),
            hess=lambda theta, b: (A.T * b) @ A,
        )

    return make


def ranking():
    """Sequential choice (Plackett-Luce): item j is chosen among those not yet chosen."""
    X = generator(11).normal(size=(N, 2))
    y = X @ [0.8, -0.4] + generator(12).gumbel(size=N)

    def make(rows, labels):
        order = np.argsort(-y[rows])
        Z = X[rows][order]
        later = np.triu(np.ones((len(rows), len(rows))))

        def f(theta, b):
            present, score = b[order], anp.dot(Z, theta)
            pool = anp.dot(later, present * anp.exp(score))
            return anp.sum(present * (anp.log(anp.where(pool > 0, pool, 1.0)) - score))

        return vs.FunctionLoss(f, len(rows), 2, labels=labels)

    return make


def pairs():
    """RankNet: every pair of present objects, so the loss is quadratic in presence."""
    X = generator(13).normal(size=(N, 2))
    y = X @ [1.0, 0.5] + generator(14).logistic(size=N)

    def make(rows, labels):
        Z = X[rows][np.argsort(-y[rows], kind="stable")]
        order = np.argsort(-y[rows], kind="stable")
        better = np.triu(np.ones((len(rows), len(rows))), 1)

        def f(theta, b):
            score, present = anp.dot(Z, theta), b[order]
            loss = anp.logaddexp(0.0, score[None, :] - score[:, None])
            return anp.sum(better * present[:, None] * present[None, :] * loss)

        return vs.FunctionLoss(f, len(rows), 2, labels=labels)

    return make


def random_effects():
    """One mean and one deviation per object, which the object owns."""
    y = generator(15).normal(2.0, 1.0, size=12)

    def make(rows, labels):
        own = y[rows]

        def f(theta, b):
            deviation = anp.where(autodiff.plain(b) > 0, theta[1:], 0.0)
            residual = own - theta[0] - deviation
            return anp.sum(b * (0.5 * residual**2 + deviation**2))

        return vs.FunctionLoss(
            f,
            len(rows),
            1 + len(rows),
            labels=labels,
            names=["mean", *map(str, rows)],
            owned=lambda i: [1 + i],
        )

    return make


def ring_with_chords(n: int, n_edges: int) -> np.ndarray:
    """A ring with chords."""
    rng, ring = generator(0), np.roll(np.eye(n, dtype=bool), 1, axis=1)
    adjacency = ring | ring.T
    while adjacency.sum() < 2 * n_edges:
        u, v = rng.choice(n, 2, replace=False)
        adjacency[u, v] = adjacency[v, u] = True
    return adjacency


def node_embedding(dim: int, n_edges: int, ridge: float):
    """A graph that is rebuilt; each node owns its rows of the two tables."""
    graph = ring_with_chords(12, n_edges)

    def make(rows, labels):
        part = pd.DataFrame(graph[np.ix_(rows, rows)], index=labels, columns=labels)
        return vs.losses.NodeEmbedding(part, dim=dim, ridge=ridge)

    return make


def scores(theta, b, loss):
    """Of each node near each other one."""
    P, Q = loss.tables(theta)
    return anp.ravel(anp.dot(P, Q.T))


def views() -> tuple[np.ndarray, np.ndarray]:
    X = generator(17).normal(size=(N, 2)) * [2.0, 1.0]
    return X, X + generator(18).normal(size=X.shape)


def matched_sets():
    """N rows in one set, half of them cases, so that a few rows still have one."""
    rng = generator(41)
    X, sets = rng.normal(size=(N, 2)), np.zeros(N)
    y = (np.arange(N) % 2).astype(int)

    def make(rows, labels):
        X_own = pd.DataFrame(X[rows], index=labels, columns=["a", "b"])
        return vs.losses.ConditionalLogistic(X_own, y[rows], sets[rows], penalty=1.0)

    return make


def shared_counts():
    """N rows in sets of eight, with counts of about 2."""
    rng = generator(45)
    X, sets = rng.normal(size=(N, 2)), np.arange(N) // 8
    y = rng.poisson(np.exp(0.7 + X @ [0.3, -0.2]))

    def make(rows, labels):
        X_own = pd.DataFrame(X[rows], index=labels, columns=["a", "b"])
        return vs.losses.ConditionalPoisson(X_own, y[rows], sets[rows], penalty=1.0)

    return make


def mixed_model(reml: bool = True, slopes: bool = False):
    """N rows in eight groups, with random intercepts, and slopes where they are asked for."""
    rng = generator(46)
    groups, x = np.arange(N) % 8, rng.uniform(-2, 2, N)
    X, effects = np.column_stack([np.ones(N), x]), 2 * rng.normal(size=(8, 2))[groups]
    y = X @ [1.0, 0.5] + effects[:, 0] + slopes * effects[:, 1] * x + rng.normal(size=N)

    def make(rows, labels):
        X_own = pd.DataFrame(X[rows], index=labels, columns=["one", "dose"])
        Z = X_own if slopes else None
        return vs.losses.MixedModel(X_own, y[rows], groups[rows], Z, reml=reml)

    return make


def contrastive(dim: int, **options: Any):
    X, partners = views()

    def make(rows, labels):
        one, other = (pd.DataFrame(view[rows], index=labels) for view in (X, partners))
        return vs.losses.InfoNCE(one, other, dim=dim, **options)

    return make


def products(theta, b, loss):
    """W W' of a linear encoder of two features, which turning does not change."""
    W = anp.reshape(theta, (2, -1))
    return anp.stack([anp.sum(W[k] * W[m]) for k, m in ((0, 0), (0, 1), (1, 1))])


def directions(theta, b, loss):
    """The same, whatever the size of W."""
    return products(theta, b, loss) / anp.sum(theta**2)


def triplet(dim: int):
    X, partners = views()
    y = np.where(partners[:, 0] + 0.5 * generator(19).normal(size=N) > 0, "right", "left")

    def make(rows, labels):
        return vs.losses.Triplet(pd.DataFrame(X[rows], index=labels), y[rows], dim=dim, ridge=20.0)

    return make


def listed_items(n: int, n_items: int) -> list[np.ndarray]:
    """Items that queries list, in order: none, some or all."""
    rng = generator(30)
    return [rng.permutation(n_items)[: rng.integers(0, n_items + 1)] for _ in range(n)]


def of_items(build: Callable) -> Callable:
    """A loss of 8 items on 30 queries; lists without the other items, each item by its label."""
    X, lists = generator(31).normal(size=(30, 1)), listed_items(30, 8)

    def make(rows, labels):
        label_of = dict(zip(rows, labels, strict=True))
        kept = [[label_of[item] for item in row if item in label_of] for row in lists]
        return build(X, kept, labels)

    return make


def of_queries(build: Callable) -> Callable:
    """A loss of N queries that list some of 4 items."""
    X, lists = generator(32).normal(size=(N, 1)), listed_items(N, 4)

    def make(rows, labels):
        return build(pd.DataFrame(X[rows], index=labels), [list(lists[k]) for k in rows])

    return make


def rankings(objects: str, unranked: str) -> Callable:
    def ranked(X, lists, labels):
        return vs.losses.PlackettLuce(lists, items=labels, ridge=1.0, unranked=unranked)

    def judged(X, lists):
        judges = pd.Series(lists, index=X.index)
        return vs.losses.PlackettLuce(
            judges, items=4, ridge=1.0, unranked=unranked, objects="judges"
        )

    return of_items(ranked) if objects == "items" else of_queries(judged)


def matches(objects: str) -> Callable:
    rng, n_items = generator(33), 10 if objects == "items" else 4
    first = rng.integers(0, n_items, 80)
    second = (first + rng.integers(1, n_items, 80)) % n_items

    def of_players(rows, labels):
        label_of = dict(zip(rows, labels, strict=True))
        pairs = [
            (label_of[a], label_of[b])
            for a, b in zip(first, second, strict=True)
            if a in label_of and b in label_of
        ]
        winners, losers = zip(*pairs, strict=True) if pairs else ((), ())
        return vs.losses.BradleyTerry(winners, losers, items=labels, ridge=1.0)

    def of_matches(rows, labels):
        winners, losers = (pd.Series(side[rows], index=labels) for side in (first, second))
        return vs.losses.BradleyTerry(winners, losers, items=4, ridge=1.0, objects="matches")

    return of_players if objects == "items" else of_matches


def proportions():
    """Beta regression: a design for the mean, another for the precision."""
    X = design(34)
    mean = 1 / (1 + np.exp(-X @ [0.2, 0.5, -0.5]))
    y = np.clip(generator(35).beta(8 * mean, 8 * (1 - mean)), 0.01, 0.99)
    weights, offset = generator(36).uniform(0.5, 2.0, N), 0.1 * generator(37).normal(size=N)

    def make(rows, labels):
        return vs.losses.LinearPredictor(
            Beta(),
            (pd.DataFrame(X[rows], index=labels), np.ones((len(rows), 1))),
            y[rows],
            offset=(offset[rows], None),
            weights=weights[rows],
            penalty=0.5,
        )

    return make


def somewhere(n_params: int) -> tuple[float, ...]:
    return tuple(generator(0).normal(scale=0.5, size=n_params))


def ridge(strength: float) -> Callable[[np.ndarray], float]:
    return lambda theta: 0.5 * strength * float(theta @ theta)


def frailty():
    """Weibull times in ten clusters of four."""
    rng = generator(36)
    X = pd.DataFrame(rng.normal(size=(N, 1)), columns=["age"])
    ids = np.arange(N) // 4
    risk = rng.gamma(2.0, 0.5, 10)[ids] * np.exp(0.5 * X["age"].to_numpy())
    time, event = (rng.exponential(size=N) / risk) ** 0.8, rng.random(N) < 0.8

    def make(rows, labels):
        return vs.losses.SharedFrailty(
            X.iloc[rows].set_axis(labels, axis=0), time[rows], event[rows], groups=ids[rows]
        )

    return make


def cox(seed: int, ties: str, coarse: bool = False, **columns: Any):
    """`columns` name what the model has: entry, weights, strata, offset; penalty may be "firth"."""
    rng = generator(seed)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["age", "dose"])
    risk = np.exp(0.5 * X["age"].to_numpy() - 0.5 * X["dose"].to_numpy())
    time = rng.exponential(1 / risk)
    event = rng.random(N) < 0.7
    if coarse:
        time = np.ceil(4 * time)
    drawn = {
        "entry": time * rng.uniform(0.0, 0.6, N),
        "weights": rng.uniform(0.5, 2.0, N),
        "strata": rng.integers(0, 2, N),
        "offset": 0.3 * rng.normal(size=N),
    }
    penalty = columns.pop("penalty", None)
    penalty = 0.7 if penalty is True else penalty
    used = {name: drawn[name] for name, has in columns.items() if has}

    def make(rows, labels):
        options = {name: column[rows] for name, column in used.items()}
        return vs.losses.Cox(
            X.iloc[rows].set_axis(labels, axis=0),
            time[rows],
            event[rows],
            ties=ties,
            penalty=penalty,
            **options,
        )

    return make


def fine_gray(seed: int, ties: str, coarse: bool = False, **columns: Any):
    """`columns` name what the model has: weights, strata of the censoring, offset, penalty."""
    rng = generator(seed)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["age", "dose"])
    risk = np.exp(0.5 * X["age"].to_numpy() - 0.5 * X["dose"].to_numpy())
    time = rng.exponential(1 / risk)
    cause = rng.choice([0, 1, 1, 2], N)
    if coarse:
        time = np.ceil(4 * time)
    drawn = {
        "weights": rng.uniform(0.5, 2.0, N),
        "strata": rng.integers(0, 2, N),
        "offset": 0.3 * rng.normal(size=N),
    }
    penalty = 0.7 if columns.pop("penalty", False) else None
    used = {name: drawn[name] for name, has in columns.items() if has}

    def make(rows, labels):
        options = {name: column[rows] for name, column in used.items()}
        own = X.iloc[rows].set_axis(labels, axis=0)
        return vs.losses.FineGray(
            own, time[rows], cause[rows], ties=ties, penalty=penalty, **options
        )

    return make
