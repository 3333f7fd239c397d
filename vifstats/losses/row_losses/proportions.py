"""Proportions between 0 and 1, excluded, with a mean and a precision."""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.losses.regression.special import gammaln
from vifstats.losses.row_losses.base import RowLoss
from vifstats.losses.row_losses.domains import OPEN_SHARES, Domain
from vifstats.losses.row_losses.links import Link, Log, Logit
from vifstats.typing import Differentiable

__all__ = ["Beta"]


@dataclass(frozen=True)
class Beta(RowLoss):
    """Beta distribution of mean mu and precision phi, one predictor each.

    References
    ----------
    Ferrari & Cribari-Neto (2004), Journal of Applied Statistics 31, Eq. 2.

    Examples
    --------
    The uniform distribution has mean 1/2 and precision 2:

    >>> eta = np.repeat([[0.0], [np.log(2.0)]], 2, axis=1)
    >>> np.exp(-Beta().value(eta, np.array([0.2, 0.7]))).round(9)
    array([1., 1.])
    """

    mean: Link = Logit()
    precision: Link = Log()

    def __post_init__(self) -> None:
        for name in ("mean", "precision"):
            checks.instance(getattr(self, name), Link, name, "row_losses.links.Log()")

    def domain(self) -> Domain:
        return OPEN_SHARES

    def value(self, eta: Differentiable, y: np.ndarray) -> Any:
        mu, phi = self.mean.inverse(eta[0]), self.precision.inverse(eta[1])
        a, b = mu * phi, (1 - mu) * phi
        normaliser = gammaln(a) + gammaln(b) - gammaln(phi)
        return normaliser - (a - 1) * anp.log(y) - (b - 1) * anp.log1p(-y)
