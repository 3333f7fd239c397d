"""What contrastive losses share: features of the examples, and an encoder of them."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.typing import Differentiable, Encoder

__all__ = ["Contrastive", "Gauge"]

Gauge = Callable[[np.ndarray], np.ndarray]


class Contrastive(Loss):
    """What contrastive losses share: features, an encoder and a penalty.

    `X` (n, p): features of the examples, which are the objects; `dim`: columns of the linear
    encoder, X W with W of shape (p, dim); `encoder`: ``encoder(theta, X)`` in autograd.numpy, (m,
    p) -> (m, k), in place of the linear one; `n_params`: length of theta for an encoder of your
    own; `gauge`: ``gauge(theta)``: directions in which that encoder turns all embeddings alike,
    shape (k, n_params); `ridge`: of ridge/2 |theta|^2, which no example owns.
    """

    def __init__(
        self,
        X: Any,
        *,
        dim: int,
        encoder: Encoder | None,
        n_params: int | None,
        gauge: Gauge | None,
        ridge: float,
    ) -> None:
        self.X, columns, self.labels = checks.design_matrix(X)
        self.n_objects, width = self.X.shape
        self.encoder, self.dim = encoder, checks.counting_number(dim, "dim")
        for name, given in (("encoder", encoder), ("gauge", gauge)):
            if given is not None:
                checks.function(given, name)
        self._gauge = gauge
        self.ridge = checks.non_negative_number(ridge, "ridge")
        if (encoder is None) != (n_params is None):
            raise InvalidInputError(
                "`n_params` must be given with an `encoder` of your own and only then; the linear "
                "one has p * dim parameters."
            )
        self.n_params = (
            width * self.dim if n_params is None else checks.counting_number(n_params, "n_params")
        )
        if encoder is None:
            self.names = tuple(f"{name}[{k}]" for name in columns for k in range(dim))

    def start(self, seed: int = 0) -> np.ndarray:
        """A place to start a fit from, shape (n_params,): at 0 a linear encoder has a saddle."""
        return np.random.default_rng(seed).normal(scale=0.5, size=self.n_params)

    def encode(self, theta: Differentiable, X: np.ndarray) -> Any:
        """Embeddings, shape (m, k)."""
        if self.encoder is not None:
            return self.encoder(theta, X)
        return anp.dot(X, anp.reshape(theta, (-1, self.dim)))

    def penalty(self, theta: Differentiable) -> Any:
        """ridge/2 |theta|^2."""
        return 0.5 * self.ridge * anp.sum(theta**2)

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        if self._gauge is not None:
            return np.asarray(self._gauge(theta))
        if self.encoder is not None:
            return super().gauge(theta)
        W, E = theta.reshape(-1, self.dim), np.eye(self.dim)
        pairs = [(a, b) for a in range(self.dim) for b in range(a)]
        turns = [W @ (np.outer(E[a], E[b]) - np.outer(E[b], E[a])) for a, b in pairs]
        return np.reshape(turns, (len(turns), len(theta)))

    def example_losses(
        self, theta: Differentiable, presence: Differentiable, X: np.ndarray, other: Any
    ) -> Any:
        """Loss of held-out examples against the examples present, shape (m,)."""
        raise NotImplementedError(f"{type(self).__name__} has no loss of a held-out example.")
