"""Counts whose dispersion is a parameter: alpha is the second predictor, with a design of ones."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import gammaln as log_gamma

from vifstats import checks
from vifstats.losses.regression.special import gammaln, log_expit, log_ndtr
from vifstats.losses.row_losses.base import RowLoss, one_sided
from vifstats.losses.row_losses.domains import NON_NEGATIVE, Domain
from vifstats.typing import Differentiable

__all__ = ["GeneralizedPoisson", "NegativeBinomialP", "PoissonCount", "ZeroInflated"]


@dataclass(frozen=True)
class PoissonCount(RowLoss):
    """Poisson with its constant, log y!: zero inflation needs the probability itself.

    Examples
    --------
    The probabilities of 0, 1 and 2 at mean 1:

    >>> np.exp(-PoissonCount().value(np.zeros((1, 3)), np.arange(3))).round(4)
    array([0.3679, 0.3679, 0.1839])
    """

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return anp.exp(eta[0]) - y * eta[0] + log_gamma(y + 1)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return one_sided(np.where(y == 0, -1.0, 0.0))


@dataclass(frozen=True)
class _Overdispersed(RowLoss):
    """Counts of a variance with a power of the mean; predictors log mu and alpha."""

    power: float

    def __post_init__(self) -> None:
        checks.positive_number(self.power, "power")

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return _zeros_fall(y, super().faces(y, designs))


@dataclass(frozen=True)
class NegativeBinomialP(_Overdispersed):
    """Variance mu + alpha mu^power; predictors log mu and alpha.

    References
    ----------
    Greene (2008), Economics Letters 99.

    Examples
    --------
    The probabilities of 0, 1 and 2 at mean 1 and alpha 1:

    >>> eta = np.repeat([[0.0], [1.0]], 3, axis=1)
    >>> np.exp(-NegativeBinomialP().value(eta, np.arange(3)))
    array([0.5  , 0.25 , 0.125])
    """

    power: float = 2

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        log_mu, alpha = eta[0], eta[1]
        mu = anp.exp(log_mu)
        size = anp.exp((2 - self.power) * log_mu) / alpha
        return (
            gammaln(size)
            + log_gamma(y + 1)
            - gammaln(y + size)
            - size * anp.log(size)
            - y * log_mu
            + (y + size) * anp.log(mu + size)
        )


@dataclass(frozen=True)
class GeneralizedPoisson(_Overdispersed):
    """Variance mu (1 + alpha mu^(power - 1))^2; predictors log mu and alpha.

    References
    ----------
    Consul & Famoye (1992), Communications in Statistics 21.

    Examples
    --------
    The probabilities of 0, 1 and 2 at mean 1 and alpha 1:

    >>> eta = np.repeat([[0.0], [1.0]], 3, axis=1)
    >>> np.exp(-GeneralizedPoisson().value(eta, np.arange(3))).round(4)
    array([0.6065, 0.1839, 0.0837])
    """

    power: float = 1

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        log_mu, alpha = eta[0], eta[1]
        mu = anp.exp(log_mu)
        excess = alpha * anp.exp((self.power - 1) * log_mu)
        a1, a2 = 1 + excess, mu + excess * y
        return -log_mu - (y - 1) * anp.log(a2) + y * anp.log(a1) + log_gamma(y + 1) + a2 / a1


@dataclass(frozen=True)
class ZeroInflated(RowLoss):
    """A zero with probability w, else the count model; the first predictor is that of w.

    Parameters
    ----------
    counts : RowLoss
        With all its constants, so that exp(-value) is a probability.
    inflation : {"logit", "probit"}

    References
    ----------
    Lambert (1992), Technometrics 34.

    Examples
    --------
    Half of all are zeros, the others Poisson of mean 1:

    >>> np.exp(-ZeroInflated(PoissonCount()).value(np.zeros((2, 3)), np.arange(3))).round(4)
    array([0.6839, 0.1839, 0.092 ])
    """

    counts: RowLoss
    inflation: str = "logit"

    def __post_init__(self) -> None:
        checks.instance(self.counts, RowLoss, "counts", "PoissonCount()")
        checks.one_of(self.inflation, ("logit", "probit"), "inflation")

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        log_cdf = log_expit if self.inflation == "logit" else log_ndtr
        from_counts = log_cdf(-eta[0]) - self.counts.value(eta[1:], y)
        return -anp.where(y == 0, anp.logaddexp(log_cdf(eta[0]), from_counts), from_counts)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        # Only directions along which both parts of a zero's probability grow: no others are sure.
        counts, counts_equal = self.counts.faces(y, designs[1:])
        faces = np.zeros((1 + len(counts), 1 + counts.shape[1], len(y)))
        faces[0, 0], faces[1:, 1:] = np.where(y == 0, 1.0, -1.0), counts
        return faces, np.concatenate([np.zeros((1, len(y)), dtype=bool), counts_equal])


def _zeros_fall(
    y: np.ndarray, faces: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The faces of counts with the dispersion held: a zero gains as its mean falls."""
    faces[0][0, 0] = np.where(y == 0, -1.0, 1.0)
    faces[1][0] = y != 0
    return faces
