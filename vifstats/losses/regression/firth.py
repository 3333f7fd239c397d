"""Firth's penalty for regressions whose curvature does not read the outcome."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.firth import Firth
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["FirthLinearPredictor"]


class FirthLinearPredictor(Firth, LinearPredictor, penalty="firth"):
    """The loss that ``LinearPredictor(..., penalty="firth")`` is."""

    plain: Any

    def __init__(self, row_loss: Any, X: Any, y: Any, **options: Any) -> None:
        LinearPredictor.__init__(self, row_loss, X, y, **{**options, "penalty": None})
        self.penalty = "firth"
        self._require_information()

    def _require_information(self) -> None:
        name = type(self.row_loss).__name__
        if len(self.designs) > 1 or self.row_loss.information(np.zeros((1, 1))) is None:
            raise InvalidInputError(
                "Firth's penalty is -1/2 log det of an information that does not read the outcome, "
                "as in logistic and Poisson regression (canonical link, one linear predictor), but "
                f"the rows are {name} with {len(self.designs)} predictor(s); fit one of these, or "
                "use a ridge, such as penalty=1.0."
            )

    @classmethod
    def of(cls, plain: LinearPredictor) -> "FirthLinearPredictor":
        """A loss with this penalty in the place of none."""
        twin = LinearPredictor.__new__(cls)
        twin.__dict__.update(plain.__dict__)
        twin.__dict__.pop("_faces", None)
        twin.penalty = "firth"
        twin._require_information()
        return twin

    @cached_property
    def plain(self) -> LinearPredictor:  # type: ignore[no-redef]  # computed once, not given
        twin = LinearPredictor.__new__(LinearPredictor)
        twin.__dict__.update(self.__dict__)
        twin.penalty = None
        return twin

    def reported_information(self) -> Loss:
        return AugmentedInformation(self) if self.row_loss.binary else self.plain

    def bending(self, theta: np.ndarray, present: np.ndarray | None) -> "RowBending":
        X, weights, offset = self.designs[0], self.weights, self.offsets[0]
        if present is not None:
            X, weights, offset = X[present], weights[present], offset[present]
        curvature, slope, bend = self.row_loss.information((X @ theta + offset)[None])
        return RowBending(X, weights * curvature, weights * slope, weights * bend)

    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        X = self.designs[0]
        curvature = self.row_loss.information(self.predictors.traced(theta, slice(None)))[0]
        return anp.dot(X.T * (self.weights * presence * curvature), X)


@dataclass(frozen=True, eq=False)
class RowBending:
    """X'diag(c)X, with c the curvature of each row and c', c'' its derivatives."""

    X: np.ndarray  # (n, p)
    # curvature, slope, bend (n,)
    curvature: np.ndarray
    slope: np.ndarray
    bend: np.ndarray

    @property
    def information(self) -> np.ndarray:
        """X'diag(c)X."""
        return self.X.T @ (self.curvature[:, None] * self.X)

    @property
    def slopes(self) -> np.ndarray:
        """Sum of c' x_j x x'."""
        n, p = self.X.shape
        squares = (self.X[:, :, None] * self.X[:, None, :]).reshape(n, p * p)
        return (self.X * self.slope[:, None]).T.dot(squares).reshape(p, p, p)

    def bends(self, M: np.ndarray) -> np.ndarray:
        """Sum of c'' (x'Mx) x x'."""
        sizes = np.einsum("na,na->n", self.X @ M, self.X)
        return self.X.T @ ((self.bend * sizes)[:, None] * self.X)


class AugmentedInformation(Loss):
    """Only the Hessians of Firth's logistic regression as a fit to augmented data.

    Each row counts w + h times, with h its leverage: logistf and firthmodels invert this.
    """

    def __init__(self, loss: FirthLinearPredictor) -> None:
        self.loss = loss
        self.n_objects, self.n_params = loss.n_objects, loss.n_params
        self.names, self.labels = loss.names, loss.labels

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.loss.value(theta, presence)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._information(theta, None if presence is None else presence > 0)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        return self.reduced_curvatures(np.tile(theta, (len(removals), 1)), removals)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return np.stack(
            [self._information(t, removals.codes != k) for k, t in enumerate(thetas)]
        ).reshape(len(thetas), self.loss.n_params, self.loss.n_params)

    def _information(self, theta: np.ndarray, present: np.ndarray | None) -> np.ndarray:
        bending = self.loss.bending(theta, present)
        X, curvature = bending.X, bending.curvature
        weights = self.loss.weights if present is None else self.loss.weights[present]
        try:
            M = np.linalg.inv(bending.information)
        except np.linalg.LinAlgError:
            return np.full(bending.information.shape, np.nan)
        leverage = curvature * np.einsum("na,na->n", X @ M, X)
        return X.T @ ((curvature * (1 + leverage / weights))[:, None] * X)
