"""Sums of r, r x and r x x' over some rows, of which means and covariances are made."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["NO_PAIRS", "Columns", "Moments", "moments_of"]

# Pairs (i, j) of covariates of which second moments are kept; a gradient needs none.
Columns = tuple[np.ndarray, np.ndarray]
NO_PAIRS: Columns = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over rows, one for each of k items."""

    r: np.ndarray  # (k,)
    rx: np.ndarray  # (k, p)
    # (k, q): of the pairs of covariates asked for
    rxx: np.ndarray

    def take(self, at: np.ndarray) -> "Moments":
        """The moments of some items."""
        return self.each(lambda values: values.take(at, axis=0))

    def each(self, linear: Callable[[np.ndarray], np.ndarray]) -> "Moments":
        """A linear map of each of the three."""
        return Moments(linear(self.r), linear(self.rx), linear(self.rxx))

    def put(self, at: np.ndarray, other: "Moments") -> None:
        """Overwrite some items."""
        self.r[at], self.rx[at], self.rxx[at] = other.r, other.rx, other.rxx

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.r + other.r, self.rx + other.rx, self.rxx + other.rxx)

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(self.r - other.r, self.rx - other.rx, self.rxx - other.rxx)

    def scaled(self, by: np.ndarray) -> "Moments":
        """Times a number for each item."""
        return Moments(self.r * by, self.rx * by[:, None], self.rxx * by[:, None])

    def about(self, origin: np.ndarray, columns: Columns) -> "Moments":
        """The same rows with x measured from ``origin``, shape (k, p)."""
        i, j = columns
        rxx = self.rxx - self.rx[:, i] * origin[:, j] - origin[:, i] * self.rx[:, j]
        rxx += self.r[:, None] * origin[:, i] * origin[:, j]
        return Moments(self.r, self.rx - self.r[:, None] * origin, rxx)

    def mean(self) -> np.ndarray:
        """Mean of x, shape (k, p)."""
        return self.rx / self.r[:, None]

    def covariance(self, columns: Columns) -> np.ndarray:
        """Covariance of x, packed, shape (k, q)."""
        i, j = columns
        mean = self.mean()
        return self.rxx / self.r[:, None] - mean[:, i] * mean[:, j]


def moments_of(r: np.ndarray, x: np.ndarray, columns: Columns) -> Moments:
    """The moments of single rows.

    Shapes: `r` (k,); `x` (k, p); `columns` int (q,).
    """
    rx = r[:, None] * x
    return Moments(r, rx, rx[:, columns[0]] * x[:, columns[1]])
