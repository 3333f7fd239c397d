"""A mixed model's -log likelihood, with gradient and Hessian, of its sums over groups.

Twice the value is logdet + 2 (n - r p) log sigma + u'u / sigma^2 + r log det K, with r = 1 for
REML and 0 for ML, u'u the part of D that beta leaves and K that of X. See docs/mathematics.md.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.mixed.group_sums import GroupSums
from vifstats.solvers.linalg import positive_definite

__all__ = ["InUserUnits", "Likelihood", "fixed_effects"]

# Of the largest entry of K: an eigenvalue below this is what rounding leaves of none.
SINGULAR = 1e-12


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Of k problems, each with its own sums.

    Shapes: `delta` (k, p): beta as the coefficients of the columns that D is of; `log_sigma` (k,).
    """

    sums: GroupSums
    delta: np.ndarray
    log_sigma: np.ndarray
    reml: bool

    @cached_property
    def value(self) -> np.ndarray:
        """Values, (k,); nan where the rows cannot tell all of beta by REML."""
        twice = self.sums.logdet + 2 * self._n * self.log_sigma + self._precision * self._squares
        if self.reml:
            twice = twice + _logdets(self._K)
        return 0.5 * twice

    @cached_property
    def gradient(self) -> np.ndarray:
        """Gradients in delta, log sigma and psi, (k, p + 1 + m)."""
        s = self._precision
        of_sigma = self._n - s * self._squares
        of_psi = self.sums.logdet1 + s[:, None] * self._squares1
        if self.reml:
            of_psi = of_psi + np.einsum("kab,kjab->kj", self._inverse, self._K1)
        of_delta = -s[:, None] * self._left
        return np.concatenate([of_delta, of_sigma[:, None], 0.5 * of_psi], axis=1)

    @cached_property
    def hessian(self) -> np.ndarray:
        """Hessians, (k, p + 1 + m, p + 1 + m)."""
        (k, p), m = self.delta.shape, self.sums.logdet1.shape[1]
        s = self._precision
        H = np.empty((k, p + 1 + m, p + 1 + m))
        H[:, :p, :p] = s[:, None, None] * self._K
        H[:, :p, p] = 2 * s[:, None] * self._left
        H[:, :p, p + 1 :] = -s[:, None, None] * np.swapaxes(self._left1, 1, 2)
        H[:, p, p] = 2 * s * self._squares
        H[:, p, p + 1 :] = -s[:, None] * self._squares1
        H[:, p + 1 :, p + 1 :] = 0.5 * self._of_psi_twice()
        for rows in (slice(p), p):
            H[:, p + 1 :, rows] = np.moveaxis(H[:, rows, p + 1 :], 1, -1)
        H[:, p, :p] = H[:, :p, p]
        return H

    def _of_psi_twice(self) -> np.ndarray:
        D2 = self.sums.D2
        assert D2 is not None and self.sums.logdet2 is not None, "the sums must be curved"
        u = self._u
        bend = np.einsum("ka,kjlab,kb->kjl", u, D2, u, optimize=True)
        out = self.sums.logdet2 + self._precision[:, None, None] * bend
        if self.reml:
            KK = self._inverse[:, None] @ self._K1
            out = out + np.einsum("kab,kjlab->kjl", self._inverse, D2[..., :-1, :-1])
            out = out - np.einsum("kjab,klba->kjl", KK, KK)
        return out

    @property
    def _precision(self) -> np.ndarray:
        return np.exp(-2 * self.log_sigma)

    @property
    def _n(self) -> np.ndarray:
        return self.sums.n - (self.delta.shape[1] if self.reml else 0)

    @cached_property
    def _u(self) -> np.ndarray:
        """What takes y - X beta of (X, y): (k, p + 1)."""
        return np.concatenate([-self.delta, np.ones((len(self.delta), 1))], axis=1)

    @cached_property
    def _K(self) -> np.ndarray:
        return self.sums.D[:, :-1, :-1]

    @cached_property
    def _K1(self) -> np.ndarray:
        return self.sums.D1[:, :, :-1, :-1]

    @cached_property
    def _inverse(self) -> np.ndarray:
        return _inverses(self._K)

    @cached_property
    def _left(self) -> np.ndarray:
        """X' V^-1 (y - X beta) sigma^2, (k, p)."""
        return np.einsum("kab,kb->ka", self.sums.D[:, :-1], self._u)

    @cached_property
    def _left1(self) -> np.ndarray:
        return np.einsum("kjab,kb->kja", self.sums.D1[:, :, :-1], self._u)

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.einsum("ka,kab,kb->k", self._u, self.sums.D, self._u, optimize=True)

    @cached_property
    def _squares1(self) -> np.ndarray:
        return np.einsum("ka,kjab,kb->kj", self._u, self.sums.D1, self._u, optimize=True)


@dataclass(frozen=True, eq=False)
class InUserUnits:
    """A likelihood in beta instead of delta = R (beta - ...), with the constant of REML."""

    of_delta: Likelihood
    R: np.ndarray
    constant: float

    @property
    def value(self) -> np.ndarray:
        return self.of_delta.value + self.constant

    @property
    def gradient(self) -> np.ndarray:
        return self._turned(self.of_delta.gradient)

    @property
    def hessian(self) -> np.ndarray:
        return self._turned(np.swapaxes(self._turned(self.of_delta.hessian), -1, -2))

    def _turned(self, slopes: np.ndarray) -> np.ndarray:
        """R' on the entries of delta, the first of the last axis."""
        p = len(self.R)
        return np.concatenate([slopes[..., :p] @ self.R, slopes[..., p:]], axis=-1)


def fixed_effects(D: np.ndarray) -> np.ndarray:
    """Generalised least squares of sums D (k, p + 1, p + 1): (k, p); nan where K is singular."""
    return np.einsum("kab,kb->ka", _inverses(D[:, :-1, :-1]), D[:, :-1, -1])


def _inverses(K: np.ndarray) -> np.ndarray:
    """Inverses (k, p, p), nan where one is singular."""
    out, regular = np.full(K.shape, np.nan), _regular(K)
    out[regular] = np.linalg.inv(K[regular])
    return out


def _logdets(K: np.ndarray) -> np.ndarray:
    """Logarithms of determinants (k,), nan where one is singular."""
    out, regular = np.full(len(K), np.nan), _regular(K)
    out[regular] = np.linalg.slogdet(K[regular])[1]
    return out


def _regular(K: np.ndarray) -> np.ndarray:
    size = np.abs(K).max(axis=(1, 2), keepdims=True)
    return positive_definite(K / np.where(size > 0, size, 1.0), SINGULAR)
