"""Means over the rows present of a function of the linear predictor, after each removal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.removals import Removals

__all__ = ["RowMean", "derivative"]

# Predictors for about this many pairs of removal and row are held at once (16 MB).
BLOCK_NUMBERS = 2_000_000
# Removals times rows: up to this many (2 to 5 s) each mean is taken afresh.
EXACT_PAIRS = 100_000_000


@dataclass(frozen=True, eq=False)
class RowMean:
    """The mean of f(x_j'theta + offset_j) over the rows j that are present, unweighted.

    Examples
    --------
    >>> mean = RowMean(np.exp, np.zeros((4, 1)), np.log([1.0, 2.0, 3.0, 6.0]))
    >>> float(mean.value(np.zeros(1), np.array([1, 1, 1, 0])).round(9))
    2.0
    """

    # Elementwise, in autograd.numpy
    f: Callable[[Any], Any]
    X: np.ndarray  # (n, p)
    offset: np.ndarray  # (n,)

    def value(self, theta: Any, presence: Any) -> Any:
        """The mean at theta, a number."""
        present = autodiff.plain(presence) > 0
        values = self.f(anp.dot(self.X, theta) + self.offset)
        return anp.sum(anp.where(present, values, 0.0)) / present.sum()

    def afresh(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """The mean after each removal, at its own theta: (n_removals,), a pass over rows each."""
        out = np.empty(len(removals))
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // removals.n_objects)):
            values = self.f(thetas[part] @ self.X.T + self.offset)
            out[part] = values.sum(axis=1)
            gone = np.flatnonzero(some.codes >= 0)
            out[part] -= np.bincount(
                some.codes[gone], values[some.codes[gone], gone], minlength=len(some)
            )
        return out / self._left(removals)

    def expanded(self, theta: np.ndarray, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """The same to second order in theta(-i) - theta: an error of third order in 1/n.

        sum_j f(eta_j + x_j's) ~ sum_j [f + f' x_j's + f'' (x_j's)^2 / 2], over all rows by sums of
        f, f' x and f'' x x', and over those that leave row by row.
        """
        steps, eta = thetas - theta, (self.X @ theta + self.offset)[None]
        f = self.f(eta[0])
        first = autodiff.elementwise_gradient(lambda u: self.f(u[0]), eta)[0]
        second = autodiff.elementwise_hessian(lambda u: self.f(u[0]), eta)[0, 0]
        H = self.X.T @ (self.X * second[:, None])
        total = f.sum() + steps @ (self.X.T @ first)
        total += 0.5 * np.einsum("kp,pr,kr->k", steps, H, steps, optimize=True)
        gone = np.flatnonzero(removals.codes >= 0)
        moved = np.einsum("jp,jp->j", self.X[gone], steps[removals.codes[gone]])
        theirs = f[gone] + first[gone] * moved + 0.5 * second[gone] * moved**2
        total -= np.bincount(removals.codes[gone], theirs, minlength=len(removals))
        return total / self._left(removals)

    def _left(self, removals: Removals) -> np.ndarray:
        return removals.n_objects - removals.sizes


def derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The derivative of an elementwise function, itself differentiable."""
    return partial(_slope, f)


def _slope(f: Callable[[Any], Any], eta: Any) -> Any:
    return autodiff.directional(f, eta, np.ones(np.shape(autodiff.plain(eta))))
