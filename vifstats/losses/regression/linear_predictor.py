"""Losses of rows that read theta only through linear predictors, as most regressions do."""

import inspect
from collections.abc import Sequence
from copy import copy
from functools import cached_property, partial
from typing import Any, ClassVar

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, NotPositiveDefiniteError
from vifstats.losses import autodiff
from vifstats.losses.base import BLOCK_NUMBERS, Loss
from vifstats.losses.cancellation import mended
from vifstats.losses.regression.predictors import Predictors, solves_without_rows
from vifstats.losses.regression.separation import Faces, Listed, separating
from vifstats.losses.row_losses import RowLoss
from vifstats.losses.separation import diverging, falling
from vifstats.removals import Removals
from vifstats.solvers import Cholesky
from vifstats.typing import ArrayLike1D, Differentiable, Penalty, TableLike

__all__ = ["LinearPredictor", "distinct_names"]

# Below this 1 - leverage, cancellation costs more digits than the rank-one formula saves time.
HIGH_LEVERAGE = 1e-6
# Rows whose projections fit into the cache together.
IN_CACHE = 4096


class LinearPredictor(Loss):
    """sum_i b_i w_i f(eta_i; y_i) + 0.5 theta' P theta, with eta_i = X_i theta + offset_i.

    A row may have several predictors, each with its own design and its own, consecutive,
    parameters: the mean and the precision of a beta regression, the categories of a choice. A
    parameter that all rows share, such as a dispersion, is a predictor whose design is ones.

    Parameters
    ----------
    row_loss : RowLoss
        The function f and its derivatives; see ``vifstats.losses.row_losses``.
    X : DataFrame or array_like, shape (n, p), or tuple of them
        One design per predictor.
    y : array_like, shape (n,), or tuple of them
        What else the rows hold.
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    offset : array_like, shape (n,), or tuple of them, optional
        Added to each predictor; None in the tuple for none.
    penalty : float, array_like, shape (p,) or (p, p), or "firth", optional
        P of 0.5 theta' P theta. It is held when a row is removed. "firth", for logistic and
        Poisson regression, is -1/2 log det of the information of the rows that are present:
        estimates stay finite on separation.
    labels : sequence, optional
        Row labels; default the index of the first design.
    names : sequence of str, optional
        Parameter names; default the columns of the designs.

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

    # subclasses by the penalty they are for
    _kinds: ClassVar[dict[str, type["LinearPredictor"]]] = {}

    def __init_subclass__(cls, *, penalty: str | None = None) -> None:
        if penalty is not None:
            LinearPredictor._kinds[penalty] = cls

    def __new__(cls, *_: Any, penalty: Any = None, **__: Any) -> "LinearPredictor":
        # what `penalty` names may be a class of its own, as a pathlib.Path is a PosixPath
        kind = penalty if isinstance(penalty, str) else ""
        own = cls is LinearPredictor
        return super().__new__(LinearPredictor._kinds.get(kind, cls) if own else cls)

    def __init__(
        self,
        row_loss: RowLoss,
        X: TableLike,
        y: ArrayLike1D,
        *,
        weights: ArrayLike1D | None = None,
        offset: ArrayLike1D | None = None,
        penalty: Penalty | None = None,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.row_loss: RowLoss = checks.instance(
            row_loss, RowLoss, "row_loss", "row_losses.Poisson()"
        )
        first, *others = X if isinstance(X, tuple) else (X,)
        matrix, columns, index = checks.design_matrix(first)
        self.n_objects = n = len(matrix)
        read = [(matrix, columns)] + [checks.design_matrix(other)[:2] for other in others]
        matrices = tuple(matrix for matrix, _ in read)
        if any(len(other) != n for other in matrices):
            raise InvalidInputError(
                "The designs of all predictors must have the same rows, but have "
                f"{[len(other) for other in matrices]} of them."
            )

        def vector(values: Any, name: str) -> np.ndarray:
            return checks.row_vector(values, name, n, index, first)

        offsets = _one_each(offset, len(read))
        self.predictors = Predictors(
            matrices, tuple(np.zeros(n) if o is None else vector(o, "offset") for o in offsets)
        )
        self.y = tuple(vector(v, "y") for v in y) if isinstance(y, tuple) else vector(y, "y")
        self.weights = (
            np.ones(n) if weights is None else checks.case_weights(weights, n, index, first)
        )
        self._require_domain(index)
        self.n_params = self.predictors.n_params
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        self.labels = index if labels is None else checks.object_labels(labels, n)
        named = distinct_names([c for _, c in read]) if names is None else names
        self.names = checks.unique_names(named, "names", self.n_params)

    def _require_domain(self, labels: pd.Index) -> None:
        """Outside its domain a row loss is a number all the same, and means nothing."""
        domain = self.row_loss.domain()
        if domain is None or isinstance(self.y, tuple):
            return
        bad = np.flatnonzero(~domain.holds(self.y, len(self.predictors.designs)))
        if len(bad):
            raise InvalidInputError(
                f"`y` must be {domain.words} for {type(self.row_loss).__name__}, but "
                f"{checks.at(bad, labels)} is {self.y[bad[0]]:g} ({checks.such_rows(len(bad))}); "
                "recode or drop them."
            )

    def reweighted(self, weights: np.ndarray) -> "LinearPredictor":
        twin = copy(self)
        twin.weights = weights
        return twin

    @property
    def everywhere(self) -> bool:  # type: ignore[override]  # that of what the rows are
        return self.row_loss.everywhere

    @property
    def designs(self) -> tuple[np.ndarray, ...]:
        """The design matrix of each predictor."""
        return self.predictors.designs

    @property
    def offsets(self) -> tuple[np.ndarray, ...]:
        """The offset of each predictor, shape (n_objects,)."""
        return self.predictors.offsets

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        present = autodiff.plain(presence) > 0
        # Absent rows are never evaluated: outside its domain f would turn 0 * f into nan.
        rows = slice(None) if present.all() else np.flatnonzero(present)
        y = tuple(v[rows] for v in self.y) if isinstance(self.y, tuple) else self.y[rows]
        losses = self.row_loss.value(self.predictors.traced(theta, rows), y)
        return anp.sum((self.weights * presence)[rows] * losses) + self._penalty_value(theta)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        weights = self.weights if presence is None else self.weights * presence
        return self.predictors.total(self._slopes(theta, weights)) + self._penalty_slope(theta)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        weights = self.weights if presence is None else self.weights * presence
        return self._penalised(self.predictors.gram(self._curvatures(theta, weights)))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        scores = self.predictors.scores(self._slopes(theta, self.weights))
        return scores if removals is None else removals.sums(scores)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.gradient_differences(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        curvatures, gram = self._curvatures(theta, self.weights), self.predictors.gram
        full = self._penalised(gram(curvatures))
        reduced = np.stack([full - gram(curvatures, members) for members in removals])
        return mended(reduced, full, removals, partial(self._curvatures_at, theta))

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        if not removals.single:
            return super().reduced_solves(theta, removals, rows)
        curvatures = self._curvatures(theta, self.weights)
        try:
            inverse = self._inverse(curvatures)
        except NotPositiveDefiniteError:
            # Away from a minimum H may be indefinite, and some H_-i not.
            return super().reduced_solves(theta, removals, rows)
        out = rows @ inverse
        members = np.flatnonzero(removals.codes >= 0)
        for first in range(0, len(members), IN_CACHE):
            some = members[first : first + IN_CACHE]
            at = removals.codes[some]
            out[at], distance = solves_without_rows(
                self.predictors, inverse, curvatures, some, rows[at]
            )
            close = at[distance < HIGH_LEVERAGE]
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
            eta = self.predictors.at(thetas[part])
            losses = self.row_loss.value(eta, self.y)
            slopes = self.row_loss.slope(eta, self.y)
            values[part] += np.sum(_weighted(losses, weights), axis=-1)
            gradients[part] += self.predictors.total(_weighted(slopes, weights))
        return values, gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        p = thetas.shape[1]
        out = np.empty((len(removals), p, p))
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // self.n_objects)):
            curvatures = self.row_loss.curvature(self.predictors.at(thetas[part]), self.y)
            curvatures = _weighted(curvatures, self._weights_without(some))
            for k in range(len(some)):
                out[part.start + k] = self._penalised(self.predictors.gram(curvatures[:, :, k]))
        return out

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        slopes = self.row_loss.slope(self.predictors.at(thetas), self.y)
        slopes = _weighted(slopes, self._weights_without(removals))
        parts = [s[:, :, None] * X for s, X in zip(slopes, self.designs, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    def row_losses(self, theta: np.ndarray) -> np.ndarray:
        """f of each row, without its weight, shape (n_objects,)."""
        return self.row_loss.value(self.predictors.at(theta), self.y)

    def covariate_slopes(self, theta: np.ndarray) -> np.ndarray:
        """d grad_k / d x_ij = w (f'' theta_j x_ik + f' [j = k]) of one predictor, (n, k, j)."""
        (slope,), ((curvature,),) = (
            self._slopes(theta, self.weights),
            self._curvatures(theta, self.weights),
        )
        along = (curvature[:, None] * self.designs[0])[:, :, None] * theta
        return along + slope[:, None, None] * np.eye(len(theta))

    def leverages(self, theta: np.ndarray) -> np.ndarray:
        """trace(C_i J_i H^-1 J_i'), which sums to n_params without penalty; shape (n_objects,)."""
        curvatures = self._curvatures(theta, self.weights)
        _, quadratic = self.predictors.project(self._inverse(curvatures))
        return np.einsum("kln,kln->n", curvatures, quadratic)

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        # the multipliers of a logistic regression are its residuals
        return separating(self._faces, removals, theta if self.row_loss.binary else None)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        direction = falling(Listed.of(self._faces))
        return None if direction is None else direction[: self.n_params]

    def diverging(self, theta: np.ndarray) -> np.ndarray:
        return diverging(Listed.of(self._faces))[: self.n_params]

    @cached_property
    def _faces(self) -> Faces:
        faces, equal = self.row_loss.faces(self.y, self.designs)
        P = np.zeros((0, self.predictors.n_params)) if self.penalty is None else self.penalty
        return Faces.of(self.designs, faces, equal, P)

    def _slopes(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _weighted(self.row_loss.slope(self.predictors.at(theta), self.y), weights)

    def _curvatures(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _weighted(self.row_loss.curvature(self.predictors.at(theta), self.y), weights)

    def _inverse(self, curvatures: np.ndarray) -> np.ndarray:
        H = self._penalised(self.predictors.gram(curvatures))
        return Cholesky().factor(H, self.names).inverse()

    def _weights_without(self, removals: Removals) -> np.ndarray:
        """Case weights with 0 for what each removal takes, shape (n_removals, n_objects)."""
        return np.where(removals.codes == np.arange(len(removals))[:, None], 0.0, self.weights)

    def _penalised(self, H: np.ndarray) -> np.ndarray:
        return H if self.penalty is None else H + self.penalty

    def _penalty_value(self, theta: Any) -> Any:
        """0.5 theta' P theta for theta (p,) or (p, k)."""
        return 0.5 * anp.sum(theta * self._penalty_slope(theta), axis=0)

    def _penalty_slope(self, theta: Any) -> Any:
        return 0.0 * theta if self.penalty is None else anp.dot(self.penalty, theta)


_signature = inspect.signature(LinearPredictor.__init__)
# help and documentation would take that of `__new__`
LinearPredictor.__signature__ = _signature.replace(  # type: ignore[attr-defined]  # read by inspect
    parameters=list(_signature.parameters.values())[1:]
)


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values times weights, exactly 0 where a weight is 0, whatever the value."""
    return np.where(weights > 0, weights * values, 0.0)


def _one_each(values: Any, n: int) -> tuple:
    return values if isinstance(values, tuple) else (values,) + (None,) * (n - 1)


def distinct_names(columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Column names, with the number of the predictor in front where two designs share one."""
    names = [name for design in columns for name in design]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{k}:{name}" for k, design in enumerate(columns) for name in design)
