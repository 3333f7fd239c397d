"""Conditional Poisson regression: how the events of each set are shared by its members."""

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.batched import Batched
from vifstats.losses.matched_sets.base import MatchedSets
from vifstats.losses.matched_sets.separation import Pairs
from vifstats.losses.penalty import penalised, penalised_slopes, untold
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["ConditionalPoisson"]

# Numbers of one array at once (16 MB).
CHUNK_NUMBERS = 2_000_000


class ConditionalPoisson(Batched, MatchedSets):
    """-log of how the counts of each set are shared by its members, given their sum.

    Set s with sum Y_s adds Y_s log sum exp(x'theta) - sum y x'theta: a multinomial logit of shares.
    When a row is removed its count is gone, and the rest of its set stays.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Without an intercept: what is the same for all members of a set has no effect.
    y : array_like, shape (n,)
        Counts, >= 0.
    sets : array_like, shape (n,)
        The label of each row's set.
    offset : array_like, shape (n,), optional
        Added to the linear predictor.
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta, held when a row is removed.

    Raises
    ------
    InvalidInputError
        If a count is negative, or anything is missing.

    References
    ----------
    Cameron & Trivedi (2013), Regression Analysis of Count Data, 9.3.

    Examples
    --------
    Of each set two thirds of the events are the exposed member's:

    >>> import vifstats as vs
    >>> loss = ConditionalPoisson([[1.0], [0.0], [1.0], [0.0]], [4, 2, 8, 4], [1, 1, 2, 2])
    >>> vs.minimize(loss, [0.0]).theta.round(4)  # log(2/1)
    array([0.6931])
    """

    everywhere = True

    def _take_outcomes(self, y: np.ndarray) -> None:
        self.y = y
        if (bad := np.flatnonzero(self.y < 0)).size:
            raise InvalidInputError(
                f"`y` must be counts, at least 0, but row {self.labels[bad[0]]} has "
                f"{self.y[bad[0]]:g}; correct it or drop the row."
            )

    def _prepare(self) -> None:
        # set by set: sums over sets are sums over slices
        self._order = np.argsort(self.set_of_row, kind="stable")
        sizes = np.bincount(self.set_of_row)
        self._starts, self._set = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)
        X = self.X[self._order]
        # what a set has in common cancels: digits change, not results
        self._x = X - (self._sums(X.T) / sizes)[:, self._set].T

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        b = presence[self._order]
        here = autodiff.plain(b) > 0
        eta = anp.dot(self._x, theta) + self.offset[self._order]
        shift = self._largest(np.where(here, autodiff.plain(eta), -np.inf))
        z = anp.where(here, eta - shift[self._set], 0.0)
        sums = autodiff.LinearMap(self._sums, lambda g: g[self._set])
        S, Y = sums(b * anp.exp(z)), sums(b * self.y[self._order])
        logs = anp.log(anp.where(autodiff.plain(Y) > 0, S, 1.0))
        loss = anp.dot(Y, logs) - anp.dot(b * self.y[self._order], z)
        return penalised(loss, theta, self.penalty)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = np.empty(len(thetas)), np.empty(thetas.shape)
        for part, z, r, y in self._present(thetas, removals):
            Y, S = self._sums(y), self._sums(r)
            S = np.where(S > 0, S, 1.0)
            values[part] = np.einsum("ks,ks->k", Y, np.log(S)) - np.einsum("kn,kn->k", y, z)
            gradients[part] = ((Y / S)[:, self._set] * r - y) @ self._x
        return penalised_slopes(values, gradients, thetas, self.penalty)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        p = self.n_params
        H = np.empty((len(thetas), p, p))
        squares = (self._x[:, :, None] * self._x[:, None, :]).reshape(-1, p * p)
        for part, _, r, y in self._present(thetas, removals):
            Y, S = self._sums(y), self._sums(r)
            S = np.where(S > 0, S, 1.0)
            means = self._sums(r[:, None, :] * self._x.T) / S[:, None]
            H[part] = (((Y / S)[:, self._set] * r) @ squares).reshape(-1, p, p)
            H[part] -= np.einsum("kps,ks,kqs->kpq", means, Y, means)
        return H if self.penalty is None else H + self.penalty

    @cached_property
    def _pairs(self) -> Pairs | None:
        X = np.empty_like(self._x)
        X[self._order] = self._x
        return Pairs.of_counts(X, self.y, self.set_of_row, self.penalty)

    def flat(self) -> np.ndarray:
        shared = np.isin(self._set, np.flatnonzero(self._sums(self.y[self._order]) > 0))
        return untold(np.all(self._x[shared] == 0, axis=0), self.penalty)

    def _present(self, thetas: np.ndarray, removals: Removals) -> Any:
        """Blocks of removals: which, eta minus its largest, risks and counts of who is there."""
        size = max(1, CHUNK_NUMBERS // (self.n_objects * self.n_params))
        for part, some in removals.blocks(size):
            gone = some.codes[self._order] == np.arange(len(some))[:, None]
            eta = np.where(gone, -np.inf, thetas[part] @ self._x.T + self.offset[self._order])
            z = eta - self._largest(eta)[:, self._set]
            z = np.where(gone, 0.0, z)
            yield part, z, np.where(gone, 0.0, np.exp(z)), np.where(gone, 0.0, self.y[self._order])

    def _sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums over sets along the last axis: (..., n) to (..., n_sets)."""
        return np.add.reduceat(rows, self._starts, axis=-1)

    def _largest(self, rows: np.ndarray) -> np.ndarray:
        """The largest of each set along the last axis, 0 where all are -inf."""
        largest = np.maximum.reduceat(rows, self._starts, axis=-1)
        return np.where(np.isfinite(largest), largest, 0.0)
