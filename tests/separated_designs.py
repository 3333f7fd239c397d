"""Random designs with factors, interactions and rare events, each in two codings of its factors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import autograd.numpy as anp
import numpy as np
import patsy
from references import (
    CoxProblem,
    clogit_faces,
    cox_faces,
    logistic_faces,
    poisson_faces,
    separates,
    shared_counts_faces,
)
from scipy.special import expit

import vifstats as vs
from vifstats.losses import ConditionalLogistic, ConditionalPoisson, Cox, LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.row_losses import Logistic, Poisson
from vifstats.removals import Removals

FORMULAS = ("{a} + x", "{a} + {b} + x", "{a} * {b}", "{a} * x", "{a} * {b} + x")
KINDS = ("cox", "logit", "poisson", "clogit", "cpoisson")


@dataclass(frozen=True, eq=False)
class Coded:
    """A loss on one coding, and whether some of the rows separate, by a linear program."""

    loss: Loss
    separates: Callable[[np.ndarray], bool]

    def found(self) -> np.ndarray:
        """By the package: with all rows, then without each, shape (n + 1,)."""
        n, theta = self.loss.n_objects, np.zeros(self.loss.n_params)
        parts = (Removals.nobody(n), Removals.each(n))
        return np.concatenate([self.loss.separated(theta, part) for part in parts])

    def expected(self) -> np.ndarray:
        """The same by one linear program for each."""
        everyone = np.arange(self.loss.n_objects)
        kept = [everyone, *(np.delete(everyone, i) for i in everyone)]
        return np.array([self.separates(rows) for rows in kept])


def coded(seed: int, kind: str) -> list[Coded]:
    """One random problem with the first level of each factor as its reference, and with the last.

    Parameters
    ----------
    seed : int
    kind : {"cox", "logit", "poisson", "clogit", "cpoisson"}
    """
    rng = np.random.default_rng(seed)
    designs = _designs(rng)
    while any(np.linalg.matrix_rank(X) < X.shape[1] for X in designs):
        designs = _designs(rng)
    n, rate = len(designs[0]), rng.choice([0.15, 0.35, 0.6])
    y = (rng.random(n) < rate).astype(float)
    y[0] = 1.0
    if kind == "logit":
        return [_logit(X, y) for X in designs]
    if kind == "poisson":
        counts = rng.poisson(2 * rate, size=n).astype(float)
        return [_poisson(X, counts) for X in designs]
    if kind == "clogit":
        sets = rng.permutation(np.arange(n) % int(rng.integers(2, n // 3)))
        y[np.unique(sets, return_index=True)[1]] = 1.0
        return [_clogit(X[:, 1:], y, sets) for X in designs]
    if kind == "cpoisson":
        counts = rng.poisson(2 * rate, size=n).astype(float)
        sets = rng.permutation(np.arange(n) % int(rng.integers(2, n // 3)))
        return [_cpoisson(X[:, 1:], counts, sets) for X in designs]
    time = rng.exponential(size=n)
    time = np.ceil(4 * time) if rng.random() < 0.5 else time
    strata = rng.integers(0, 2, size=n) if rng.random() < 0.3 else None
    entry = 0.8 * time * rng.random(n) if rng.random() < 0.3 else None
    return [_cox(X[:, 1:], time, y, entry, strata) for X in designs]


def _designs(rng: np.random.Generator) -> list[np.ndarray]:
    n, k = int(rng.integers(20, 60)), int(rng.integers(2, 5))
    data = {
        "a": rng.choice(list("abcd")[:k], size=n, p=rng.dirichlet(np.full(k, 2.0))),
        "b": rng.choice(["u", "v"], size=n, p=[0.75, 0.25]),
        "x": rng.normal(size=n) if rng.random() < 0.5 else rng.integers(0, 4, size=n),
    }
    formula = rng.choice(FORMULAS)
    codings = []
    for reference in (min, max):
        levels = {name: reference(data[name].tolist()) for name in "ab"}
        terms = {name: f"C({name}, Treatment('{level}'))" for name, level in levels.items()}
        codings.append(np.asarray(patsy.dmatrix(formula.format(**terms), data)))
    return codings


def _cox(X, time, event, entry, strata) -> Coded:
    problem = CoxProblem(X, time, event == 1, entry=entry, strata=strata)
    none = np.zeros((0, X.shape[1]))
    return Coded(
        Cox(X, time, event, entry=entry, strata=strata),
        lambda rows: separates(cox_faces(problem.take(rows)), none),
    )


def _clogit(X: np.ndarray, y: np.ndarray, sets: np.ndarray) -> Coded:
    none = np.zeros((0, X.shape[1]))
    return Coded(
        ConditionalLogistic(X, y, sets),
        lambda rows: separates(clogit_faces(X[rows], y[rows], sets[rows]), none),
    )


def _cpoisson(X: np.ndarray, y: np.ndarray, sets: np.ndarray) -> Coded:
    return Coded(
        ConditionalPoisson(X, y, sets),
        lambda rows: separates(*shared_counts_faces(X[rows], y[rows], sets[rows])),
    )


def _logit(X: np.ndarray, y: np.ndarray) -> Coded:
    none = np.zeros((0, X.shape[1]))
    return Coded(
        LinearPredictor(Logistic(), X, y),
        lambda rows: separates(logistic_faces(X[rows], y[rows]), none),
    )


def _poisson(X: np.ndarray, y: np.ndarray) -> Coded:
    return Coded(
        LinearPredictor(Poisson(), X, y),
        lambda rows: separates(*poisson_faces(X[rows], y[rows])),
    )


@cache  # its refit without row 0 goes a long way before it gives up
def separated_without_row_0() -> vs.Estimate:
    """Logistic regression, of which the loss cannot tell that only row 0 keeps it finite."""
    x = np.concatenate([[-3.0], np.linspace(-2, 2, 20)])
    y = np.concatenate([[1.0], (np.linspace(-2, 2, 20) > 0).astype(float)])
    X = np.column_stack([np.ones(21), x])

    def f(theta, y):
        eta = anp.dot(X, theta)
        return anp.logaddexp(0.0, eta) - y * eta

    def grad(theta, y):
        return (expit(X @ theta) - y)[:, None] * X

    def hess(theta, y):
        mean = expit(X @ theta)
        return (mean * (1 - mean))[:, None, None] * X[:, :, None] * X[:, None]

    return vs.minimize(vs.MEstimator(f, y, grad=grad, hess=hess), [0.0, 0.0])
