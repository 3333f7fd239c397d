"""The triplet loss: each example nearer to its own class than to another, by a margin."""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.embedding.contrastive import Contrastive, Gauge
from vifstats.losses.regression.special import log_expit
from vifstats.typing import ArrayLike1D, Differentiable, Encoder, TableLike

__all__ = ["Triplet"]


class Triplet(Contrastive):
    """Each example nearer to one of its class than to one of another, by a margin.

    L = sum over (a, p, n) of log(1 + exp(margin + |z_a - z_p|^2 - |z_a - z_n|^2)) + ridge, with
    all anchors a, positives p of their class and negatives n of another. Presence of all three
    multiplies a term: an example leaves in all of its parts.

    This is the soft margin. The hinge max(0, u) in place of log(1 + exp(u)) has its minima at
    kinks, where no Hessian and so no influence is defined.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Features of the examples, which are the objects.
    y : array_like, shape (n,)
        The class of each.
    margin : float
    dim : int
        Columns of the linear encoder, X W with W of shape (p, dim).
    encoder : callable, optional
        ``encoder(theta, X)`` in autograd.numpy, (m, p) -> (m, k), in place of the linear one.
    n_params : int, optional
        Length of theta for an encoder of your own.
    gauge : callable, optional
        ``gauge(theta)``: directions in which that encoder turns all embeddings alike, shape
        (k, n_params).
    ridge : float
        Of ridge/2 |theta|^2, which no example owns.

    References
    ----------
    Schroff, Kalenichenko & Philbin (2015), FaceNet, CVPR; Hermans, Beyer & Leibe (2017),
    arXiv:1703.07737, for the soft margin.

    Examples
    --------
    >>> loss = Triplet([[0.0], [1.0], [5.0]], ["a", "a", "b"], dim=1)
    >>> loss.triplets
    array([[0, 1, 2],
           [1, 0, 2]])
    """

    def __init__(
        self,
        X: TableLike,
        y: ArrayLike1D,
        *,
        margin: float = 1.0,
        dim: int = 2,
        encoder: Encoder | None = None,
        n_params: int | None = None,
        gauge: Gauge | None = None,
        ridge: float = 1.0,
    ) -> None:
        super().__init__(X, dim=dim, encoder=encoder, n_params=n_params, gauge=gauge, ridge=ridge)
        self.y = checks.group_labels(y, self.labels)
        self.margin = checks.non_negative_number(margin, "margin")
        same = self.y[:, None] == self.y
        self.triplets = np.argwhere(
            (same & ~np.eye(len(same), dtype=bool))[:, :, None] & ~same[:, None]
        )
        if not len(self.triplets):
            raise InvalidInputError(
                "`y` must have two examples of one class and one of another, but has the counts "
                f"{pd.Series(self.y).value_counts().to_dict()}."
            )

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        z = self.encode(theta, self.X)
        a, p, n = self.triplets.T
        present = presence[a] * presence[p] * presence[n]
        squares = _squared_distances(z, z)
        terms = self._excess(squares[a, p], squares[a, n])
        return anp.sum(present * terms) + self.penalty(theta)

    def example_losses(
        self, theta: Differentiable, presence: Differentiable, X: np.ndarray, other: TableLike
    ) -> Any:
        same = np.asarray(other)[:, None] == self.y
        squares = _squared_distances(self.encode(theta, X), self.encode(theta, self.X))
        terms = self._excess(squares[:, :, None], squares[:, None, :])
        near, far = presence * same, presence * ~same
        return anp.sum(near[:, :, None] * far[:, None, :] * terms, axis=(1, 2))

    def _excess(self, near: Any, far: Any) -> Any:
        excess = self.margin + near - far
        return -log_expit(-excess)


def _squared_distances(z: Any, other: Any) -> Any:
    return anp.sum((z[:, None] - other[None]) ** 2, axis=2)
