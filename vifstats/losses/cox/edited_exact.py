"""Edits of a Cox model with exact ties or Firth's penalty: each from what is left of the stack."""

import numpy as np

from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.removals import Removals

__all__ = ["EditedExact"]


class EditedExact(EditedCox):
    """`EditedCox` with the sums of the whole stack computed at each edit."""

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        out = np.zeros((len(removals), len(theta)))
        some = np.flatnonzero(removals.sums(self.changed.astype(int)))
        if len(some):
            out[some] = self._differences_at(theta, removals.take(some))
        return out

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        parts = [self.stacked.reduced_slopes(*one) for one in self._each(thetas, removals)]
        values, gradients = (np.concatenate(side) for side in zip(*parts, strict=True))
        return values, gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        parts = [self.stacked.reduced_curvatures(*one) for one in self._each(thetas, removals)]
        return np.concatenate(parts)

    def _each(self, thetas: np.ndarray, removals: Removals) -> list[tuple[np.ndarray, Removals]]:
        """The theta of each removal, and what of the stack it leaves out, as one removal."""
        self.require_possible(removals)
        return [(thetas[[k]], one) for k, one in enumerate(self.in_the_stack(removals))]
