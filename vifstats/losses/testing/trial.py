"""A loss at a place theta, and the masks to try it with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.base import Loss

__all__ = ["Trial", "some"]


@dataclass(frozen=True, eq=False)
class Trial:
    """What every rule is given; the arguments are those of `check_loss`."""

    loss: Loss
    theta: np.ndarray
    given_penalty: Callable[[Any], Any] | None
    rebuild: Callable[[np.ndarray], Loss] | None
    max_objects: int
    tol: float

    @cached_property
    def objects(self) -> np.ndarray:
        """The objects that are tried one at a time."""
        n = self.loss.n_objects
        drawn = np.random.default_rng(0).permutation(n)[: self.max_objects]
        return np.sort(drawn)

    @cached_property
    def direction(self) -> np.ndarray:
        """A unit vector for derivatives along one direction."""
        v = np.random.default_rng(1).normal(size=len(self.theta))
        return v / np.linalg.norm(v)

    @cached_property
    def halves(self) -> list[np.ndarray]:
        """Masks of random halves of the objects, each followed by its complement."""
        rng, n = np.random.default_rng(2), self.loss.n_objects
        drawn = [np.isin(np.arange(n), rng.permutation(n)[: n // 2]) for _ in range(8)]
        return [half.astype(float) for one in drawn for half in (one, ~one)]

    @cached_property
    def none(self) -> np.ndarray:
        """The mask of no object."""
        return np.zeros(self.loss.n_objects)

    def without(self, i: int) -> np.ndarray:
        """The mask 1_-i."""
        mask = np.ones(self.loss.n_objects)
        mask[i] = 0.0
        return mask

    def masks(self) -> Iterator[tuple[str, np.ndarray]]:
        """Masks with the words for them."""
        yield "with all objects", np.ones(self.loss.n_objects)
        for i in self.objects:
            yield f"without object {i}", self.without(i)
        for i in self.objects:
            yield f"with object {i} alone", 1.0 - self.without(i)
        for half in self.halves:
            yield f"with only objects {some(half)}", half
        yield "without any object", self.none

    def value(self, presence: np.ndarray) -> float:
        """L(theta, b)."""
        return float(self.loss.value(self.theta, presence))

    def gradient(self, presence: np.ndarray) -> np.ndarray:
        """The automatic gradient, whatever the loss overrides."""
        return Loss.gradient(self.loss, self.theta, presence)

    def curvature(self, presence: np.ndarray) -> np.ndarray:
        """The automatic Hessian times `direction`."""
        return autodiff.hessian_product(
            lambda t: self.loss.value(t, presence), self.theta, self.direction
        )

    @cached_property
    def penalty(self) -> float | None:
        """What must be left without objects; None where the loss does not say."""
        own = getattr(self.loss, "penalty", None if self.given_penalty else self)
        penalty = self.given_penalty or own
        if penalty is self:
            return None
        if penalty is None:
            return 0.0
        if callable(penalty):
            return float(penalty(self.theta))
        return 0.5 * float(self.theta @ penalty @ self.theta)


def some(present: np.ndarray) -> str:
    """The first positions of a mask, for an error text."""
    positions = np.flatnonzero(present)
    dots = ", ..." if len(positions) > 4 else ""
    return f"[{', '.join(map(str, positions[:4]))}{dots}]"
