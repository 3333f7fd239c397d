"""Rows of generalised linear models: a family's loss in the mean, a link from predictor to mean."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.regression.special import xlogy
from vifstats.losses.row_losses.base import RowLoss, one_sided
from vifstats.losses.row_losses.canonical import Logistic, Poisson
from vifstats.losses.row_losses.domains import NON_NEGATIVE, POSITIVE, SHARES, Domain
from vifstats.losses.row_losses.links import Link, Log, Logit
from vifstats.typing import Differentiable

__all__ = [
    "Binomial",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "NegativeBinomial",
    "PoissonGLM",
    "Tweedie",
]


@dataclass(frozen=True)
class _Family(RowLoss):
    """A loss in the mean of each row, which its link makes of one predictor."""

    link: Link

    def __post_init__(self) -> None:
        checks.instance(self.link, Link, "link", "row_losses.links.Log()")

    def _to_zero(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The faces of rows of which some fall for ever as their mean goes to 0."""
        return one_sided(np.where(some, float(self.link.to_zero), 0.0))


@dataclass(frozen=True)
class Gaussian(_Family):
    """(y - mu)^2 / 2: minus the log likelihood at dispersion 1, as in every family here.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> Gaussian(Log()).value(np.zeros((1, 2)), np.array([1.0, 3.0]))
    array([0., 2.])
    """

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return 0.5 * (y - self.link.inverse(eta[0])) ** 2

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return self._to_zero(y <= 0)


@dataclass(frozen=True)
class Binomial(_Family):
    """-y log mu - (1 - y) log(1 - mu), y the share of successes; weight it by the trials.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Logit
    >>> Binomial(Logit()).value(np.zeros((1, 2)), np.array([0.0, 1.0])).round(4)
    array([0.6931, 0.6931])
    """

    binary = True

    def domain(self) -> Domain:
        return SHARES

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        successes = anp.where(y > 0, y * self.link.log_inverse(eta[0]), 0.0)
        failures = anp.where(y < 1, (1 - y) * self.link.log_complement(eta[0]), 0.0)
        return -successes - failures

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        failures = np.where(y == 0, float(self.link.to_zero), 0.0)
        return one_sided(np.where(y == 1, float(self.link.to_one), failures))

    def information(self, eta: np.ndarray) -> tuple[Any, Any, Any] | None:
        return Logistic().information(eta) if isinstance(self.link, Logit) else None


@dataclass(frozen=True)
class PoissonGLM(_Family):
    """mu - y log mu.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> PoissonGLM(Log()).slope(np.zeros((1, 3)), np.array([0.0, 1.0, 2.0]))
    array([[ 1.,  0., -1.]])
    """

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return self.link.inverse(eta[0]) - y * self.link.log_inverse(eta[0])

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return self._to_zero(y == 0)

    def information(self, eta: np.ndarray) -> tuple[Any, Any, Any] | None:
        return Poisson().information(eta) if isinstance(self.link, Log) else None


@dataclass(frozen=True)
class Gamma(_Family):
    """y / mu + log mu.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> Gamma(Log()).slope(np.zeros((1, 2)), np.array([1.0, 3.0]))
    array([[ 0., -2.]])
    """

    def domain(self) -> Domain:
        return POSITIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        return y / self.link.inverse(eta[0]) + self.link.log_inverse(eta[0])


@dataclass(frozen=True)
class InverseGaussian(_Family):
    """y / (2 mu^2) - 1 / mu.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> InverseGaussian(Log()).slope(np.zeros((1, 2)), np.array([1.0, 3.0]))
    array([[ 0., -2.]])
    """

    def domain(self) -> Domain:
        return POSITIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        mu = self.link.inverse(eta[0])
        return 0.5 * y / mu**2 - 1 / mu


@dataclass(frozen=True)
class NegativeBinomial(_Family):
    """(y + 1/alpha) log(1 + alpha mu) - y log(alpha mu), alpha known.

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> NegativeBinomial(Log(), alpha=1.0).slope(np.zeros((1, 2)), np.array([1.0, 3.0]))
    array([[ 0., -1.]])
    """

    alpha: float

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.positive_number(self.alpha, "alpha")

    def domain(self) -> Domain:
        return NON_NEGATIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        scaled = self.alpha * self.link.inverse(eta[0])
        return (y + 1 / self.alpha) * anp.log1p(scaled) - xlogy(y, scaled)

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return self._to_zero(y == 0)


@dataclass(frozen=True)
class Tweedie(_Family):
    """Variance mu^power: mu^(2 - power) / (2 - power) - y mu^(1 - power) / (1 - power).

    Examples
    --------
    >>> from vifstats.losses.row_losses.links import Log
    >>> Tweedie(Log(), power=1.5).slope(np.zeros((1, 2)), np.array([1.0, 3.0]))
    array([[ 0., -2.]])
    """

    power: float

    def __post_init__(self) -> None:
        super().__post_init__()
        power = checks.one_number(self.power, "power")
        if not (np.isfinite(power) and (power <= 0 or power >= 1)):
            raise InvalidInputError(
                f"`power` must be at most 0 or at least 1, but is {self.power!r}: no distribution "
                "has a variance mu^power between; give another."
            )

    def domain(self) -> Domain | None:
        if self.power < 1:
            return None
        return NON_NEGATIVE if self.power < 2 else POSITIVE

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        mu, p = self.link.inverse(eta[0]), self.power
        # The integrals of mu^(1-p) and y mu^-p, logarithms at p = 2 and p = 1.
        first = anp.log(mu) if p == 2 else mu ** (2 - p) / (2 - p)
        second = xlogy(y, mu) if p == 1 else y * mu ** (1 - p) / (1 - p)
        return first - second

    def faces(self, y: Any, designs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        return self._to_zero((y <= 0) & (self.power < 2))
