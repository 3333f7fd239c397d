"""Least squares, logistic and Poisson regression: rows whose derivatives are one line each."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from vifstats.losses.regression.special import expit as traced_expit
from vifstats.losses.row_losses.base import RowLoss, one_sided
from vifstats.losses.row_losses.domains import NON_NEGATIVE, SHARES, Domain
from vifstats.typing import Differentiable

__all__ = ["Logistic", "Poisson", "SquaredError"]


@dataclass(frozen=True)
class SquaredError(RowLoss):
    """(y - eta)^2 / 2.

    Examples
    --------
    >>> SquaredError().value(np.zeros((1, 2)), np.array([1.0, 2.0]))
    array([0.5, 2. ])
    """

    everywhere = True

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return 0.5 * (y - eta[0]) ** 2

    def slope(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return eta - y

    def curvature(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.ones_like(eta)[None]


@dataclass(frozen=True)
class Logistic(RowLoss):
    """log(1 + exp(eta)) - y eta, with y between 0 and 1.

    Examples
    --------
    At even odds both outcomes cost log 2:

    >>> Logistic().value(np.zeros((1, 2)), np.array([0.0, 1.0])).round(4)
    array([0.6931, 0.6931])
    """

    binary = True

    everywhere = True

    def domain(self) -> Domain:
        return SHARES

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return anp.logaddexp(0.0, eta[0]) - y * eta[0]

    def slope(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return expit(eta) - y

    def curvature(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (expit(eta) * expit(-eta))[None]

    def information(self, eta: np.ndarray) -> tuple[Any, Any, Any]:
        p, q = traced_expit(eta[0]), traced_expit(-eta[0])
        v = p * q
        return v, v * (q - p), v * (1 - 6 * v)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return one_sided(np.where(y == 1, 1.0, 0.0) - np.where(y == 0, 1.0, 0.0))


@dataclass(frozen=True)
class Poisson(RowLoss):
    """exp(eta) - y eta.

    Examples
    --------
    >>> Poisson().slope(np.zeros((1, 3)), np.array([0.0, 1.0, 2.0]))
    array([[ 1.,  0., -1.]])
    """

    everywhere = True

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return anp.exp(eta[0]) - y * eta[0]

    def slope(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.exp(eta) - y

    def curvature(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.exp(eta)[None]

    def information(self, eta: np.ndarray) -> tuple[Any, Any, Any]:
        mu = anp.exp(eta[0])
        return mu, mu, mu

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return one_sided(np.where(y == 0, -1.0, 0.0))
