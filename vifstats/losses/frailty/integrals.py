"""log E[u^D exp(-u S)] of a cluster's frailty u, and its slopes: docs/mathematics.md, (61).

D are the events of a cluster, S its cumulative hazard without u; both may be sums with weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import digamma, polygamma

from vifstats.losses import autodiff
from vifstats.losses.regression.special import gammaln

__all__ = ["GAMMA", "LOGNORMAL", "Frailty", "Slopes"]

# Nodes and weights of Gauss-Hermite quadrature for log-normal frailties, at the mode of each.
NODES, WEIGHTS = np.polynomial.hermite.hermgauss(40)
# Beyond this many times 1 + D^2, q is that of a variance of next to nothing.
MANY = 100.0
# Newton steps to that mode, which is that of a concave function, and how near is near enough: the
# integral hardly depends on where its nodes are.
STEPS, NEAR = 50, 1e-10


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives in S and in log s^2, of each cluster: (n_clusters,)."""

    S: np.ndarray
    v: np.ndarray
    SS: np.ndarray
    Sv: np.ndarray
    vv: np.ndarray


@dataclass(frozen=True)
class Frailty:
    """A distribution: functions of D, S (n_clusters,) and of log s^2, one or one for each."""

    # in autograd.numpy
    log_mean: Callable[[Any, Any, Any], Any]
    slopes: Callable[[np.ndarray, np.ndarray, np.ndarray], Slopes]


def _gamma(events: Any, exposed: Any, log_variance: Any) -> Any:
    """The integral for a gamma frailty with mean 1."""
    q = anp.exp(-log_variance) * anp.ones(len(events))
    return _rising(events, q) - (q + events) * anp.log1p(exposed / q)


def _gamma_slopes(D: np.ndarray, S: np.ndarray, log_variance: np.ndarray) -> Slopes:
    q = np.exp(-log_variance) * np.ones(len(D))
    first, second = _rising_slopes(D, q)
    ratio, logs = (q + D) / (q + S), np.log1p(S / q)
    of_q = logs - S / (q + S)
    # q grows without bound as the variance falls, and its square sooner
    change = q / (q + S) * (D - S) / (q + S)
    return Slopes(
        S=-ratio,
        v=first + q * logs - S * ratio,
        SS=ratio / (q + S),
        Sv=-change,
        vv=second - q * of_q - S * change,
    )


def _rising(D: Any, q: Any) -> Any:
    """log of Gamma(q + D) / (Gamma(q) q^D), which is 0 as the variance 1/q falls to 0.

    There the difference of two logarithms is rounding; a series in 1/q has all its digits.
    """
    wide = _is_wide(autodiff.plain(D), autodiff.plain(q))
    near, v = anp.where(wide, 1.0, q), anp.where(wide, 1 / q, 0.0)
    exact = gammaln(near + D) - gammaln(near) - D * anp.log(near)
    one, two, three = _series(D, v)
    return anp.where(wide, one + two + three, exact)


def _rising_slopes(D: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Its first and second derivative in log(1/q)."""
    wide = _is_wide(D, q)
    near = np.where(wide, 1.0, q)
    first = D - near * (digamma(near + D) - digamma(near))
    second = near**2 * (polygamma(1, near + D) - polygamma(1, near)) + D - first
    one, two, three = _series(D, np.where(wide, 1 / q, 0.0))
    return (
        np.where(wide, one + 2 * two + 3 * three, first),
        np.where(wide, one + 4 * two + 9 * three, second),
    )


def _is_wide(D: np.ndarray, q: np.ndarray) -> np.ndarray:
    return q > MANY * (1 + D**2)


def _series(D: Any, v: Any) -> tuple[Any, Any, Any]:
    """The terms in v, v^2 and v^3."""
    pairs = D * (D - 1)
    return pairs * v / 2, -pairs * (2 * D - 1) * v**2 / 12, pairs**2 * v**3 / 12


def _lognormal(events: Any, exposed: Any, log_variance: Any) -> Any:
    """Of log u normal with mean 0, by quadrature at the mode of each integrand.

    Where the nodes are does not change the integral, so they are constants of its derivatives.
    """
    s, width = _nodes(*(autodiff.plain(x) for x in (events, exposed, log_variance)))
    logs = _log_terms(events, exposed, log_variance, s)
    shift = autodiff.plain(logs).max(axis=1)
    total = anp.log(anp.sum(anp.exp(logs - shift[:, None]), axis=1)) + shift
    return total + np.log(width) - 0.5 * (np.log(2 * np.pi) + log_variance)


def _lognormal_slopes(D: np.ndarray, S: np.ndarray, log_variance: np.ndarray) -> Slopes:
    s, _ = _nodes(D, S, log_variance)
    logs = _log_terms(D, S, log_variance, s)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)

    def mean(x: np.ndarray) -> np.ndarray:
        return np.sum(weights * x, axis=1)

    u, h = np.exp(s), 0.5 * s**2 * _column(np.exp(-log_variance))
    mean_u, mean_h = mean(u), mean(h)
    du, dh = u - mean_u[:, None], h - mean_h[:, None]
    return Slopes(
        S=-mean_u,
        v=mean_h - 0.5,
        SS=mean(du**2),
        Sv=-mean(du * dh),
        vv=mean(dh**2) - mean_h,
    )


def _log_terms(D: Any, S: Any, log_variance: Any, s: np.ndarray) -> Any:
    """Logarithms of the integrand at each node, times its weight: (n_clusters, n_nodes)."""
    normal = 0.5 * s**2 * _column(anp.exp(-log_variance))
    return D[:, None] * s - S[:, None] * np.exp(s) - normal + NODES**2 + np.log(WEIGHTS)


def _nodes(D: np.ndarray, S: np.ndarray, log_variance: Any) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n_clusters, n_nodes), and the width of each integrand (n_clusters,)."""
    v = np.exp(log_variance)
    mode = np.log((1 + D * v) / (1 + S * v))
    for _ in range(STEPS):
        step = (D - S * np.exp(mode) - mode / v) / (S * np.exp(mode) + 1 / v)
        mode = mode + np.clip(step, -1.0, 1.0)
        if np.abs(step).max(initial=0.0) < NEAR:
            break
    width = np.sqrt(2 / (S * np.exp(mode) + 1 / v))
    return mode[:, None] + width[:, None] * NODES, width


def _column(x: Any) -> Any:
    """One number, or one for each cluster, beside the nodes."""
    return anp.reshape(x, (-1, 1))


GAMMA = Frailty(_gamma, _gamma_slopes)
LOGNORMAL = Frailty(_lognormal, _lognormal_slopes)
