"""Elementary symmetric polynomials of the risks of a set, with two derivatives.

e_m, the sum over all choices of m members of the product of their risks r, is the coefficient of
z^m in prod_j (1 + r_j z): so it grows member by member, e_k <- e_k + r_j e_(k-1), and with
r_j = exp(x_j' theta) its derivatives grow along:

    G_k <- G_k + r_j (G_(k-1) + x_j e_(k-1)),
    S_k <- S_k + r_j (S_(k-1) + x_j G_(k-1)' + G_(k-1) x_j' + x_j x_j' e_(k-1)).

See docs/mathematics.md, equation (36).
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Logs", "log_symmetric_sums"]

# From this size on e_m may be e^-700 times the largest e_k.
LARGE_SET = 50
# The shift need not be exact: to a millionth of the interval.
BISECTIONS = 20


@dataclass(frozen=True, eq=False)
class Logs:
    """log e_m of each of k sets, shape (k,), its gradient (k, p), and its Hessian (k, p, p)."""

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray | None

    @property
    def curvature(self) -> np.ndarray:
        """The Hessian, where it was asked for."""
        assert self.hessian is not None
        return self.hessian


def log_symmetric_sums(
    eta: np.ndarray, x: np.ndarray, present: np.ndarray, m: np.ndarray, curved: bool
) -> Logs:
    """log e_m of the present members of each set.

    Parameters
    ----------
    eta : ndarray, shape (k, n)
        Linear predictors.
    x : ndarray, shape (k, n, p)
    present : ndarray of bool, shape (k, n)
    m : ndarray of int, shape (k,)
        How many are chosen; at most the number present.
    curved : bool
        Whether the Hessian is wanted.
    """
    k, n, p = x.shape
    shift = _shift(eta, present, m)
    r = np.where(present, np.exp(np.where(present, eta - shift[:, None], 0.0)), 0.0)
    top = int(m.max(initial=0))
    e = np.zeros((k, top + 1))
    e[:, 0] = 1.0
    G = np.zeros((k, top + 1, p))
    S = np.zeros((k, top + 1, p, p)) if curved else None
    log_scale = np.zeros(k)
    for j in range(n):
        rj, xj = r[:, j, None], x[:, j, None, :]
        if S is not None:
            cross = xj[..., :, None] * G[:, :-1, None, :]
            grown = S[:, :-1] + cross + cross.swapaxes(2, 3)
            grown += (xj[..., :, None] * xj[..., None, :]) * e[:, :-1, None, None]
            S[:, 1:] += rj[..., None, None] * grown
        G[:, 1:] += rj[..., None] * (G[:, :-1] + xj * e[:, :-1, None])
        e[:, 1:] += rj * e[:, :-1]
        # without this a set of thousands would leave the range of doubles
        size = e.max(axis=1)
        if (size > 1e100).any():
            log_scale += np.log(size)
            e /= size[:, None]
            G /= size[:, None, None]
            if S is not None:
                S /= size[:, None, None, None]
    at = np.arange(k), m
    total = e[at]
    gradient = G[at] / total[:, None]
    hessian = None
    if S is not None:
        hessian = S[at] / total[:, None, None] - gradient[:, :, None] * gradient[:, None, :]
    return Logs(np.log(total) + log_scale + m * shift, gradient, hessian)


def _shift(eta: np.ndarray, present: np.ndarray, m: np.ndarray) -> np.ndarray:
    """What to subtract from eta, shape (k,): in large sets so that e_m is among the largest e_k.

    The e_k are largest near the k at which sum r/(1 + r) = k; further off they leave the range of
    doubles, in sets of hundreds. Whatever the shift, log e_m moves by m times it.
    """
    largest = np.max(np.where(present, eta, -np.inf), axis=1, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    if eta.shape[1] < LARGE_SET:
        return largest
    low, high = largest - 700.0, largest + 700.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        z = np.clip(np.where(present, eta - middle[:, None], -700.0), -700.0, 700.0)
        too_many = np.sum(1 / (1 + np.exp(-z)), axis=1) > m
        low, high = np.where(too_many, middle, low), np.where(too_many, high, middle)
    return high
