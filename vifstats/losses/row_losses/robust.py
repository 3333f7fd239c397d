"""Robust regression: a bounded or slowly growing loss of the scaled residual."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from autograd.extend import defvjp, primitive

from vifstats import checks
from vifstats.errors import InvalidTypeError
from vifstats.losses.row_losses.base import RowLoss
from vifstats.typing import Differentiable

__all__ = ["Huber", "Norm", "Robust"]


class Norm(Protocol):
    """rho and its derivatives, elementwise; the norms of statsmodels are such objects."""

    def rho(self, z: np.ndarray) -> np.ndarray:
        """The loss of a scaled residual."""

    def psi(self, z: np.ndarray) -> np.ndarray:
        """Its derivative."""

    def psi_deriv(self, z: np.ndarray) -> np.ndarray:
        """Its second derivative."""


@dataclass(frozen=True)
class Huber:
    """Quadratic up to t, linear beyond.

    Examples
    --------
    >>> Huber(1.0).rho(np.array([0.5, 3.0]))
    array([0.125, 2.5  ])
    """

    t: float = 1.345

    def rho(self, z: np.ndarray) -> np.ndarray:
        """The loss of a scaled residual."""
        size = np.abs(z)
        return np.where(size <= self.t, 0.5 * z**2, self.t * (size - 0.5 * self.t))

    def psi(self, z: np.ndarray) -> np.ndarray:
        """Its derivative."""
        return np.clip(z, -self.t, self.t)

    def psi_deriv(self, z: np.ndarray) -> np.ndarray:
        """Its second derivative."""
        return (np.abs(z) <= self.t).astype(float)


@dataclass(frozen=True, eq=False)
class Robust(RowLoss):
    """scale^2 rho((y - eta) / scale), with the scale held.

    Parameters
    ----------
    norm : Norm
    scale : float
        Without a row the scale estimate would move too; here it does not.

    Examples
    --------
    >>> Robust(Huber(1.0)).slope(np.zeros((1, 2)), np.array([0.5, 3.0]))
    array([[-0.5, -1. ]])
    """

    norm: Norm
    scale: float = 1.0

    def __post_init__(self) -> None:
        checks.positive_number(self.scale, "scale")
        known = ("rho", "psi", "psi_deriv")
        if isinstance(self.norm, type) or not all(hasattr(self.norm, each) for each in known):
            raise InvalidTypeError(
                f"`norm` must be an object with rho, psi and psi_deriv, but is {self.norm!r:.60}; "
                "pass one of statsmodels.robust.norms, such as HuberT()."
            )

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return self.scale**2 * _rho(self.norm, (y - eta[0]) / self.scale)

    def slope(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -self.scale * _elementwise(self.norm.psi)((y - eta) / self.scale)

    def curvature(self, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _elementwise(self.norm.psi_deriv)((y - eta) / self.scale)[None]


def _elementwise(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], np.ndarray]:
    """A function of arrays of any shape from one that may take vectors only."""
    return lambda z: np.reshape(function(np.ravel(z)), np.shape(z))


# The norm is an argument: autograd's tables hold every primitive for good, so these are the only.
@primitive
def _rho(norm: Norm, z: np.ndarray) -> np.ndarray:
    """rho for autograd, which takes the norm's word for the derivatives."""
    return _elementwise(norm.rho)(z)


@primitive
def _psi(norm: Norm, z: np.ndarray) -> np.ndarray:
    return _elementwise(norm.psi)(z)


@primitive
def _psi_deriv(norm: Norm, z: np.ndarray) -> np.ndarray:
    return _elementwise(norm.psi_deriv)(z)


defvjp(_rho, lambda ans, norm, z: lambda g: g * _psi(norm, z), argnums=(1,))
defvjp(_psi, lambda ans, norm, z: lambda g: g * _psi_deriv(norm, z), argnums=(1,))
