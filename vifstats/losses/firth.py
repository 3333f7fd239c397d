"""Firth's penalty, -1/2 log det I(theta, b): docs/mathematics.md, equation (59).

I is the information of the rows that are present. So the penalty reads everybody: it is not a sum
over rows, it is not held when one leaves, and its estimates are finite where those without it run
away.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["Bending", "Firth", "Jeffreys", "log_determinants"]

# The smallest eigenvalue of an information whose diagonal is 1: below, it is that of a singular one
# but for rounding, and its determinant says nothing.
SINGULAR = 1e-12
# What the penalty is called: the argument `penalty`, and the information of its standard errors.
FIRTH: Any = "firth"
# Removals are taken together in blocks of about this many numbers (16 MB).
BLOCK_NUMBERS = 2_000_000


class Bending(Protocol):
    """The information of several sets of rows, each at its own theta, and how it changes there."""

    @property
    def information(self) -> np.ndarray: ...  # noqa: D102  (k, p, p)

    @property
    def squares(self) -> np.ndarray: ...  # noqa: D102  (k, p): its diagonal before means are taken

    @property
    def slopes(self) -> np.ndarray: ...  # noqa: D102  derivative in each parameter, (k, p, p, p)

    def bends(self, M: np.ndarray) -> np.ndarray:
        """Second derivatives of the sum of M (k, p, p) times it, shape (k, p, p)."""


@dataclass(frozen=True, eq=False)
class Jeffreys:
    """The penalties of k sets of rows; infinite, and nan, where their information is singular."""

    values: np.ndarray  # (k,)
    gradients: np.ndarray  # (k, p)
    hessians: np.ndarray  # (k, p, p); empty where they were not asked for

    @classmethod
    def of(cls, bending: Bending, curved: bool) -> "Jeffreys":
        """-1/2 log det I; -1/2 tr(M dI); -1/2 tr(M ddI) + 1/2 tr(M dI M dI), with M = I^-1."""
        information = bending.information
        values = -0.5 * log_determinants(information, bending.squares)
        defined = np.isfinite(values)
        M = np.linalg.inv(np.where(defined[:, None, None], information, np.eye(len(information.T))))
        turned = bending.slopes @ M[:, None]  # dI_j M
        gradients = -0.5 * np.einsum("kjaa->kj", turned)
        gradients[~defined] = np.nan
        if not curved:
            return cls(values, gradients, np.empty((0, 0, 0)))
        hessians = np.einsum("kjab,kiba->kji", turned, turned) - bending.bends(M)
        hessians = 0.25 * (hessians + hessians.swapaxes(1, 2))
        hessians[~defined] = np.nan
        return cls(values, gradients, hessians)


def log_determinants(information: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """log det of informations (k, p, p); minus infinity where one is singular but for rounding.

    `squares` (k, p): the sums of which the diagonals are what is left without means, and which tell
    how large their rounding is.
    """
    out = np.full(len(information), -np.inf)
    diagonal = np.einsum("kaa->ka", information)
    varies = (diagonal > SINGULAR * squares) & (squares > 0)
    rows = np.flatnonzero(np.isfinite(information).all(axis=(1, 2)) & varies.all(axis=1))
    scale = np.sqrt(diagonal[rows])
    scaled = information[rows] / scale[:, :, None] / scale[:, None, :]
    eigenvalues = np.linalg.eigvalsh(scaled)
    regular = eigenvalues.min(axis=1, initial=1.0) > SINGULAR
    logs = np.log(eigenvalues[regular]).sum(axis=1) + 2 * np.log(scale[regular]).sum(axis=1)
    out[rows[regular]] = logs
    return out


class Firth(Loss):
    """What is the same for every loss with Firth's penalty; it stands before the loss itself."""

    penalty: Any = FIRTH
    information = FIRTH

    @cached_property
    def plain(self) -> Any:
        """The same loss without its penalty."""
        return self._without_penalty()

    @abstractmethod
    def _without_penalty(self) -> Loss: ...

    @abstractmethod
    def bending(self, thetas: np.ndarray, removals: Removals) -> Bending:
        """The information after each removal, each at its own theta (k, p)."""

    @abstractmethod
    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        """I(theta, b) in autograd.numpy, shape (p, p)."""

    def reported_information(self) -> Loss:
        """A loss whose Hessian is the information that fits of this kind report errors by."""
        return self.plain

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self.plain.value(theta, presence) + self._traced_penalty(theta, presence)

    def _traced_penalty(self, theta: Any, presence: Any) -> Any:
        plain = isinstance(theta, np.ndarray) and isinstance(presence, np.ndarray)
        if plain and np.isin(presence, (0, 1)).all():
            absent = Removals(np.where(presence == 0, 0, -1), pd.Index(["absent"]))
            return float(self._penalties(theta[None], absent).values[0])
        return -0.5 * anp.linalg.slogdet(self.traced_information(theta, presence))[1]

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.gradient(self, theta, presence)
        return self.plain.gradient(theta) + self._of_all(theta).gradients[0]

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.hessian(self, theta, presence)
        return self.plain.hessian(theta) + self._of_all(theta, curved=True).hessians[0]

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        if presence is not None:
            return Loss.hessian_product(self, theta, vector, presence)
        return self.hessian(theta) @ vector

    def value_differences(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """L(theta, 1) - L(theta, 1_-i), shape (n_removals,)."""
        removals = self.each(removals)
        thetas = np.tile(theta, (len(removals), 1))
        return self.value(theta, self.everyone()) - self.reduced_slopes(thetas, removals)[0]

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = self.plain.gradient_differences(theta, removals)
        some = np.flatnonzero(removals.sizes)
        thetas = np.tile(theta, (len(some), 1))
        left = self._penalties(thetas, removals.take(some)).gradients
        out[some] += self._of_all(theta).gradients - left
        return out

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        own = self._penalty_slopes(theta, self.everyone())
        return self.plain.weight_gradients(theta, removals) + removals.sums(own)

    def _penalty_slopes(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        """d/db of the gradient of the penalty, (n_objects, p)."""

        def slope(b: Any) -> Any:
            return autodiff.gradient(lambda t: self._traced_penalty(t, b), theta)

        return autodiff.gradients(slope, presence).T

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        thetas = np.tile(theta, (len(removals), 1))
        penalties = self._penalties(thetas, removals, curved=True)
        return self.plain.reduced_hessians(theta, removals) + penalties.hessians

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        return Loss.reduced_solves(self, theta, removals, rows)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = self.plain.reduced_slopes(thetas, removals)
        penalties = self._penalties(thetas, removals)
        return values + penalties.values, gradients + penalties.gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        penalties = self._penalties(thetas, removals, curved=True)
        return self.plain.reduced_curvatures(thetas, removals) + penalties.hessians

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
        out = np.zeros(len(removals), dtype=bool)
        for part, some in self._blocks(removals, len(theta)):
            found = self.bending(np.tile(theta, (len(some), 1)), some)
            out[part] = np.isinf(log_determinants(found.information, found.squares))
        return out

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return None

    def diverging(self, theta: np.ndarray) -> np.ndarray:
        return np.zeros(len(theta))

    def flat(self) -> Any:
        return self.plain.flat()

    def leverages(self, theta: np.ndarray) -> Any:
        return self.plain.leverages(theta)

    def _blocks(self, removals: Removals, p: int) -> Iterator[tuple[slice, Removals]]:
        return removals.blocks(max(1, BLOCK_NUMBERS // (self.n_objects * p * p)))

    def _of_all(self, theta: np.ndarray, curved: bool = False) -> Jeffreys:
        return self._penalties(theta[None], Removals.nobody(self.n_objects), curved)

    def _penalties(self, thetas: np.ndarray, removals: Removals, curved: bool = False) -> Jeffreys:
        """The penalties after each removal, each at its own theta (k, p)."""
        p = thetas.shape[1]
        parts = [
            Jeffreys.of(self.bending(thetas[part], some), curved)
            for part, some in self._blocks(removals, p)
        ]
        if not parts:
            return Jeffreys(np.zeros(0), np.zeros((0, p)), np.zeros((0, p, p)))
        return Jeffreys(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.gradients for part in parts]),
            np.concatenate([part.hessians for part in parts]),
        )
