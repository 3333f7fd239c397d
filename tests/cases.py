"""The one table of losses and models that every invariant runs over; a new loss is a new row.

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_something(case):
        loss, est = case.loss(), case.estimate()

The data of a row are drawn once, from a seed of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

import vifstats as vs
from vifstats.losses import Loss

N = 40


@dataclass(frozen=True)
class Bounds:
    """What agreement of vif with exact refits a row promises, for its worst parameter.

    Attributes
    ----------
    slope : tuple of float
        Of refits on vif: lowest, highest.
    pearson, largest_relative_error : float
    left_out : int
        Entries that have no refit to compare with.
    """

    slope: tuple[float, float]
    pearson: float
    largest_relative_error: float
    left_out: int = 0


@dataclass(frozen=True)
class Case:
    """One loss with data.

    Attributes
    ----------
    name : str
    make : callable
        ``make(rows, labels)``: the loss built from these rows of the data, in this order.
    start : tuple of float
        Where `minimize` starts, one number per parameter.
    bounds : Bounds
    n : int
    """

    name: str
    make: Callable[[np.ndarray, pd.Index], Loss]
    start: tuple[float, ...]
    bounds: Bounds
    n: int = N

    def __str__(self) -> str:
        return self.name

    def loss(self, rows: Any = None, labels: Any = None) -> Loss:
        """The loss of these rows; default all, with labels 100, 101, ..."""
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        return self.make(rows, pd.Index(rows + 100 if labels is None else labels))

    @property
    def place(self) -> np.ndarray:
        """Somewhere beside the minimum, at which derivatives are compared."""
        step = np.random.default_rng(0).uniform(-0.2, 0.2, len(self.start))
        return np.array(self.start) + step

    def estimate(self) -> vs.Estimate:
        """The fit to all rows, computed once."""
        return _fits(self)

    @property
    def owns(self) -> bool:
        """Whether parameters vanish with an object."""
        return len(self.loss().owned(0)) > 0

    @property
    def fractional(self) -> bool:
        """Whether presence between 0 and 1 has a meaning, and with it the classical IF."""
        return self.loss().fractional


@cache
def _fits(case: Case) -> vs.Estimate:
    return vs.minimize(case.loss(), case.start)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _design(seed: int) -> np.ndarray:
    return np.column_stack([np.ones(N), _rng(seed).normal(size=(N, 2))])


def _rows_of(y: np.ndarray, X: np.ndarray, f: Callable, penalty: Callable | None = None):
    def make(rows, labels):
        return vs.MEstimator(f, (X[rows], y[rows]), labels=labels, penalty=penalty)

    return make


def _least_squares():
    X = _design(1)
    y = X @ [1.0, 0.5, -0.5] + _rng(2).normal(size=N)
    return _rows_of(y, X, lambda theta, d: 0.5 * (d[1] - anp.dot(d[0], theta)) ** 2)


def _logistic():
    X = _design(3)
    y = (_rng(4).random(N) < 1 / (1 + np.exp(-X @ [0.2, 1.0, -0.5]))).astype(float)

    def f(theta, d):
        eta = anp.dot(d[0], theta)
        return anp.logaddexp(0.0, eta) - d[1] * eta

    return _rows_of(y, X, f, penalty=lambda theta: 0.5 * anp.sum(theta[1:] ** 2))


def _poisson():
    X = _design(5)
    y = _rng(6).poisson(np.exp(X @ [1.0, 0.3, -0.3])).astype(float)

    def f(theta, d):
        eta = anp.dot(d[0], theta)
        return anp.exp(eta) - d[1] * eta

    return _rows_of(y, X, f)


def _huber():
    y = np.concatenate([_rng(7).normal(size=N - 4), [8.0, 9.0, -7.0, 12.0]])

    def f(theta, d):
        size = anp.abs(d[1] - theta[0])
        return anp.where(size <= 1.345, 0.5 * size**2, 1.345 * (size - 0.5 * 1.345))

    return _rows_of(y, np.ones((N, 1)), f)


def _mean():
    y = _rng(8).exponential(size=N)

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


def _with_analytic_derivatives():
    X = _design(9)
    y = X @ [0.0, 1.0, 1.0] + _rng(10).normal(size=N)

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


def _ranking():
    """Sequential choice (Plackett-Luce): item j is chosen among those not yet chosen."""
    X = _rng(11).normal(size=(N, 2))
    y = X @ [0.8, -0.4] + _rng(12).gumbel(size=N)

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


def _pairs():
    """RankNet: every pair of present objects, so the loss is quadratic in presence."""
    X = _rng(13).normal(size=(N, 2))
    y = X @ [1.0, 0.5] + _rng(14).logistic(size=N)

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


def _random_effects():
    """One mean and one deviation per object, which the object owns."""
    y = _rng(15).normal(2.0, 1.0, size=12)

    def make(rows, labels):
        own = y[rows]

        def f(theta, b):
            residual = own - theta[0] - theta[1:]
            return anp.sum(b * (0.5 * residual**2 + theta[1:] ** 2))

        return vs.FunctionLoss(f, len(rows), 1 + len(rows), labels=labels, owned=lambda i: [1 + i])

    return make


def _graph(n: int, n_edges: int) -> np.ndarray:
    """A ring with chords."""
    rng, ring = _rng(0), np.roll(np.eye(n, dtype=bool), 1, axis=1)
    adjacency = ring | ring.T
    while adjacency.sum() < 2 * n_edges:
        u, v = rng.choice(n, 2, replace=False)
        adjacency[u, v] = adjacency[v, u] = True
    return adjacency


def _node_embedding(dim: int):
    """A graph that is rebuilt; each node owns its rows of the two tables."""
    graph = _graph(12, 26)

    def make(rows, labels):
        part = pd.DataFrame(graph[np.ix_(rows, rows)], index=labels, columns=labels)
        return vs.losses.NodeEmbedding(part, dim=dim, ridge=3.0)

    return make


def _views() -> tuple[np.ndarray, np.ndarray]:
    X = _rng(17).normal(size=(N, 2)) * [2.0, 1.0]
    return X, X + _rng(18).normal(size=X.shape)


def _contrastive(dim: int, **options: Any):
    X, partners = _views()

    def make(rows, labels):
        one, other = (pd.DataFrame(view[rows], index=labels) for view in (X, partners))
        return vs.losses.InfoNCE(one, other, dim=dim, **options)

    return make


def _triplet(dim: int):
    X, partners = _views()
    y = np.where(partners[:, 0] + 0.5 * _rng(19).normal(size=N) > 0, "right", "left")

    def make(rows, labels):
        return vs.losses.Triplet(pd.DataFrame(X[rows], index=labels), y[rows], dim=dim, ridge=20.0)

    return make


def _lists(n: int, n_items: int) -> list[np.ndarray]:
    """Items that queries list, in order: none, some or all."""
    rng = _rng(30)
    return [rng.permutation(n_items)[: rng.integers(0, n_items + 1)] for _ in range(n)]


def _of_items(build: Callable) -> Callable:
    """A loss of 8 items on 30 queries; lists without the other items, each item by its label."""
    X, lists = _rng(31).normal(size=(30, 1)), _lists(30, 8)

    def make(rows, labels):
        label_of = dict(zip(rows, labels, strict=True))
        kept = [[label_of[item] for item in row if item in label_of] for row in lists]
        return build(X, kept, labels)

    return make


def _of_queries(build: Callable) -> Callable:
    """A loss of N queries that list some of 4 items."""
    X, lists = _rng(32).normal(size=(N, 1)), _lists(N, 4)

    def make(rows, labels):
        return build(pd.DataFrame(X[rows], index=labels), [list(lists[k]) for k in rows])

    return make


def _rankings(objects: str, unranked: str) -> Callable:
    def of_items(X, lists, labels):
        return vs.losses.PlackettLuce(lists, items=labels, ridge=1.0, unranked=unranked)

    def of_judges(X, lists):
        judges = pd.Series(lists, index=X.index)
        return vs.losses.PlackettLuce(
            judges, items=4, ridge=1.0, unranked=unranked, objects="judges"
        )

    return _of_items(of_items) if objects == "items" else _of_queries(of_judges)


def _matches(objects: str) -> Callable:
    rng, n_items = _rng(33), 10 if objects == "items" else 4
    first = rng.integers(0, n_items, 80)
    second = (first + rng.integers(1, n_items, 80)) % n_items

    def of_items(rows, labels):
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

    return of_items if objects == "items" else of_matches


def _somewhere(n_params: int) -> tuple[float, ...]:
    return tuple(_rng(0).normal(scale=0.5, size=n_params))


def _cox(seed: int, ties: str, coarse: bool = False, **columns: Any):
    """`columns` name what the model has: entry, weights, strata, offset, penalty."""
    rng = _rng(seed)
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
    penalty = 0.7 if columns.pop("penalty", False) else None
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


# Slopes above 1: the Hessian without a row is smaller, at n = 40 by up to a fifth.
ROWS = Bounds((1.01, 1.22), 0.997, 0.23)
COX = Bounds((1.05, 1.2), 0.985, 0.33)

CASES = [
    Case("mean", _mean(), (0.0,), Bounds((1.02, 1.03), 0.999999, 0.03)),
    Case("grad and hess", _with_analytic_derivatives(), (0.0, 0.0, 0.0), ROWS),
    Case("ranking", _ranking(), (0.0, 0.0), COX),
    Case("pairs", _pairs(), (0.0, 0.0), Bounds((1.15, 1.3), 0.99, 0.27)),
    Case(
        "random effects",
        _random_effects(),
        (0.0,) * 13,
        Bounds((1.09, 1.091), 0.999999, 0.084, left_out=12),
        n=12,
    ),
    Case(
        "node embedding",
        _node_embedding(dim=1),
        _somewhere(24),
        Bounds((0.6, 0.9), 0.85, 0.9, left_out=24),
        n=12,
    ),
    Case("contrastive", _contrastive(dim=1), _somewhere(2), Bounds((1.1, 1.23), 0.98, 0.34)),
    Case(
        "contrastive, both views",
        _contrastive(dim=1, negatives="both"),
        _somewhere(2),
        Bounds((1.1, 1.16), 0.99, 0.33),
    ),
    Case("triplet", _triplet(dim=1), _somewhere(2), Bounds((1.15, 1.22), 0.996, 0.26)),
    Case(
        "ListMLE, items",
        _of_items(lambda X, Y, labels: vs.losses.ListMLE(X, Y, items=labels, ridge=1.0)),
        _somewhere(16),
        Bounds((1.04, 1.12), 0.995, 0.13, left_out=16),
        n=8,
    ),
    Case(
        "ListMLE, queries",
        _of_queries(lambda X, Y: vs.losses.ListMLE(X, Y, items=4, ridge=1.0, objects="queries")),
        _somewhere(8),
        ROWS,
    ),
    Case(
        "softmax, items",
        # fixed, because weights 1/k of the items that are left are no sum
        _of_items(
            lambda X, Y, labels: vs.losses.SoftmaxCrossEntropy(
                X, Y, items=labels, ridge=1.0, weights=1 / np.arange(2, 32)
            )
        ),
        _somewhere(16),
        Bounds((1.04, 1.12), 0.995, 0.13, left_out=16),
        n=8,
    ),
    Case(
        "softmax, queries",
        _of_queries(
            lambda X, Y: vs.losses.SoftmaxCrossEntropy(X, Y, items=4, ridge=1.0, objects="queries")
        ),
        _somewhere(8),
        Bounds((1.07, 1.21), 0.996, 0.22),
    ),
    Case(
        "Plackett-Luce, items",
        _rankings("items", "absent"),
        _somewhere(8),
        Bounds((1.03, 1.11), 0.995, 0.13, left_out=8),
        n=8,
    ),
    Case("Plackett-Luce, judges", _rankings("judges", "last"), _somewhere(4), ROWS),
    Case(
        "Bradley-Terry, items",
        _matches("items"),
        _somewhere(10),
        Bounds((1.1, 1.22), 0.99, 0.22, left_out=10),
        n=10,
    ),
    Case("Bradley-Terry, matches", _matches("matches"), _somewhere(4), ROWS),
    Case("least squares", _least_squares(), (0.0, 0.0, 0.0), ROWS),
    Case("logistic ridge", _logistic(), (0.0, 0.0, 0.0), ROWS),
    Case("poisson", _poisson(), (0.0, 0.0, 0.0), ROWS),
    Case("huber", _huber(), (0.0,), ROWS),
    Case("cox breslow", _cox(20, "breslow"), (0.0, 0.0), COX),
    Case("cox efron", _cox(21, "efron"), (0.0, 0.0), COX),
    Case("cox breslow ties", _cox(22, "breslow", coarse=True), (0.0, 0.0), COX),
    Case("cox efron ties", _cox(23, "efron", coarse=True), (0.0, 0.0), COX),
    Case("cox strata", _cox(24, "efron", coarse=True, strata=True), (0.0, 0.0), COX),
    Case("cox weights", _cox(25, "efron", coarse=True, weights=True), (0.0, 0.0), COX),
    Case("cox entry", _cox(26, "efron", coarse=True, entry=True), (0.0, 0.0), COX),
    Case("cox offset", _cox(27, "efron", coarse=True, offset=True), (0.0, 0.0), COX),
    Case("cox ridge", _cox(28, "efron", coarse=True, penalty=True), (0.0, 0.0), COX),
    Case(
        "cox everything",
        _cox(
            29,
            "efron",
            coarse=True,
            strata=True,
            weights=True,
            entry=True,
            offset=True,
            penalty=True,
        ),
        (0.0, 0.0),
        COX,
    ),
]
# Losses that do not change along some directions. Of these only targets can be compared, so they
# run through what is true of a loss, not through what is true of its parameters.
GAUGE = [
    Case("node embedding in a plane", _node_embedding(dim=2), _somewhere(48), ROWS, n=12),
    Case("contrastive in a plane", _contrastive(dim=2), _somewhere(4), ROWS),
    Case("triplet in a plane", _triplet(dim=2), _somewhere(4), ROWS),
]
BY_NAME = {case.name: case for case in [*CASES, *GAUGE]}
