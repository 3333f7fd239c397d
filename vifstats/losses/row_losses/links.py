"""Links of generalised linear models: the mean as a function of the linear predictor."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses.regression.special import expit, log_expit, log_ndtr, ndtr

__all__ = [
    "CLogLog",
    "Cauchy",
    "Identity",
    "Link",
    "Log",
    "LogC",
    "LogLog",
    "Logit",
    "NegativeBinomialLink",
    "Power",
    "Probit",
]


@dataclass(frozen=True)
class Link:
    """A link g, given by its inverse.

    The two logarithms serve probabilities: they keep their digits in the tails where the
    probability, or one minus it, is 0 in floating point.

    Attributes
    ----------
    to_zero, to_one : int
        The sign of the infinite predictor at which the mean is 0, or 1; 0 if none is.
    """

    to_zero = 0
    to_one = 0

    def inverse(self, eta: Any) -> Any:
        """The mean."""
        raise NotImplementedError(f"{type(self).__name__} must define inverse(eta).")

    def log_inverse(self, eta: Any) -> Any:
        """Log of the mean."""
        return anp.log(self.inverse(eta))

    def log_complement(self, eta: Any) -> Any:
        """Log of one minus the mean."""
        return anp.log1p(-self.inverse(eta))


@dataclass(frozen=True)
class Power(Link):
    """mu^power = eta: inverse (-1), inverse squared (-2), square root (0.5), identity (1)."""

    power: float

    @property
    def to_zero(self) -> int:  # type: ignore[override]  # depends on the power
        """Negative powers of the mean grow for ever as it falls to 0."""
        return int(self.power < 0)

    def inverse(self, eta: Any) -> Any:
        return eta ** (1 / self.power)


@dataclass(frozen=True)
class Identity(Link):
    """mu = eta."""

    def inverse(self, eta: Any) -> Any:
        return eta


@dataclass(frozen=True)
class Log(Link):
    """log mu = eta."""

    to_zero = -1

    def inverse(self, eta: Any) -> Any:
        return anp.exp(eta)

    def log_inverse(self, eta: Any) -> Any:
        return eta


@dataclass(frozen=True)
class LogC(Link):
    """log(1 - mu) = eta."""

    to_one = -1

    def inverse(self, eta: Any) -> Any:
        return -anp.expm1(eta)

    def log_complement(self, eta: Any) -> Any:
        return eta


@dataclass(frozen=True)
class _Sigmoid(Link):
    """A mean that goes from 0 to 1."""

    to_zero = -1
    to_one = 1


@dataclass(frozen=True)
class Logit(_Sigmoid):
    """log(mu / (1 - mu)) = eta."""

    def inverse(self, eta: Any) -> Any:
        return expit(eta)

    def log_inverse(self, eta: Any) -> Any:
        return log_expit(eta)

    def log_complement(self, eta: Any) -> Any:
        return log_expit(-eta)


@dataclass(frozen=True)
class Probit(_Sigmoid):
    """mu is the normal distribution function of eta."""

    def inverse(self, eta: Any) -> Any:
        return ndtr(eta)

    def log_inverse(self, eta: Any) -> Any:
        return log_ndtr(eta)

    def log_complement(self, eta: Any) -> Any:
        return log_ndtr(-eta)


@dataclass(frozen=True)
class Cauchy(_Sigmoid):
    """mu is the Cauchy distribution function of eta."""

    def inverse(self, eta: Any) -> Any:
        # arctan2(1, -eta) / pi = 1/2 + arctan(eta) / pi, without cancellation in the left tail
        return anp.arctan2(1.0, -eta) / np.pi

    def log_complement(self, eta: Any) -> Any:
        return anp.log(self.inverse(-eta))


@dataclass(frozen=True)
class CLogLog(_Sigmoid):
    """log(-log(1 - mu)) = eta."""

    def inverse(self, eta: Any) -> Any:
        return -anp.expm1(-anp.exp(eta))

    def log_complement(self, eta: Any) -> Any:
        return -anp.exp(eta)


@dataclass(frozen=True)
class LogLog(_Sigmoid):
    """-log(-log mu) = eta."""

    def inverse(self, eta: Any) -> Any:
        return anp.exp(-anp.exp(-eta))

    def log_inverse(self, eta: Any) -> Any:
        return -anp.exp(-eta)


@dataclass(frozen=True)
class NegativeBinomialLink(Link):
    """log(mu / (mu + 1/alpha)) = eta, for eta < 0."""

    to_zero = -1
    alpha: float

    def inverse(self, eta: Any) -> Any:
        return -1 / (self.alpha * -anp.expm1(-eta))
