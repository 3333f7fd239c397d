"""Losses of rows that read theta only through linear predictors: most regressions there are."""

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import autodiff, checks
from vifstats.errors import InvalidInputError
from vifstats.losses.base import BLOCK_NUMBERS, Loss
from vifstats.losses.row_losses import RowLoss
from vifstats.removals import Removals
from vifstats.solvers import Cholesky

__all__ = ["LinearPredictor"]

# Below this 1 - leverage, cancellation costs more digits than the rank-one formula saves time.
HIGH_LEVERAGE = 1e-6


class LinearPredictor(Loss):
    """sum_i b_i w_i f(eta_i; y_i) + 0.5 theta' P theta, with eta_i = X_i theta + offset_i.

    A row may have several predictors, each with its own design and its own, consecutive,
    parameters: the mean and the precision of a beta regression, the categories of a choice. A
    parameter that all rows share, such as a dispersion, is a predictor whose design is ones.

    Parameters
    ----------
    row_loss : RowLoss
        f and its derivatives; see `vifstats.losses.row_losses`.
    X : DataFrame or array_like, shape (n, p), or tuple of them
        One design per predictor.
    y : array_like, shape (n,), or tuple of them
        What else the rows hold.
    offset : array_like, shape (n,), or tuple of them, optional
        Added to each predictor; None in the tuple for none.
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta. It is held when a row is removed.
    names : sequence of str, optional
        Parameter names; default the columns of the designs.
    labels : sequence, optional
        Row labels; default the index of the first design.

    Raises
    ------
    InvalidInputError
        If designs, y, offset or weights are not finite or differ in length.

    Examples
    --------
    Least squares, for which the Newton step is exact deletion:

    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import SquaredError
    >>> X, y = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [0.0, 2.0, 1.0]
    >>> est = vs.minimize(LinearPredictor(SquaredError(), X, y), [0.0, 0.0])
    >>> bool(np.allclose(vs.newton_step(est).values, vs.leave_one_out(est).values))
    True
    """

    def __init__(
        self,
        row_loss: RowLoss,
        X: Any,
        y: Any,
        *,
        offset: Any = None,
        weights: Any = None,
        penalty: Any = None,
        names: Sequence[str] | None = None,
        labels: Sequence | pd.Index | None = None,
    ) -> None:
        self.row_loss = row_loss
        first, *others = X if isinstance(X, tuple) else (X,)
        matrix, columns, index = checks.design_matrix(first)
        self.n_objects = n = len(matrix)
        designs = [(matrix, columns)] + [checks.design_matrix(other)[:2] for other in others]
        self.designs = tuple(matrix for matrix, _ in designs)
        if any(len(other) != n for other in self.designs):
            raise InvalidInputError(
                "The designs of all predictors must have the same rows, but have "
                f"{[len(other) for other in self.designs]} of them."
            )
        columns_of_y = [
            checks.row_vector(values, "y", n, index, first)
            for values in (y if isinstance(y, tuple) else (y,))
        ]
        self.y = tuple(columns_of_y) if isinstance(y, tuple) else columns_of_y[0]
        self.offsets = tuple(
            np.zeros(n) if values is None else checks.row_vector(values, "offset", n, index, first)
            for values in _one_each(offset, len(designs))
        )
        self.weights = (
            np.ones(n) if weights is None else checks.case_weights(weights, n, index, first)
        )
        self.n_params = sum(matrix.shape[1] for matrix in self.designs)
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        self.labels = index if labels is None else pd.Index(labels)
        self.names = _distinct([c for _, c in designs]) if names is None else tuple(names)

    def value(self, theta: Any, presence: Any) -> Any:
        present = autodiff.plain(presence) > 0
        # Absent rows are never evaluated: outside its domain f would turn 0 * f into nan.
        rows = slice(None) if present.all() else np.flatnonzero(present)
        predictors = [
            anp.dot(X[rows], theta[block]) + offset[rows]
            for X, block, offset in zip(self.designs, self._blocks, self.offsets, strict=True)
        ]
        y = tuple(v[rows] for v in self.y) if isinstance(self.y, tuple) else self.y[rows]
        losses = self.row_loss.value(anp.stack(predictors), y)
        return anp.sum((self.weights * presence)[rows] * losses) + self._penalty_value(theta)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        weights = self.weights if presence is None else self.weights * presence
        return self._combine(self._slopes(theta, weights)) + self._penalty_slope(theta)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        weights = self.weights if presence is None else self.weights * presence
        return self._penalised(self._gram(self._curvatures(theta, weights)))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        slopes = self._slopes(theta, self.weights)
        scores = [s[:, None] * X for s, X in zip(slopes, self.designs, strict=True)]
        rows = scores[0] if len(scores) == 1 else np.concatenate(scores, axis=1)
        return rows if removals is None else removals.sums(rows)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.gradient_differences(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        curvatures = self._curvatures(theta, self.weights)
        full = self._penalised(self._gram(curvatures))
        return np.stack([full - self._gram(curvatures, members) for members in removals])

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        """By the rank-one formula for single rows, which costs O(n p^2) in all.

        Row i adds J' C J to H, with J (q, p) its designs and C (q, q) its curvature, so
        (H - J'CJ)^-1 = H^-1 + H^-1 J' (I - C J H^-1 J')^-1 C J H^-1.
        """
        if not removals.single:
            return super().reduced_solves(theta, removals, rows)
        out = np.empty_like(rows)
        curvatures = self._curvatures(theta, self.weights)
        inverse = Cholesky().factor(self._penalised(self._gram(curvatures)), self.names).inverse()
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // len(theta))):
            out[part], distance = self._low_rank_solves(inverse, curvatures, some, rows[part])
            close = part.start + np.flatnonzero(distance < HIGH_LEVERAGE)
            if len(close):
                out[close] = super().reduced_solves(theta, removals.take(close), rows[close])
        return out

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self._penalty_value(thetas.T)
        gradients = self._penalty_slope(thetas.T).T
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // self.n_objects)):
            weights = self._weights_without(some)
            eta = self._predictors(thetas[part])
            losses = self.row_loss.value(eta, self.y)
            slopes = self.row_loss.slope(eta, self.y)
            values[part] += np.sum(_weighted(losses, weights), axis=-1)
            gradients[part] += self._combine(_weighted(slopes, weights))
        return values, gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        p = thetas.shape[1]
        out = np.empty((len(removals), p, p))
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // self.n_objects)):
            eta = self._predictors(thetas[part])
            curvatures = self.row_loss.curvature(eta, self.y)
            curvatures = _weighted(curvatures, self._weights_without(some))
            for k in range(len(some)):
                out[part.start + k] = self._penalised(self._gram(curvatures[:, :, k]))
        return out

    def row_losses(self, theta: np.ndarray) -> np.ndarray:
        """f of each row, without its weight, shape (n_objects,)."""
        return self.row_loss.value(self._predictors(theta), self.y)

    def leverages(self, theta: np.ndarray) -> np.ndarray:
        """trace(C_i J_i H^-1 J_i'), which sums to n_params without penalty; shape (n_objects,)."""
        curvatures = self._curvatures(theta, self.weights)
        inverse = Cholesky().factor(self._penalised(self._gram(curvatures)), self.names).inverse()
        _, quadratic = self._projections(inverse, slice(None))
        return np.einsum("kln,kln->n", curvatures, quadratic)

    @cached_property
    def _blocks(self) -> tuple[slice, ...]:
        """Where in theta the parameters of each predictor are."""
        stops = np.cumsum([X.shape[1] for X in self.designs])
        return tuple(
            slice(int(stop) - X.shape[1], int(stop))
            for X, stop in zip(self.designs, stops, strict=True)
        )

    def _predictors(self, thetas: np.ndarray) -> np.ndarray:
        """Linear predictors at one theta (p,) or several (k, p), shape (q, ..., n)."""
        return np.stack(
            [
                thetas[..., block] @ X.T + offset
                for X, block, offset in zip(self.designs, self._blocks, self.offsets, strict=True)
            ]
        )

    def _slopes(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _weighted(self.row_loss.slope(self._predictors(theta), self.y), weights)

    def _curvatures(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _weighted(self.row_loss.curvature(self._predictors(theta), self.y), weights)

    def _weights_without(self, removals: Removals) -> np.ndarray:
        """Case weights with 0 for what each removal takes, shape (n_removals, n_objects)."""
        return np.where(removals.codes == np.arange(len(removals))[:, None], 0.0, self.weights)

    def _combine(self, slopes: np.ndarray) -> np.ndarray:
        """Slopes in the predictors (q, ..., n) as slopes in theta (..., p)."""
        return np.concatenate([s @ X for s, X in zip(slopes, self.designs, strict=True)], axis=-1)

    def _gram(self, curvatures: np.ndarray, rows: Any = slice(None)) -> np.ndarray:
        """sum over rows of J' C J, shape (p, p)."""
        p = self._blocks[-1].stop
        out = np.empty((p, p))
        designs = [X[rows] for X in self.designs]
        for k, j in combinations_with_replacement(range(len(designs)), 2):
            block = designs[k].T @ (curvatures[k, j, rows, None] * designs[j])
            out[self._blocks[k], self._blocks[j]] = block
            out[self._blocks[j], self._blocks[k]] = block.T
        return out

    def _projections(self, inverse: np.ndarray, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """J H^-1, shape (q, n, p), and J H^-1 J', shape (q, q, n), of each row."""
        designs = [X[rows] for X in self.designs]
        K = np.stack([X @ inverse[block] for X, block in zip(designs, self._blocks, strict=True)])
        quadratic = [
            np.einsum("kni,ni->kn", K[:, :, block], X)
            for X, block in zip(designs, self._blocks, strict=True)
        ]
        return K, np.stack(quadratic, axis=1)

    def _low_rank_solves(
        self, inverse: np.ndarray, curvatures: np.ndarray, removals: Removals, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """H_-i^-1 applied to each row, and how far each H_-i is from singular, relative to H."""
        out, distance = rows @ inverse, np.ones(len(rows))
        members = np.flatnonzero(removals.codes >= 0)
        at = removals.codes[members]
        K, G = self._projections(inverse, members)
        C = curvatures[:, :, members]
        v = np.stack(
            [
                np.einsum("ni,ni->n", X[members], out[at, block])
                for X, block in zip(self.designs, self._blocks, strict=True)
            ]
        )
        Cv = np.einsum("kln,ln->kn", C, v)
        reduced = np.eye(len(C))[:, :, None] - np.einsum("kjn,jln->kln", C, G)
        z, distance[at] = _solve_small(reduced, Cv)
        out[at] += np.einsum("kn,kni->ni", z, K)
        return out, distance

    def _penalised(self, H: np.ndarray) -> np.ndarray:
        return H if self.penalty is None else H + self.penalty

    def _penalty_value(self, theta: Any) -> Any:
        """0.5 theta' P theta for theta (p,) or (p, k)."""
        return 0.5 * anp.sum(theta * self._penalty_slope(theta), axis=0)

    def _penalty_slope(self, theta: Any) -> Any:
        return 0.0 * theta if self.penalty is None else anp.dot(self.penalty, theta)


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values times weights, exactly 0 where a weight is 0, whatever the value."""
    return np.where(weights > 0, weights * values, 0.0)


def _solve_small(matrices: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve with n matrices (q, q, n) for rows (q, n); also their smallest eigenvalues (n,)."""
    if len(matrices) == 1:
        smallest = matrices[0, 0]
        return rows / np.where(smallest == 0, 1.0, smallest), smallest
    stacked = np.moveaxis(matrices, -1, 0)
    # Similar to a symmetric matrix, so real but for rounding.
    smallest = np.linalg.eigvals(stacked).real.min(axis=1, initial=np.inf)
    usable = smallest > HIGH_LEVERAGE
    z = np.zeros_like(rows)
    z[:, usable] = np.linalg.solve(stacked[usable], rows.T[usable][:, :, None])[..., 0].T
    return z, smallest


def _one_each(values: Any, n: int) -> tuple:
    return values if isinstance(values, tuple) else (values,) + (None,) * (n - 1)


def _distinct(columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Column names, with the number of the predictor in front where two designs share one."""
    names = [name for design in columns for name in design]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{k}:{name}" for k, design in enumerate(columns) for name in design)
