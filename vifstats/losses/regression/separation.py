"""Which removals leave an estimate at infinity, of rows with linear predictors.

One program for each row would take hours. Almost all rows are cleared together, by multipliers: the
estimate is finite if and only if positive multipliers of the faces add up to 0 (Stiemke's lemma).
A logistic regression on the faces has them, its residuals; and without a row those that are left
can be mended as long as its leverage on them is below 1/2, which at most 2 p rows are not. These
are looked at one by one, docs/mathematics.md, equations (38) to (40).
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import expit

from vifstats.losses.regression.predictors import Predictors
from vifstats.losses.separation import (
    NEAR,
    ROUNDING,
    SETTLED,
    STEPS,
    endless_direction,
    factored,
    lower,
)

__all__ = ["Faces", "Listed", "separating"]


class Takes(Protocol):
    """What leaves of the rows of faces, as `vifstats.removals.Removals` say it."""

    def __len__(self) -> int: ...

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows that each takes, shape (n_removals, ...)."""

    def presence(self, k: int) -> np.ndarray:
        """1 for the rows that are left, shape (n,)."""


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of all rows, c'g >= 0 or c'g = 0; see `RowLoss.faces`.

    Attributes
    ----------
    predictors : Predictors
        Without offsets, and with a design of ones for each direction that is no predictor's.
    faces : ndarray, shape (f, q, n)
    equal : ndarray of bool, shape (f, n)
    held : ndarray, shape (h, n_params)
        Further faces with c'g = 0, those of a penalty.
    """

    predictors: Predictors
    faces: np.ndarray
    equal: np.ndarray
    held: np.ndarray

    @classmethod
    def of(
        cls, designs: tuple[np.ndarray, ...], faces: np.ndarray, equal: np.ndarray, P: np.ndarray
    ) -> "Faces":
        """Faces of all rows, and those of a penalty matrix P (p, p)."""
        n = len(designs[0])
        more = faces.shape[1] - len(designs)
        designs += (np.ones((n, 1)),) * more
        held = np.hstack([P, np.zeros((len(P), more))])
        predictors = Predictors(designs, (np.zeros(n),) * len(designs))
        return cls(predictors, faces, equal, held[held.any(axis=1)])

    def along(self, g: np.ndarray) -> np.ndarray:
        """c'g of every face, shape (f, n)."""
        return np.einsum("fqn,qn->fn", self.faces, self.predictors.at(g))

    def slopes(self, multipliers: np.ndarray) -> np.ndarray:
        """Sums of the faces of each row times multipliers (f, n), in its predictors: (q, n)."""
        return np.einsum("fn,fqn->qn", multipliers, self.faces)

    def curvatures(self, weights: np.ndarray) -> np.ndarray:
        """Squares of the faces of each row times weights (f, n), in its predictors: (q, q, n)."""
        return np.einsum("fn,fqn,fkn->qkn", weights, self.faces, self.faces, optimize=True)

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """The sum of all these squares, shape (p, p)."""
        H = self.predictors.gram(self.curvatures(weights))
        if not len(self.held):
            return H
        squares = self.held.T @ self.held
        # on the scale of what is there: any positive weight will do
        return H + squares * (np.trace(H) or 1.0) / np.trace(squares)

    def take(self, present: np.ndarray) -> "Faces":
        """The faces of some rows."""
        designs = tuple(X[present] for X in self.predictors.designs)
        predictors = Predictors(designs, tuple(o[present] for o in self.predictors.offsets))
        faces, equal = self.faces[:, :, present], self.equal[:, present]
        return replace(self, predictors=predictors, faces=faces, equal=equal)

    def direction(self) -> np.ndarray | None:
        """A direction along which no row rises, shape (p,); None if there is none."""
        return endless_direction(Listed.of(self))


@dataclass(frozen=True, eq=False)
class Listed:
    """The cone of faces, all of them as rows of a matrix; see `vifstats.losses.separation.Cone`."""

    rows: np.ndarray
    equal: np.ndarray
    unequal: np.ndarray
    gain: np.ndarray

    @classmethod
    def of(cls, faces: Faces) -> "Listed":
        """The faces as a list, without those that are 0."""
        parts = [
            coefficient[:, :, None] * X[None]
            for coefficient, X in zip(
                np.swapaxes(faces.faces, 0, 1), faces.predictors.designs, strict=True
            )
        ]
        rows = np.concatenate(parts, axis=2).reshape(-1, faces.predictors.n_params)
        equal = faces.equal.ravel()
        some = rows.any(axis=1)
        unequal = rows[some & ~equal]
        held = np.concatenate([rows[some & equal], faces.held])
        unit = unequal / np.linalg.norm(unequal, axis=1, keepdims=True)
        return cls(np.concatenate([unequal, held]), held, unequal, unit.sum(axis=0))

    def broken(self, g: np.ndarray, most: int) -> np.ndarray:
        """The faces with c'g < 0, the worst for their length."""
        value = self.unequal @ g
        worst = np.flatnonzero(value < 0)
        if len(worst) > most:
            size = np.linalg.norm(self.unequal[worst], axis=1)
            worst = worst[np.argpartition(value[worst] / size, most)[:most]]
        return self.unequal[worst]


def separating(faces: Faces, removals: Takes, start: np.ndarray | None = None) -> np.ndarray:
    """Which removals leave a direction along which no row rises, shape (n_removals,).

    `start` (p,): where multipliers are likely to add up to 0, default 0.
    """
    nowhere = np.zeros(faces.predictors.n_params)
    settled = _settle(faces, nowhere if start is None else start, near=NEAR)
    if settled is None:
        if faces.direction() is not None:
            return np.ones(len(removals), dtype=bool)
        settled = nowhere
    found = ~_cleared(faces, settled, removals)
    for k in np.flatnonzero(found).tolist():
        rest = faces.take(removals.presence(k) > 0)
        found[k] = _settle(rest, settled) is None and rest.direction() is not None
    return found


def _multipliers(faces: Faces, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The multipliers by a logistic regression on the faces, and its curvatures: (f, n) both.

    A face with c'g = 0 is one with c'g >= 0 and one with -c'g >= 0.
    """
    z = faces.along(g)
    small = expit(-z)
    multiplier = np.where(faces.equal, small - expit(z), small)
    return multiplier, np.where(faces.equal, 2.0, 1.0) * small * expit(z)


def _settle(faces: Faces, g: np.ndarray, near: float = np.inf) -> np.ndarray | None:
    """A place with multipliers whose sum is nearly 0, by Newton steps; None if there is none."""
    if faces.equal.all():
        return None  # any multipliers will do: what is left is a question of rank
    for _ in range(STEPS):
        multiplier, curvature = _multipliers(faces, g)
        slope = -faces.predictors.total(faces.slopes(multiplier))
        root = factored(faces.gram(curvature))
        if root is None:
            return None
        step = -root @ (root.T @ slope)
        moved = np.abs(faces.along(step)).max(where=~faces.equal, initial=0.0)
        if moved < SETTLED and -slope @ step < near:
            return g
        g = lower(lambda g: _logistic(faces, g), g, step)
    return None


def _logistic(faces: Faces, g: np.ndarray) -> float:
    z = faces.along(g)
    return float(np.sum(np.logaddexp(0.0, -z) + np.where(faces.equal, np.logaddexp(0.0, z), 0.0)))


def _cleared(faces: Faces, g: np.ndarray, removals: Takes) -> np.ndarray:
    """Which removals cannot separate, by their leverage on the multipliers at g."""
    multiplier, curvature = _multipliers(faces, g)
    # of an equation the multiplier has no sign to keep: any weight will do
    weight = multiplier**2 + np.where(faces.equal, curvature, 0.0)
    root = factored(faces.gram(weight))
    if root is None:
        return np.zeros(len(removals), dtype=bool)
    _, quadratic = faces.predictors.project(root @ root.T)
    shares = removals.sums(np.einsum("kln,kln->n", faces.curvatures(weight), quadratic))
    scores = faces.predictors.scores(faces.slopes(multiplier))
    left = (scores.sum(axis=0) - removals.sums(scores)) @ root
    return np.einsum("kp,kp->k", left, left) + shares < 1 - ROUNDING
