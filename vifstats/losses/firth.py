"""Firth's penalty, -1/2 log det I(theta, b): docs/mathematics.md, equation (49).

I is the information of the rows that are present. So the penalty reads everybody: it is no sum over
rows, it is not held when one leaves, and its estimates are finite where those without it run away.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["Bending", "Firth", "Jeffreys", "log_determinant"]

# The smallest eigenvalue of an information whose diagonal is 1: below, it is that of a singular one
# but for rounding, and its determinant says nothing.
SINGULAR = 1e-12


class Bending(Protocol):
    """The information of some rows at one theta, and how it changes with theta."""

    @property
    def information(self) -> np.ndarray: ...  # noqa: D102  (p, p)

    @property
    def slopes(self) -> np.ndarray: ...  # noqa: D102  its derivative in each parameter, (p, p, p)

    def bends(self, M: np.ndarray) -> np.ndarray:
        """Second derivatives of the sum of M (p, p) times it, shape (p, p)."""


@dataclass(frozen=True, eq=False)
class Jeffreys:
    """The penalty of some rows at one theta; infinite, and nan, where their information is singular."""

    value: float
    gradient: np.ndarray  # (p,)
    hessian: np.ndarray  # (p, p); empty where it was not asked for

    @classmethod
    def of(cls, bending: Bending | None, p: int, curved: bool) -> "Jeffreys":
        """-1/2 log det I; -1/2 tr(M dI); -1/2 tr(M ddI) + 1/2 tr(M dI M dI), with M = I^-1."""
        information = np.zeros((p, p)) if bending is None else bending.information
        value = -0.5 * log_determinant(information)
        if bending is None or not np.isfinite(value):
            return cls(np.inf, np.full(p, np.nan), np.full((p, p), np.nan))
        M = np.linalg.inv(information)
        turned = bending.slopes @ M  # dI_j M
        gradient = -0.5 * np.einsum("jaa->j", turned)
        if not curved:
            return cls(value, gradient, np.empty((0, 0)))
        hessian = 0.5 * (np.einsum("jab,kba->jk", turned, turned) - bending.bends(M))
        return cls(value, gradient, 0.5 * (hessian + hessian.T))


def log_determinant(information: np.ndarray) -> float:
    """log det of an information (p, p); minus infinity where it is singular but for rounding."""
    scale = np.sqrt(np.diag(information))
    if not (np.isfinite(scale).all() and scale.all()):
        return -np.inf
    eigenvalues = np.linalg.eigvalsh(information / scale / scale[:, None])
    if not eigenvalues.min(initial=1.0) > SINGULAR:
        return -np.inf
    return float(np.log(eigenvalues).sum() + 2 * np.log(scale).sum())


class Firth(Loss):
    """What is the same for every loss with Firth's penalty; it stands before the loss itself."""

    penalty: Any = "firth"
    information = "firth"

    @cached_property
    @abstractmethod
    def plain(self) -> Loss:
        """The same loss without its penalty."""

    @abstractmethod
    def bending(self, theta: np.ndarray, present: np.ndarray | None) -> Bending | None:
        """The information of the rows that are present, bool (n_objects,), where there is any.

        `present`: None for all.
        """

    @abstractmethod
    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        """I(theta, b) in autograd.numpy, shape (p, p)."""

    def reported_information(self) -> Loss:
        """A loss whose Hessian is the information that fits of this kind report errors by."""
        return self.plain

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.plain.value(theta, presence) + self._traced_penalty(theta, presence)

    def _traced_penalty(self, theta: Any, presence: Any) -> Any:
        information = self.traced_information(theta, presence)
        if isinstance(information, np.ndarray):
            return -0.5 * log_determinant(information)
        return -0.5 * anp.linalg.slogdet(information)[1]

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.gradient(self, theta, presence)
        return self.plain.gradient(theta) + self._jeffreys(theta, None).gradient

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.hessian(self, theta, presence)
        return self.plain.hessian(theta) + self._jeffreys(theta, None, curved=True).hessian

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        if presence is not None:
            return Loss.hessian_product(self, theta, vector, presence)
        return self.hessian(theta) @ vector

    def value_differences(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """L(theta, 1) - L(theta, 1_-i), shape (n_removals,)."""
        removals = self.each() if removals is None else removals
        thetas = np.tile(theta, (len(removals), 1))
        return self.value(theta, self.everyone()) - self.reduced_slopes(thetas, removals)[0]

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each() if removals is None else removals
        out = self.plain.gradient_differences(theta, removals)
        full = self._jeffreys(theta, None).gradient
        for k in np.flatnonzero(removals.sizes).tolist():
            out[k] += full - self._without(theta, removals, k).gradient
        return out

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        own = self._penalty_slopes(theta, self.everyone())
        return self.plain.weight_gradients(theta, removals) + removals.sums(own)

    def _penalty_slopes(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        """d/db of the gradient of the penalty, (n_objects, p)."""

        def along(unit: np.ndarray) -> np.ndarray:
            def slope(b: Any) -> Any:
                return autodiff.gradient(lambda t: self._traced_penalty(t, b), theta) @ unit

            return autodiff.gradient(slope, presence)

        return np.stack([along(unit) for unit in np.eye(len(theta))], axis=1)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        out = self.plain.reduced_hessians(theta, removals)
        for k in range(len(removals)):
            out[k] += self._without(theta, removals, k, curved=True).hessian
        return out

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        return Loss.reduced_solves(self, theta, removals, rows)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = (part.copy() for part in self.plain.reduced_slopes(thetas, removals))
        for k, theta in enumerate(thetas):
            penalty = self._without(theta, removals, k)
            values[k] += penalty.value
            gradients[k] += penalty.gradient
        return values, gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = self.plain.reduced_curvatures(thetas, removals).copy()
        for k, theta in enumerate(thetas):
            out[k] += self._without(theta, removals, k, curved=True).hessian
        return out

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = self.plain.reduced_scores(thetas, removals).copy()
        for k, theta in enumerate(thetas):
            left, presence = removals.codes != k, removals.presence(k)
            out[k, left] += self._penalty_slopes(theta, presence)[left]
        return out

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        # the determinant falls to 0 wherever the likelihood rises for ever
        return np.zeros(len(removals), dtype=bool)

    def undefined(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        H = self.plain.reduced_hessians(theta, removals)
        return np.array([not np.isfinite(log_determinant(I)) for I in H], dtype=bool)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return None

    def diverging(self, theta: np.ndarray) -> np.ndarray:
        return np.zeros(len(theta))

    def flat(self) -> Any:
        return self.plain.flat()

    def leverages(self, theta: np.ndarray) -> np.ndarray | None:
        return self.plain.leverages(theta)

    def reweighted(self, weights: np.ndarray) -> Loss:
        twin = super().reweighted(weights)
        twin.__dict__.pop("plain", None)
        return twin

    def _without(
        self, theta: np.ndarray, removals: Removals, k: int, curved: bool = False
    ) -> Jeffreys:
        present = removals.codes != k
        return self._jeffreys(theta, None if present.all() else present, curved)

    def _jeffreys(
        self, theta: np.ndarray, present: np.ndarray | None, curved: bool = False
    ) -> Jeffreys:
        return Jeffreys.of(self.bending(theta, present), len(theta), curved)
