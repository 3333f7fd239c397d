"""Losses that sum after many removals at once, each at a theta of its own, and what follows."""

import numpy as np

from vifstats.losses.base import Loss
from vifstats.removals import Removals

__all__ = ["Batched"]


class Batched(Loss):
    """A loss with its own `reduced_slopes` and `reduced_curvatures`; stands before other bases.

    Derivatives at one theta are theirs; at a presence that is asked for, those of ``Loss``.
    """

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.gradient(self, theta, presence)
        return self.reduced_slopes(theta[None], Removals.nobody(self.n_objects))[1][0]

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return Loss.hessian(self, theta, presence)
        return self.reduced_curvatures(theta[None], Removals.nobody(self.n_objects))[0]

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = np.zeros((len(removals), len(theta)))
        some = np.flatnonzero(removals.sizes)
        out[some] = self._differences_at(theta, removals.take(some))
        return out

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self._curvatures_at(theta, self.each(removals))
