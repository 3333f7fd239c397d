"""What one row adds to a loss, by its linear predictors: a file for each kind of outcome."""

from vifstats.losses.row_losses.base import RowLoss
from vifstats.losses.row_losses.canonical import Logistic, Poisson, SquaredError
from vifstats.losses.row_losses.categorical import Multinomial, Ordered
from vifstats.losses.row_losses.counts import (
    GeneralizedPoisson,
    NegativeBinomialP,
    PoissonCount,
    ZeroInflated,
)
from vifstats.losses.row_losses.exponential_family import (
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    PoissonGLM,
    Tweedie,
)
from vifstats.losses.row_losses.proportions import Beta
from vifstats.losses.row_losses.robust import Robust

__all__ = [
    "Beta",
    "Binomial",
    "Gamma",
    "Gaussian",
    "GeneralizedPoisson",
    "InverseGaussian",
    "Logistic",
    "Multinomial",
    "NegativeBinomial",
    "NegativeBinomialP",
    "Ordered",
    "Poisson",
    "PoissonCount",
    "PoissonGLM",
    "Robust",
    "RowLoss",
    "SquaredError",
    "Tweedie",
    "ZeroInflated",
]
