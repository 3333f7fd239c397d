"""Rows at risk as one: their mass, mean and covariance, and apart from them the heavy ones.

Of the rows that are still at risk when a block of event times ends, the block needs no more than
this, because they do not die in it. Masses are kept as logarithms and covariances about their
own mean, and both are only ever added to, never subtracted from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from vifstats.losses.cox.plans import EXPLICIT

__all__ = ["HeavyRows", "Load", "Mass", "load_of"]


@dataclass(frozen=True, eq=False)
class Mass:
    """Some rows at risk: the sum of r = w exp(eta), and the moments of x under it."""

    # Logarithm of the sum
    log_r: float
    mean: np.ndarray  # (p,)
    # (p, p): zeros for a single row
    covariance: np.ndarray
    # Logarithm of the largest r of a row
    log_largest: float

    def __add__(self, other: "Mass") -> "Mass":
        log_r = np.logaddexp(self.log_r, other.log_r)
        share = np.exp(self.log_r - log_r)
        rest = np.exp(other.log_r - log_r)
        # Chan, Golub and LeVeque's update: means and covariances are added by their difference,
        # never as raw second moments minus the product of means, which would cancel.
        apart = other.mean - self.mean
        return Mass(
            log_r=float(log_r),
            mean=self.mean + rest * apart,
            covariance=share * self.covariance
            + rest * other.covariance
            + share * rest * np.outer(apart, apart),
            log_largest=max(self.log_largest, other.log_largest),
        )


@dataclass(frozen=True, eq=False)
class HeavyRows:
    """Rows that are more than a tenth of what they were weighed with."""

    log_r: np.ndarray  # (k,)
    x: np.ndarray  # (k, p)
    # int (k, 2): chunk, and row in it
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.log_r)

    def __add__(self, other: "HeavyRows") -> "HeavyRows":
        return HeavyRows(
            np.concatenate([self.log_r, other.log_r]),
            np.concatenate([self.x, other.x]),
            np.concatenate([self.place, other.place]),
        )

    def take(self, at: np.ndarray) -> "HeavyRows":
        """Some of them."""
        return HeavyRows(self.log_r[at], self.x[at], self.place[at])

    def masses(self) -> list[Mass]:
        """Each as a mass."""
        none = np.zeros((self.x.shape[1], self.x.shape[1]))
        return [
            Mass(float(log_r), x, none, float(log_r))
            for log_r, x in zip(self.log_r, self.x, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Load:
    """Rows at risk: the light ones as one mass, or None, and the heavy ones singly."""

    light: Mass | None
    heavy: HeavyRows

    @property
    def log_r(self) -> float:
        """Logarithm of the sum of r over all of them; -inf for nobody."""
        light = -np.inf if self.light is None else self.light.log_r
        return _log_sum(np.append(self.heavy.log_r, light))

    def __add__(self, other: "Load") -> "Load":
        masses = [mass for mass in (self.light, other.light) if mass is not None]
        # Heavy stays heavy here, though it may be light beside both together: `settled` looks at
        # the whole once, from the end of the stratum on.
        return Load(_sum(masses), self.heavy + other.heavy)

    def moved(self, by: np.ndarray, theta: np.ndarray) -> "Load":
        """The same rows with x measured from an origin that lies ``by`` further back."""
        # r = w exp(x'theta) goes with the origin of x, so its logarithm moves along; a covariance
        # does not.
        more, light, heavy = float(by @ theta), self.light, self.heavy
        if light is not None:
            light = Mass(
                light.log_r + more, light.mean + by, light.covariance, light.log_largest + more
            )
        return Load(light, HeavyRows(heavy.log_r + more, heavy.x + by, heavy.place))

    def settled(self) -> "Load":
        """Heavy rows that are light beside all the others become part of the mass.

        At most a hundred are left, because they sum to no more than the whole.
        """
        # The bound of the power sums: a row with eps <= EXPLICIT is summed by its powers to all
        # digits. Going back in time phi only grows, so what is light once stays light.
        is_heavy = self.heavy.log_r > self.log_r + np.log(EXPLICIT)
        masses = self.heavy.take(~is_heavy).masses()
        masses += [] if self.light is None else [self.light]
        return Load(_sum(masses), self.heavy.take(is_heavy))

    def lightened(self) -> "Load":
        """The sums over all rows together."""
        masses = self.heavy.masses()
        masses += [] if self.light is None else [self.light]
        return Load(_sum(masses), self.heavy.take(np.zeros(len(self.heavy), dtype=bool)))


def _sum(masses: Iterable[Mass]) -> Mass | None:
    masses = list(masses)
    return reduce(Mass.__add__, masses) if masses else None


def load_of(log_r: np.ndarray, x: np.ndarray, chunk: int, first: int) -> Load:
    """Weigh consecutive rows of a chunk.

    `log_r` (k,); `x` (k, p); `chunk`, `first`: where they are.
    """
    is_heavy = log_r > _log_sum(log_r) + np.log(EXPLICIT)
    at = np.flatnonzero(is_heavy)
    place = np.column_stack([np.full(len(at), chunk), first + at])
    heavy = HeavyRows(log_r[at], x[at], place)
    if len(at) == len(log_r):
        return Load(None, heavy)
    if len(at):
        log_r, x = log_r[~is_heavy], x[~is_heavy]
    return Load(_mass_of(log_r, x), heavy)


def _log_sum(logs: np.ndarray) -> float:
    largest = logs.max(initial=-np.inf)
    return float(largest + np.log(np.exp(logs - largest).sum())) if largest > -np.inf else -np.inf


def _mass_of(log_r: np.ndarray, x: np.ndarray) -> Mass:
    largest = log_r.max()
    share = np.exp(log_r - largest)
    sum_r = share.sum()
    share /= sum_r
    mean = share @ x
    # x is measured from the mean of its stratum in the chunk, so this difference is of centred
    # numbers.
    covariance = (x * share[:, None]).T @ x - np.outer(mean, mean)
    return Mass(float(largest + np.log(sum_r)), mean, covariance, float(largest))
