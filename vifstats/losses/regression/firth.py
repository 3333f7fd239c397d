"""Firth's penalty for regressions whose curvature does not read the outcome."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.batched import Batched
from vifstats.losses.firth import BLOCK_NUMBERS, FIRTH, Firth, log_determinants
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["FirthLinearPredictor"]


class FirthLinearPredictor(Firth, LinearPredictor, penalty="firth"):
    """The loss that ``LinearPredictor(..., penalty="firth")`` is."""

    def __init__(self, row_loss: Any, X: Any, y: Any, **options: Any) -> None:
        LinearPredictor.__init__(self, row_loss, X, y, **{**options, "penalty": None})
        self.penalty = FIRTH
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
        twin: Any = LinearPredictor.__new__(cls)
        twin.__dict__.update(plain.__dict__)
        twin.__dict__.pop("_faces", None)
        twin.penalty = FIRTH
        twin._require_information()
        return twin

    def _without_penalty(self) -> LinearPredictor:
        twin = LinearPredictor.__new__(LinearPredictor)
        twin.__dict__.update(self.__dict__)
        twin.penalty = None
        return twin

    def reported_information(self) -> Loss:
        return _AugmentedInformation(self) if self.row_loss.binary else self.plain

    def bending(self, thetas: np.ndarray, removals: Removals) -> "RowBending":
        weights = self._weights_without(removals)
        found: Any = self.row_loss.information(self.predictors.at(thetas))
        return RowBending(self.designs[0], *(weights * part for part in found))

    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        X = self.designs[0]
        found: Any = self.row_loss.information(self.predictors.traced(theta, slice(None)))
        return anp.dot(X.T * (self.weights * presence * found[0]), X)


@dataclass(frozen=True, eq=False)
class RowBending:
    """X'diag(c)X, with c the curvature of each row and c', c'' its derivatives."""

    X: np.ndarray  # (n, p)
    # (k, n)
    curvature: np.ndarray
    slope: np.ndarray
    bend: np.ndarray

    def _gram(self, weights: np.ndarray) -> np.ndarray:
        return (self.X.T * weights[:, None]) @ self.X

    @cached_property
    def information(self) -> np.ndarray:
        """X'diag(c)X."""
        return self._gram(self.curvature)

    @property
    def squares(self) -> np.ndarray:
        """The diagonal of the information, shape (k, p): it has no means."""
        return np.einsum("kaa->ka", self.information)

    @property
    def slopes(self) -> np.ndarray:
        """Sum of c' x_j x x'."""
        n, p = self.X.shape
        squares = (self.X[:, :, None] * self.X[:, None, :]).reshape(n, p * p)
        return ((self.X.T * self.slope[:, None]) @ squares).reshape(-1, p, p, p)

    def sizes(self, M: np.ndarray) -> np.ndarray:
        """x'Mx of each row, shape (k, n)."""
        return np.einsum("kna,na->kn", self.X @ M, self.X)

    def bends(self, M: np.ndarray) -> np.ndarray:
        """Sum of c'' (x'Mx) x x'."""
        return self._gram(self.bend * self.sizes(M))

    def augmented(self, weights: np.ndarray) -> np.ndarray:
        """X'diag(c (1 + h/w))X, with h the leverage of each row; nan where it has none."""
        defined = np.isfinite(log_determinants(self.information, self.squares))
        M = np.linalg.inv(np.where(defined[:, None, None], self.information, np.eye(len(self.X.T))))
        out = self._gram(self.curvature * (1 + self.curvature * self.sizes(M) / weights))
        out[~defined] = np.nan
        return out


class _AugmentedInformation(Batched):
    """Only the Hessians of Firth's logistic regression as a fit to augmented data.

    Each row counts w + h times, with h its leverage: logistf and firthmodels invert this.
    """

    def __init__(self, loss: FirthLinearPredictor) -> None:
        self.loss = loss
        self.n_objects, self.n_params = loss.n_objects, loss.n_params
        self.names, self.labels = loss.names, loss.labels

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.loss.value(theta, presence)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.empty((len(removals), *2 * thetas.shape[1:]))
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // self.n_objects)):
            out[part] = self.loss.bending(thetas[part], some).augmented(self.loss.weights)
        return out
