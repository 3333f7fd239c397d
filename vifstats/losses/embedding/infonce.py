"""InfoNCE and SimCLR: each example picks its partner out of everybody's."""

from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.embedding.contrastive import Contrastive, Gauge
from vifstats.typing import Differentiable, Encoder, TableLike

__all__ = ["InfoNCE"]


class InfoNCE(Contrastive):
    """Each example picks its own partner out of everybody's.

    With embeddings z of the features and z' of the partners, L = - sum_i log p_i + ridge,

        p_i = exp(z_i'z'_i / temperature) / sum_j exp(z_i'z'_j / temperature).

    Without an example it is gone as anchor, as partner and as negative. Between 0 and 1,
    presence multiplies the weight of an anchor and that of its partner in the sums.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Features of the examples, which are the objects.
    partners : DataFrame or array_like, shape (n, p)
        The same examples seen another way, row by row.
    temperature : float
    normalize : bool
        Cosines in place of inner products. Then only the direction of a linear encoder is known,
        so its ridge must be 0.
    negatives : {"partners", "both"}
        Among whom an example picks: all partners, or, as in SimCLR, all other examples and
        partners, with the partners picking in turn.
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

    Notes
    -----
    A rotation of the embeddings of a linear encoder changes nothing: ask for influence on a
    target, such as `vifstats.targets.ExampleLoss`, not on parameters.

    References
    ----------
    Van den Oord, Li & Vinyals (2018), arXiv:1807.03748; Chen et al. (2020), SimCLR, ICML.

    Examples
    --------
    >>> X = np.array([[1.0], [0.0], [-1.0]])
    >>> loss = InfoNCE(X, X, dim=1, ridge=0.1)
    >>> bool(np.isclose(loss.value(np.zeros(1), np.ones(3)), 3 * np.log(3)))
    True
    >>> bool(np.isclose(loss.value(np.zeros(1), np.array([1.0, 0.0, 1.0])), 2 * np.log(2)))
    True
    """

    def __init__(
        self,
        X: TableLike,
        partners: TableLike,
        *,
        temperature: float = 1.0,
        normalize: bool = False,
        negatives: str = "partners",
        dim: int = 2,
        encoder: Encoder | None = None,
        n_params: int | None = None,
        gauge: Gauge | None = None,
        ridge: float = 1.0,
    ) -> None:
        super().__init__(X, dim=dim, encoder=encoder, n_params=n_params, gauge=gauge, ridge=ridge)
        self.partners, _, labels = checks.design_matrix(partners, "partners")
        if self.partners.shape != self.X.shape or not labels.equals(self.labels):
            raise InvalidInputError(
                f"`partners` must have the rows and columns of X, {self.X.shape}, and its labels, "
                f"but has shape {self.partners.shape} and labels {list(labels[:3])} ...; pass the "
                "other view of the same rows."
            )
        self.temperature = checks.positive_number(temperature, "temperature")
        self.negatives = checks.one_of(negatives, ("partners", "both"), "negatives")
        self.normalize = checks.flag(normalize, "normalize")
        if normalize and encoder is None and ridge > 0:
            raise InvalidInputError(
                f"`ridge` must be 0 with normalize=True, but is {ridge:g}: cosines do not change "
                "with the size of a linear encoder, so a penalty shrinks it for ever; pass ridge=0."
            )

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        z, partner = self.embed(theta, self.X), self.embed(theta, self.partners)
        if self.negatives == "partners":
            picked = _picked(anp.dot(z, partner.T) / self.temperature, presence, presence)
        else:
            everyone = anp.concatenate([z, partner])
            scores = anp.dot(everyone, everyone.T) / self.temperature
            twice, n = anp.concatenate([presence, presence]), self.n_objects
            # a view does not pick itself; its partner stands n rows further
            picked = _picked(scores, twice, twice, own=np.roll(np.arange(2 * n), n))
        return picked + self.penalty(theta)

    def embed(self, theta: Differentiable, X: np.ndarray) -> Any:
        """Embeddings, on the unit sphere where ``normalize`` says so: shape (m, k)."""
        z = self.encode(theta, X)
        return z / anp.sqrt(anp.sum(z**2, axis=1, keepdims=True)) if self.normalize else z

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        turns = super().gauge(theta)
        if self.normalize and self.encoder is None:
            return np.vstack([turns, theta])
        return turns

    def example_losses(
        self, theta: Differentiable, presence: Differentiable, X: np.ndarray, other: TableLike
    ) -> Any:
        z, partner = self.embed(theta, X), self.embed(theta, checks.design_matrix(other)[0])
        own = anp.sum(z * partner, axis=1, keepdims=True)
        others = [self.embed(theta, self.partners)]
        if self.negatives == "both":
            others.append(self.embed(theta, self.X))
        scores = anp.concatenate([own, *(anp.dot(z, other.T) for other in others)], axis=1)
        weights = anp.concatenate([np.ones(1), *(presence for _ in others)])
        return _log_pools(scores / self.temperature, weights) - own[:, 0] / self.temperature


def _picked(scores: Any, anchors: Any, pool: Any, own: np.ndarray | None = None) -> Any:
    """- sum_i anchor_i log of the share of i's own column in the pool of row i."""
    rows = np.arange(len(scores))
    if own is None:
        return anp.sum(anchors * (_log_pools(scores, pool) - scores[rows, rows]))
    others = 1.0 - np.eye(len(rows))
    return anp.sum(anchors * (_log_pools(scores, pool * others) - scores[rows, own]))


def _log_pools(scores: Any, weights: Any) -> Any:
    """log sum_j w_j exp(S_ij) of each row, 0 where nobody is in the pool."""
    there = np.broadcast_to(autodiff.plain(weights) > 0, np.shape(scores))
    shift = np.where(there, autodiff.plain(scores), -np.inf).max(axis=1, keepdims=True)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    pools = anp.sum(weights * anp.exp(anp.where(there, scores - shift, 0.0)), axis=1)
    return shift[:, 0] + anp.log(anp.where(there.any(axis=1), pools, 1.0))
