"""Solvers against the dense solve, and where that is too large, against one another.

Models of two kinds: node embeddings of random graphs, which curve in all directions, and logistic
regressions of few rows on many columns, which curve in few directions and by the ridge in all
others.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import autograd.numpy as anp
import networkx as nx
import numpy as np
import pandas as pd
from scipy.optimize import minimize

import vifstats as vs
from validation.experiment import Clock, Experiment, Record, Table
from vifstats.losses import Loss, NodeEmbedding
from vifstats.removals import Removals
from vifstats.solvers import Cholesky, ConjugateGradient, HessianProduct, Lanczos, Solver

SIZES = (1_000, 10_000, 100_000)
# H is formed up to so many parameters.
DENSE = 10_000


def run(clock: Clock, size: int) -> dict[str, Any]:
    """Both kinds of model with so many parameters."""
    kinds = {"embedding": embedding, "wide logistic regression": WideLogistic}
    return {name: compared(make(size), clock, name) for name, make in kinds.items()}


def embedding(size: int) -> NodeEmbedding:
    """A random graph of preferential attachment, as many nodes and dimensions as make the size."""
    n, dim = {1_000: (125, 4), 10_000: (1250, 4), 100_000: (1562, 32)}[size]
    graph = nx.barabasi_albert_graph(n, 3, seed=0)
    return NodeEmbedding(nx.to_scipy_sparse_array(graph), dim=dim, ridge=5.0)


class WideLogistic(Loss):
    """Logistic regression of 400 rows on many columns, the singular values of X as 40/k."""

    ridge = 1.0

    def __init__(self, size: int) -> None:
        rng = np.random.default_rng(0)
        self.n_objects, self.n_params, self.labels = 400, size, pd.RangeIndex(400)
        left = np.linalg.qr(rng.normal(size=(400, 400)))[0]
        right = np.linalg.qr(rng.normal(size=(size, 400)))[0]
        self.X = (left * (40.0 / np.arange(1, 401))) @ right.T
        self.y = (rng.random(400) < 0.5).astype(float)

    def start(self) -> np.ndarray:
        return np.zeros(self.n_params)

    def value(self, theta: Any, presence: Any) -> Any:
        eta = anp.dot(self.X, theta)
        rows = anp.logaddexp(0.0, eta) - self.y * eta
        return anp.sum(presence * rows) + 0.5 * self.ridge * anp.sum(theta**2)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone() if presence is None else presence
        return self.X.T @ (b * (self._probability(theta) - self.y)) + self.ridge * theta

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each() if removals is None else removals
        residual = self._probability(theta) - self.y
        return np.stack([residual[i] @ self.X[i] for i in removals])

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        p = self._probability(theta)
        b = self.everyone() if presence is None else presence
        H = (self.X.T * (b * p * (1 - p))) @ self.X
        H[np.diag_indices(len(H))] += self.ridge
        return H

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        p = self._probability(theta)
        b = self.everyone() if presence is None else presence
        return self.X.T @ (b * p * (1 - p) * (self.X @ vector)) + self.ridge * vector

    def _probability(self, theta: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-self.X @ theta))


def compared(loss: Any, clock: Clock, name: str) -> dict[str, Any]:
    """Influence of three objects, the first, the middle and the last, by every solver."""
    with clock.timing(f"{name}: fit"):
        est = vs.Estimate(loss, fitted(loss), tol=np.inf)
    objects = np.linspace(0, loss.n_objects - 1, 3).astype(int).tolist()
    with clock.timing(f"{name}: gradient differences"):
        D = loss.gradient_differences(est.theta, est.removals(objects=objects))
    solutions = {}
    for method, solver in solvers(est).items():
        with clock.timing(f"{name}: {method}"):
            solutions[method] = est.solution(D, solver)
    reference = next(iter(solutions.values())).rows
    return {
        "objects": loss.n_objects,
        "parameters": len(est.theta),
        "solvers": {
            method: {
                "relative_error": float(
                    np.linalg.norm(solution.rows - reference) / np.linalg.norm(reference)
                ),
                "residual": residual(est, solution.rows, D),
                "note": solution.note,
            }
            for method, solution in solutions.items()
        },
    }


def solvers(est: vs.Estimate) -> dict[str, Solver | None]:
    """The first is what the others are compared with; None is the default, Cholesky."""
    iterative = {
        "conjugate gradients, 1e-8": ConjugateGradient(tol=1e-8),
        "conjugate gradients, 1e-3": ConjugateGradient(tol=1e-3),
        "conjugate gradients, 1e-8, after Lanczos of rank 50": AfterLanczos(50),
        "Lanczos, rank 50": Lanczos(rank=50, rest=est.loss.ridge),
        "Lanczos, rank 200": Lanczos(rank=200, rest=est.loss.ridge),
    }
    dense = {"Cholesky": None, "Cholesky, damping 0.01": Cholesky(damping=0.01)}
    return (dense if len(est.theta) <= DENSE else {}) | iterative


class AfterLanczos(Solver):
    """Conjugate gradients with the directions of largest curvature taken out beforehand."""

    matrix_free = True

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def factor(self, H: HessianProduct, names: Any = None) -> Any:
        top = Lanczos(self.rank).factor(H)
        # as far as it knows, all others curve like the last that it found
        known = replace(top, rest=float(top.eigenvalues.min()))
        return ConjugateGradient(tol=1e-8, preconditioner=known.solve).factor(H)


def residual(est: vs.Estimate, rows: np.ndarray, D: np.ndarray) -> float:
    """The largest |H x - r| / |r|."""
    left = [est.loss.hessian_product(est.theta, x) - r for x, r in zip(rows, D, strict=True)]
    return float(np.max(np.linalg.norm(left, axis=1) / np.linalg.norm(D, axis=1)))


def fitted(loss: Any) -> np.ndarray:
    """A minimum without H: quasi-Newton steps first, then Newton steps by conjugate gradients."""
    b = loss.everyone()

    def value_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return float(loss.value(theta, b)), loss.gradient(theta, b)

    rough = minimize(
        value_and_slope,
        loss.start(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "maxfun": 3000, "ftol": 1e-13, "gtol": 1e-3},
    )
    fine = minimize(
        value_and_slope,
        rough.x,
        jac=True,
        hessp=lambda theta, v: loss.hessian_product(theta, v, b),
        method="trust-krylov",
        options={"gtol": 1e-7, "maxiter": 500},
    )
    return fine.x


def tables(record: Record) -> list[Table]:
    """One line for each solver."""
    rows = [
        [name, method, record.seconds[f"{name}: {method}"], one["relative_error"], one["residual"]]
        for name, found in record.numbers.items()
        for method, one in found["solvers"].items()
    ]
    heads = ["model", "solver", "seconds", "relative error", "residual"]
    return [
        Table("Influence of three objects; relative error against the first solver", heads, rows)
    ]


def _experiment(size: int) -> Experiment:
    return Experiment(
        name=f"solvers_{size}",
        title=f"Solvers: {size:,} parameters",
        text=(
            "H^-1 D for three objects, the first, the middle and the last. Errors are relative to "
            "the dense solve, or at 100 000 parameters, where no H is formed, to conjugate "
            "gradients with a tolerance of 1e-8. Which to take: docs/choosing_a_solver.md."
        ),
        run=partial(run, size=size),
        tables=tables,
        quick=size == SIZES[0],
    )


EXPERIMENTS = tuple(map(_experiment, SIZES))
