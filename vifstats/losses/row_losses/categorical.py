"""Choices between categories, without order and with."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.losses.regression.special import expit, ndtr
from vifstats.losses.row_losses.base import RowLoss
from vifstats.losses.row_losses.domains import CLASSES, Domain
from vifstats.typing import Differentiable

__all__ = ["Multinomial", "Ordered"]


@dataclass(frozen=True)
class Multinomial(RowLoss):
    """-log softmax of the category y = 0, 1, ...

    Parameters
    ----------
    reference : bool
        True: category 0 has the predictor 0, and the q predictors are those of 1, ..., q.

    Examples
    --------
    Three categories, equally likely:

    >>> np.exp(-Multinomial().value(np.zeros((2, 3)), np.arange(3))).round(4)
    array([0.3333, 0.3333, 0.3333])
    """

    reference: bool = True

    def __post_init__(self) -> None:
        checks.flag(self.reference, "reference")

    def domain(self) -> Domain:
        return CLASSES[0] if self.reference else CLASSES[1]

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        first = int(self.reference)
        chosen = sum(anp.where(y == k + first, eta[k], 0.0) for k in range(len(eta)))
        top = 0.0 if self.reference else eta[0]
        for score in eta if self.reference else eta[1:]:
            top = anp.logaddexp(top, score)
        return top - chosen

    def slope(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        categories = np.arange(len(eta)) + int(self.reference)
        return self._probabilities(eta) - _one_hot(y, categories, eta.ndim)

    def curvature(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        p = self._probabilities(eta)
        return p[:, None] * (np.eye(len(p)).reshape(len(p), len(p), *[1] * (p.ndim - 1)) - p[None])

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        categories = np.arange(len(designs)) + int(self.reference)
        own = _one_hot(y, categories, 2)
        others = np.eye(len(designs))[:, :, None]
        if self.reference:
            others = np.concatenate([np.zeros_like(others[:1]), others])
        # the own score rises above each of the others; above itself is a face of 0
        faces = own[None] - others
        return faces, np.zeros((len(faces), faces.shape[2]), dtype=bool)

    def _probabilities(self, eta: np.ndarray) -> np.ndarray:
        shift = eta.max(axis=0)
        shift = np.maximum(shift, 0.0) if self.reference else shift
        e = np.exp(eta - shift)
        return e / (e.sum(axis=0) + (np.exp(-shift) if self.reference else 0.0))


@dataclass(frozen=True)
class Ordered(RowLoss):
    """-log[F(t_{y+1} - eta_1) - F(t_y - eta_1)] for the category y = 0, 1, ...

    Predictors: eta_1, the first threshold, and the logarithms of the steps to the next ones.

    Parameters
    ----------
    distribution : {"logit", "probit"}
        F.

    Examples
    --------
    Thresholds at 0 and 1:

    >>> np.exp(-Ordered().value(np.zeros((3, 3)), np.arange(3))).round(4)
    array([0.5   , 0.3413, 0.1587])
    """

    distribution: str = "probit"

    def __post_init__(self) -> None:
        checks.one_of(self.distribution, ("logit", "probit"), "distribution")

    def domain(self) -> Domain:
        return CLASSES[1]

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        F = expit if self.distribution == "logit" else ndtr
        threshold = eta[1]
        below = 0.0
        probability = 0.0
        for k in range(len(eta) - 1):
            above = F(threshold - eta[0])
            probability = probability + anp.where(y == k, above - below, 0.0)
            below = above
            if k + 2 < len(eta):
                threshold = threshold + anp.exp(eta[k + 2])
        # The last category from the other tail: 1 - F would round to 0.
        last = F(eta[0] - threshold)
        return -anp.log(probability + anp.where(y == len(eta) - 1, last, 0.0))

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Faces in eta_1, the first threshold and the *steps*, not their logarithms.

        A step falls to 0, and its logarithm for ever, once no row is between its thresholds:
        directions of their own, which every such row holds.
        """
        q, n = len(designs), len(designs[0])
        moves = all(X.shape[1] == 1 and np.ptp(X) == 0 for X in designs[2:])
        steps = np.arange(2, q)
        faces = np.zeros((2 + len(steps), q + len(steps) * moves, n))
        equal = np.zeros(faces[:, 0].shape, dtype=bool)
        above, below = y < q - 1, y > 0
        faces[0, 0], faces[0, 1] = -1.0 * above, 1.0 * above
        faces[1, 0], faces[1, 1] = 1.0 * below, -1.0 * below
        for face, k in enumerate(steps.tolist(), start=2):
            if moves:
                faces[0, k] = above & (y > k - 2)
                faces[1, k] = -1.0 * (y > k - 1)
                faces[face, q + k - 2] = y == k - 1
            else:  # steps that differ from row to row are held
                faces[face, k] = 1.0
            equal[face] = True
        return faces, equal


def _one_hot(y: np.ndarray, categories: np.ndarray, ndim: int) -> np.ndarray:
    return (y == categories.reshape(-1, *[1] * (ndim - 1))).astype(float)
