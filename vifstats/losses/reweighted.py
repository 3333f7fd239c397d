"""A loss whose case weights are functions of the parameters of an earlier step."""

from typing import Any, Protocol

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses.base import BLOCK_NUMBERS, Loss
from vifstats.losses.equations import EstimatingEquations
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["Reweighted", "Weigh"]


class Weigh(Protocol):
    """Case weights as a function of earlier parameters."""

    def weights(self, *earlier: np.ndarray) -> np.ndarray:
        """Shape (n_objects,), > 0."""

    def slopes(self, *earlier: np.ndarray) -> np.ndarray:
        """Their derivatives, shape (n_objects, n_earlier), the blocks side by side."""


class Reweighted(EstimatingEquations):
    """The score of a loss with weights w(earlier), as equations that read an earlier block.

    `loss`: one that can be `reweighted`; `weigh`: the weights; `reads`: the blocks that it reads.
    """

    def __init__(self, loss: Loss, weigh: Weigh, reads: tuple[str, ...]) -> None:
        self.loss, self.weigh, self.reads = loss, weigh, reads
        self.n_objects, self.n_params = loss.n_objects, loss.n_params
        self.labels, self.names = loss.labels, loss.names
        self._last: tuple[bytes, Loss] | None = None

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        return self.given(earlier).gradient(theta, presence)

    def given(self, earlier: tuple[np.ndarray, ...]) -> Loss:
        key, last = b"".join(part.tobytes() for part in earlier), self._last
        if last is None or last[0] != key:
            last = key, self.loss.reweighted(self.weigh.weights(*earlier))
            self._last = last
        return last[1]

    def crossed(
        self, theta: np.ndarray, earlier: tuple[np.ndarray, ...], removals: Removals
    ) -> np.ndarray:
        # the derivative in the presence of a row is w times that in its weight
        relative = self.weigh.slopes(*earlier) / self.weigh.weights(*earlier)[:, None]
        given = self.given(earlier)
        out = np.empty((len(removals), len(theta), relative.shape[1]))
        for at, some in removals.blocks(max(1, BLOCK_NUMBERS // relative.size)):
            if some.sizes.any():
                scores = given.reduced_scores(np.tile(theta, (len(some), 1)), some)
            else:
                scores = given.weight_gradients(theta)[None]
            out[at] = np.einsum("knp,nq->kpq", scores, relative, optimize=True)
        return out

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_last": None}  # a cache is not sent to workers


def require_reweighted(loss: Loss) -> None:
    """Raise InvalidInputError where a loss has no case weights to replace."""
    if type(loss).reweighted is Loss.reweighted:
        raise InvalidInputError(
            f"An outcome model must have case weights, but a {type(loss).__name__} has none; fit "
            "a Cox model, least squares or a generalised linear model with them."
        )
