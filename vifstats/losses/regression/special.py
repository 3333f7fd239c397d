"""Special functions that can be differentiated any number of times.

autograd.scipy has most of them, but importing it imports scipy.stats, which takes 0.75 s.
"""

from typing import Any

import autograd.numpy as anp
import numpy as np
import scipy.special
from autograd.extend import defvjp, primitive

__all__ = ["digamma", "expit", "gammaln", "log_expit", "log_ndtr", "ndtr", "polygamma", "xlogy"]

LOG_ROOT_TWO_PI = 0.5 * np.log(2 * np.pi)

expit = primitive(scipy.special.expit)
gammaln = primitive(scipy.special.gammaln)
log_expit = primitive(scipy.special.log_expit)
log_ndtr = primitive(scipy.special.log_ndtr)
ndtr = primitive(scipy.special.ndtr)


@primitive
def polygamma(n: int, x: Any) -> Any:
    """Derivatives of digamma, and that itself at n = 0; nan unless x > 0.

    No density has a Gamma function of anything else, and SciPy counts up from there in steps of 1.

    Examples
    --------
    >>> polygamma(1, np.array([1.0, -0.5])).round(4)
    array([1.6449,    nan])
    """
    positive = np.asarray(x) > 0
    values = scipy.special.polygamma(n, np.where(positive, x, 1.0))
    return np.where(positive, values, np.nan)[()]


def digamma(x: Any) -> Any:
    """Derivative of log Gamma.

    Examples
    --------
    >>> bool(np.isclose(digamma(1.0), -np.euler_gamma))
    True
    """
    return polygamma(0, x)


def xlogy(x: np.ndarray, y: Any) -> Any:
    """x log y for constant x, exactly 0 where x is 0, also in its derivative.

    Examples
    --------
    >>> xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    """
    return x * anp.log(anp.where(x == 0, 1.0, y))


def _normal_density(x: Any) -> Any:
    return anp.exp(-0.5 * x**2 - LOG_ROOT_TWO_PI)


def _inverse_mills_ratio(x: Any) -> Any:
    """phi(x) / Phi(x), whose numerator and denominator both underflow at -39."""
    return anp.exp(-0.5 * x**2 - LOG_ROOT_TWO_PI - log_ndtr(x))


defvjp(expit, lambda ans, x: lambda g: g * ans * expit(-x))
defvjp(gammaln, lambda ans, x: lambda g: g * polygamma(0, x))
defvjp(log_expit, lambda ans, x: lambda g: g * expit(-x))
defvjp(log_ndtr, lambda ans, x: lambda g: g * _inverse_mills_ratio(x))
defvjp(ndtr, lambda ans, x: lambda g: g * _normal_density(x))
defvjp(polygamma, None, lambda ans, n, x: lambda g: g * polygamma(n + 1, x))
