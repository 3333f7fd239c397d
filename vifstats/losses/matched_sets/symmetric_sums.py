"""Elementary symmetric polynomials of the risks of a growing set, with two derivatives.

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
    """log e_m of each choice, shape (...,), its gradient (..., p), and its Hessian (..., p, p)."""

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray | None

    @property
    def curvature(self) -> np.ndarray:
        """The Hessian, where it was asked for."""
        assert self.hessian is not None
        return self.hessian


def log_symmetric_sums(
    eta: np.ndarray,
    x: np.ndarray,
    present: np.ndarray,
    reads: np.ndarray,
    m: np.ndarray,
    curved: bool,
) -> Logs:
    """log e_m of the present among the first members of each set: shape (k, n_choices).

    `eta` (k, n), `x` (k, n, p), `present` (k, n); `reads` (k, n_choices): among how many of the
    members each choice is made, 0 for none; `m` (k, n_choices): how many are chosen, at most the
    number present; `curved`: whether the Hessian is wanted.
    """
    k, n, p = x.shape
    shift = _shift(eta, present, m.max(axis=1, initial=0))
    r = np.where(present, np.exp(np.where(present, eta - shift[:, None], 0.0)), 0.0)
    top = int(m.max(initial=0))
    growing = _Growing(k, top, p, curved)
    out = Logs(
        np.zeros(reads.shape),
        np.zeros((*reads.shape, p)),
        np.zeros((*reads.shape, p, p)) if curved else None,
    )
    order = np.argsort(reads, axis=None, kind="stable")
    bounds = np.searchsorted(reads.ravel()[order], np.arange(n + 2))
    for j in range(n):
        growing.take(r[:, j, None], x[:, j, None, :])
        if bounds[j + 1] < bounds[j + 2]:
            at = np.unravel_index(order[bounds[j + 1] : bounds[j + 2]], reads.shape)
            growing.read(out, at, m[at])
    out.value[...] += m * shift[:, None]
    return out


class _Growing:
    """e_0, ..., e_top of the members so far, with derivatives, up to a factor for each set."""

    def __init__(self, k: int, top: int, p: int, curved: bool) -> None:
        self.e = np.zeros((k, top + 1))
        self.e[:, 0] = 1.0
        self.G = np.zeros((k, top + 1, p))
        self.S = np.zeros((k, top + 1, p, p)) if curved else None
        self.log_scale = np.zeros(k)

    def take(self, r: np.ndarray, x: np.ndarray) -> None:
        """One more member of each set: its risk (k, 1) and covariates (k, 1, p)."""
        e, G, S = self.e, self.G, self.S
        if S is not None:
            cross = x[..., :, None] * G[:, :-1, None, :]
            grown = S[:, :-1] + cross + cross.swapaxes(2, 3)
            grown += (x[..., :, None] * x[..., None, :]) * e[:, :-1, None, None]
            S[:, 1:] += r[..., None, None] * grown
        G[:, 1:] += r[..., None] * (G[:, :-1] + x * e[:, :-1, None])
        e[:, 1:] += r * e[:, :-1]
        # without this a set of thousands would leave the range of doubles
        size = e.max(axis=1)
        if (size > 1e100).any():
            self.log_scale += np.log(size)
            e /= size[:, None]
            G /= size[:, None, None]
            if S is not None:
                S /= size[:, None, None, None]

    def read(self, out: Logs, at: tuple[np.ndarray, ...], m: np.ndarray) -> None:
        """Note log e_m of some sets, at = (sets, choices)."""
        here = at[0], m
        total = self.e[here]
        out.value[at] = np.log(total) + self.log_scale[at[0]]
        gradient = out.gradient[at] = self.G[here] / total[:, None]
        if self.S is not None:
            second = self.S[here] / total[:, None, None]
            out.curvature[at] = second - gradient[:, :, None] * gradient[:, None, :]


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
