"""The one table of losses and models that every invariant runs over; a new loss is a new row.

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_something(case):
        loss, est = case.loss(), case.estimate()

The losses themselves are in `built_losses`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from built_losses import (
    N,
    contrastive,
    cox,
    directions,
    fine_gray,
    firth,
    frailty,
    huber,
    least_squares,
    logistic,
    matched_sets,
    matches,
    mean,
    mixed_model,
    node_embedding,
    of_items,
    of_queries,
    pairs,
    poisson,
    products,
    proportions,
    random_effects,
    ranking,
    rankings,
    ridge,
    scores,
    shared_counts,
    somewhere,
    triplet,
    with_analytic_derivatives,
)

import vifstats as vs
from vifstats.losses import Loss
from vifstats.losses.row_losses import Logistic


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
    newton : float
        Relative error of newton, at most so many times that of vif.
    """

    slope: tuple[float, float]
    pearson: float
    largest_relative_error: float
    left_out: int = 0
    newton: float = 1.0


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
    penalty : callable
        ``penalty(theta)``: what no object owns.
    invariants : callable, optional
        A target that does not change along the gauge directions of the loss; None where there
        are none.
    skip : tuple of str
        Rules of `check_loss` that the loss breaks on purpose.
    named : bool
        Whether the data name the objects by their labels, so that no two may be alike.
    needs_somebody : bool
        Whether the loss is not defined without any object.
    """

    name: str
    make: Callable[[np.ndarray, pd.Index], Loss]
    start: tuple[float, ...]
    bounds: Bounds
    n: int = N
    penalty: Callable[[np.ndarray], float] = lambda theta: 0.0
    invariants: Callable | None = None
    skip: tuple[str, ...] = ()
    named: bool = False
    needs_somebody: bool = False

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

    def influence(self, method: Callable[[vs.Estimate], vs.Influence]) -> vs.Influence:
        """Of every object on the fit, computed once."""
        return _influences(self, method)

    def comparable(self, result: vs.Influence) -> vs.Influence | vs.TargetInfluence:
        """What of a result has a meaning: along a gauge theta has none."""
        return result if self.invariants is None else result.on(self.invariants)

    def seen(self, theta: np.ndarray, loss: Loss) -> np.ndarray:
        """What of theta has a meaning."""
        if self.invariants is None:
            return theta
        return np.asarray(self.invariants(theta, loss.everyone(), loss))

    def parameters(self, rows: np.ndarray) -> np.ndarray:
        """Which of theta the loss of these rows has, in its order: the names tell."""
        if not self.owns:
            return np.arange(len(self.start))
        return pd.Index(self.loss().names).get_indexer(pd.Index(self.loss(rows).names))

    def complement(self, theta: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Orthonormal columns across the gauge, of the parameters that these rows have."""
        has = np.arange(len(theta)) if rows is None else np.sort(self.parameters(rows))
        gauge = self.loss().gauge(theta)[:, has]
        _, sizes, V = np.linalg.svd(gauge)
        return V[int((sizes > 1e-10).sum()) :].T

    @property
    def public(self) -> str:
        """The public name of the loss, of which its own class may be a kind."""
        kinds = [cls.__name__ for cls in type(self.loss()).__mro__]
        return next(name for name in kinds if name in vs.losses.__all__)

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


@cache
def _influences(case: Case, method: Callable[[vs.Estimate], vs.Influence]) -> vs.Influence:
    return method(case.estimate())


# Slopes above 1: the Hessian without a row is smaller, at n = 40 by up to a fifth.
ROWS = Bounds((1.01, 1.22), 0.997, 0.23)
COX = Bounds((1.05, 1.2), 0.985, 0.33)

CASES = [
    Case("mean", mean(), (0.0,), Bounds((1.02, 1.03), 0.999999, 0.03)),
    Case("grad and hess", with_analytic_derivatives(), (0.0, 0.0, 0.0), ROWS),
    Case("ranking", ranking(), (0.0, 0.0), COX),
    Case("pairs", pairs(), (0.0, 0.0), Bounds((1.15, 1.3), 0.99, 0.27)),
    Case(
        "random effects",
        random_effects(),
        (0.0,) * 13,
        Bounds((1.09, 1.091), 0.999999, 0.084, left_out=12),
        n=12,
    ),
    Case(
        "node embedding",
        node_embedding(dim=1, n_edges=26, ridge=3.0),
        somewhere(24),
        Bounds((0.6, 0.9), 0.85, 0.9, left_out=24),
        n=12,
        named=True,
    ),
    Case(
        "node embedding in a plane",
        node_embedding(dim=2, n_edges=14, ridge=4.0),
        somewhere(48),
        Bounds((0.85, 1.55), 0.9, 0.55, left_out=276),
        n=12,
        invariants=scores,
        named=True,
    ),
    Case(
        "contrastive",
        contrastive(dim=1),
        somewhere(2),
        Bounds((1.1, 1.23), 0.98, 0.34),
        penalty=ridge(1.0),
    ),
    Case(
        "contrastive in a plane",
        contrastive(dim=2),
        somewhere(4),
        Bounds((1.1, 1.16), 0.99, 0.27),
        penalty=ridge(1.0),
        invariants=products,
    ),
    Case(
        "contrastive, cosines",
        contrastive(dim=2, normalize=True, ridge=0.0),
        somewhere(4),
        # A turn moves the third derivative more than a row moves H.
        Bounds((1.05, 1.08), 0.985, 0.25, newton=1.15),
        invariants=directions,
    ),
    Case(
        "contrastive, both views",
        contrastive(dim=1, negatives="both"),
        somewhere(2),
        Bounds((1.1, 1.16), 0.99, 0.33),
        penalty=ridge(1.0),
    ),
    Case(
        "triplet",
        triplet(dim=1),
        somewhere(2),
        Bounds((1.22, 1.25), 0.995, 0.31),
        n=28,
        penalty=ridge(20.0),
    ),
    Case(
        "triplet in a plane",
        triplet(dim=2),
        somewhere(4),
        Bounds((1.22, 1.25), 0.995, 0.31),
        n=28,
        penalty=ridge(20.0),
        invariants=products,
    ),
    Case(
        "ListMLE, items",
        of_items(lambda X, Y, labels: vs.losses.ListMLE(X, Y, items=labels, ridge=1.0)),
        somewhere(16),
        Bounds((1.04, 1.12), 0.995, 0.13, left_out=16),
        n=8,
        named=True,
    ),
    Case(
        "ListMLE, queries",
        of_queries(lambda X, Y: vs.losses.ListMLE(X, Y, items=4, ridge=1.0, objects="queries")),
        somewhere(8),
        ROWS,
        penalty=ridge(1.0),
    ),
    Case(
        "softmax renormalised, items",
        of_items(lambda X, Y, labels: vs.losses.SoftmaxCrossEntropy(X, Y, items=labels, ridge=1.0)),
        somewhere(16),
        Bounds((0.91, 1.13), 0.97, 0.28, left_out=16),
        n=8,
        skip=("sum",),  # weights 1/k of the items that are left are a mean
        named=True,
    ),
    Case(
        "softmax, items",
        of_items(
            lambda X, Y, labels: vs.losses.SoftmaxCrossEntropy(
                X, Y, items=labels, ridge=1.0, weights=1 / np.arange(2, 32)
            )
        ),
        somewhere(16),
        Bounds((1.04, 1.12), 0.995, 0.13, left_out=16),
        n=8,
        named=True,
    ),
    Case(
        "softmax, queries",
        of_queries(
            lambda X, Y: vs.losses.SoftmaxCrossEntropy(X, Y, items=4, ridge=1.0, objects="queries")
        ),
        somewhere(8),
        Bounds((1.07, 1.21), 0.996, 0.22),
        penalty=ridge(1.0),
    ),
    Case(
        "Plackett-Luce, items",
        rankings("items", "absent"),
        somewhere(8),
        Bounds((1.03, 1.11), 0.995, 0.13, left_out=8),
        n=8,
        named=True,
    ),
    Case(
        "Plackett-Luce, judges",
        rankings("judges", "last"),
        somewhere(4),
        ROWS,
        penalty=ridge(1.0),
    ),
    Case(
        "Bradley-Terry, items",
        matches("items"),
        somewhere(10),
        Bounds((1.1, 1.22), 0.99, 0.22, left_out=10),
        n=10,
        named=True,
    ),
    Case("Bradley-Terry, matches", matches("matches"), somewhere(4), ROWS, penalty=ridge(1.0)),
    Case("matched sets", matched_sets(), (0.0, 0.0), ROWS, n=28, penalty=ridge(1.0)),
    Case(
        "shared counts",
        shared_counts(),
        (0.0, 0.0),
        Bounds((1.1, 1.2), 0.99, 0.27),
        penalty=ridge(1.0),
    ),
    Case(
        "random intercepts",
        mixed_model(),
        (0.0, 0.0, 0.5, 0.5),
        ROWS,
        # by REML nobody has an information, of which the logarithm is taken
        penalty=lambda theta: -np.inf,
    ),
    Case(
        "random slopes by ML",
        mixed_model(reml=False, slopes=True),
        (0.0, 0.0, 0.5, 0.5, 0.0, 0.5),
        Bounds((1.1, 1.36), 0.97, 0.5),
    ),
    Case("least squares", least_squares(), (0.0, 0.0, 0.0), ROWS),
    Case(
        "logistic ridge",
        logistic(),
        (0.0, 0.0, 0.0),
        ROWS,
        penalty=lambda theta: 0.5 * float(theta[1:] @ theta[1:]),
    ),
    Case("poisson", poisson(), (0.0, 0.0, 0.0), ROWS),
    Case(
        "logistic firth",
        firth(Logistic()),
        (0.0, 0.0, 0.0),
        Bounds((1.1, 1.3), 0.985, 0.38),
        needs_somebody=True,
    ),
    Case("frailty", frailty(), (0.3, 0.0, 0.0, -0.5), Bounds((1.05, 1.15), 0.99, 0.34)),
    Case("huber", huber(), (0.0,), ROWS),
    Case(
        "beta regression",
        proportions(),
        (0.0,) * 4,
        Bounds((1.12, 1.36), 0.985, 0.4),
        penalty=ridge(0.5),
    ),
    Case("cox breslow", cox(20, "breslow"), (0.0, 0.0), COX),
    Case("cox efron", cox(21, "efron"), (0.0, 0.0), COX),
    Case("cox breslow ties", cox(22, "breslow", coarse=True), (0.0, 0.0), COX),
    Case("cox efron ties", cox(23, "efron", coarse=True), (0.0, 0.0), COX),
    Case("cox strata", cox(24, "efron", coarse=True, strata=True), (0.0, 0.0), COX),
    Case("cox weights", cox(25, "efron", coarse=True, weights=True), (0.0, 0.0), COX),
    Case("cox entry", cox(26, "efron", coarse=True, entry=True), (0.0, 0.0), COX),
    Case("cox offset", cox(27, "efron", coarse=True, offset=True), (0.0, 0.0), COX),
    Case(
        "cox ridge",
        cox(28, "efron", coarse=True, penalty=True),
        (0.0, 0.0),
        COX,
        penalty=ridge(0.7),
    ),
    Case(
        "firth cox",
        cox(30, "efron", coarse=True, strata=True, weights=True, entry=True, penalty="firth"),
        (0.0, 0.0),
        COX,
        needs_somebody=True,
    ),
    Case(
        "fine-gray",
        fine_gray(47, "efron", coarse=True, strata=True, weights=True, offset=True, penalty=True),
        (0.0, 0.0),
        COX,
        penalty=ridge(0.7),
    ),
    Case(
        "cox everything",
        cox(
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
        penalty=ridge(0.7),
    ),
]
BY_NAME = {case.name: case for case in CASES}
