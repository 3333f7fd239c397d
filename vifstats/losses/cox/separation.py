"""Which removals leave a Cox model at infinity: its partial likelihood is monotone along some g.

It grows for ever along g, or does not change, if each event has the largest x'g of its risk set
(Bryson & Johnson 1981, Technometrics 23): the faces of the cone are x_i - x_j, for each event i and
each j at risk. They are never listed: a linear program is given those that its last answer breaks.
Most removals need none. Positive multipliers of the faces that add up to 0 rule separation out, and
those of the full data, the risks p_ij = r_j / S0_i of Breslow's likelihood, can be mended without a
few rows: docs/mathematics.md, equations (39) and (40).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.separation import (
    NEAR,
    ROUNDING,
    SETTLED,
    STEPS,
    endless_direction,
    factored,
    lower,
    whitening,
)
from vifstats.removals import Removals

__all__ = ["Pairs", "separating"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """The faces x_i - x_j of events i and rows j at risk, of the rows that are present.

    Attributes
    ----------
    sets : RiskSets
    X : ndarray, shape (n, p)
        In sorted order.
    held : ndarray, shape (h, p)
        Faces with c'g = 0, those of a penalty.
    present : ndarray of bool, shape (n,)
        In sorted order.
    """

    sets: RiskSets
    X: np.ndarray
    held: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, sets: RiskSets, X: np.ndarray, P: np.ndarray | None) -> "Pairs":
        """Those of all rows, with the penalty matrix P (p, p)."""
        held = np.zeros((0, X.shape[1])) if P is None else P[P.any(axis=1)]
        return cls(sets, X, held, np.ones(len(X), dtype=bool))

    def without(self, gone: np.ndarray) -> "Pairs":
        """Without some rows, by their position in the user's order: bool, shape (n,)."""
        return replace(self, present=self.present & ~gone[self.sets.order])

    def along(self, T: np.ndarray) -> "Pairs":
        """In the coordinates h of g = T h."""
        return replace(self, X=self.X @ T, held=self.held @ T)

    @cached_property
    def deaths(self) -> np.ndarray:
        """Events at each cell, shape (n_cells,)."""
        return self.sets.by_death.sums(self.present[self.sets.own].astype(float))

    @property
    def events(self) -> np.ndarray:
        """Sorted positions of the events that are there."""
        return self.sets.own[self.present[self.sets.own]]

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows at risk, less one of those they are compared with, directly or by others."""
        ranges = self.sets.ranges.restricted(np.flatnonzero(self.deaths))
        at = np.flatnonzero(self.present & (ranges.lo < ranges.hi))
        if not len(at):
            return self.held
        at = at[np.argsort(ranges.lo[at], kind="stable")]
        # as in `constant_columns`: linked to the next unless all so far have ended
        ended = ranges.lo[at[1:]] >= np.maximum.accumulate(ranges.hi[at])[:-1]
        first = np.flatnonzero(np.append(True, ended))
        counts = np.diff(np.append(first, len(at)))
        # the first row is subtracted before the mean: equal values leave an exact 0
        X = self.X[at] - np.repeat(self.X[at[first]], counts, axis=0)
        X -= np.repeat(np.add.reduceat(X, first, axis=0) / counts[:, None], counts, axis=0)
        return np.concatenate([X, self.held])

    @property
    def equal(self) -> np.ndarray:
        """The faces with c'g = 0."""
        return self.held

    @cached_property
    def gain(self) -> np.ndarray:
        """Each event less the mean of its risk set, summed."""
        return -self.slope(np.zeros(self.X.shape[1]))

    def broken(self, g: np.ndarray, most: int) -> np.ndarray:
        """For the events that are furthest below another row at risk, the difference."""
        value = self.X @ g
        rank = np.empty(len(value))
        order = np.argsort(value)
        rank[order] = np.arange(1.0, len(value) + 1)
        top = self.sets.ranges.scatter_maximum(np.where(self.present, rank, 0.0)).astype(np.intp)
        events = self.events
        above = order[top[self.sets.ranges.hi[events] - 1] - 1]
        short = value[events] - value[above]
        worst = np.flatnonzero(short < 0)
        worst = worst[np.argsort(short[worst], kind="stable")[:most]]
        return self.X[events[worst]] - self.X[above[worst]]

    def risks(self, g: np.ndarray) -> np.ndarray:
        """exp(x'g) of those present, up to a factor in each stratum, shape (n,)."""
        value = np.where(self.present, self.X @ g, -np.inf)
        largest = np.maximum.reduceat(value, self.sets.row_bounds[:-1])
        largest = np.where(np.isfinite(largest), largest, 0.0)
        return np.exp(value - largest[self.sets.stratum])

    def means(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Deaths over S0 of each cell, shape (n_cells,), and the means of X, (n_cells, p)."""
        S0, S1 = self.sets.ranges.scatter(r), self.sets.ranges.scatter(r[:, None] * self.X)
        usable = (self.deaths > 0) & (S0 > 0)
        S0 = np.where(usable, S0, 1.0)
        return np.where(usable, self.deaths, 0.0) / S0, S1 / S0[:, None]

    def slope(self, g: np.ndarray) -> np.ndarray:
        """The gradient of Breslow's negative log likelihood, shape (p,)."""
        _, means = self.means(self.risks(g))
        return self.deaths @ means - self.X[self.events].sum(axis=0)

    def value(self, g: np.ndarray) -> float:
        """That likelihood, up to a constant."""
        eta = np.where(self.present, self.X @ g, 0.0)
        r = self.risks(g)
        largest = np.zeros(len(self.sets.row_bounds) - 1)
        live = np.where(self.present, eta, -np.inf)
        top = np.maximum.reduceat(live, self.sets.row_bounds[:-1])
        largest = np.where(np.isfinite(top), top, largest)
        S0 = self.sets.ranges.scatter(r)
        with np.errstate(divide="ignore"):
            logs = np.log(S0) + largest[self.sets.cell_stratum]
        logs = np.where(self.deaths > 0, logs, 0.0)
        return float(self.deaths @ logs - eta[self.events].sum())

    def curvature(self, g: np.ndarray) -> np.ndarray:
        """Its Hessian and, on the same scale, the squares of what is held: shape (p, p)."""
        r = self.risks(g)
        rate, means = self.means(r)
        H = (self.X * (r * self.sets.ranges.gather(rate))[:, None]).T @ self.X
        H -= (means * self.deaths[:, None]).T @ means
        if not len(self.held):
            return H
        squares = self.held.T @ self.held
        return H + squares * (np.trace(H) or 1.0) / np.trace(squares)

    def reach(self, step: np.ndarray) -> float:
        """The largest difference along a step of two rows at risk together."""
        value = self.X @ step
        low, high = value.min(), value.max()
        maximum = self.sets.ranges.scatter_maximum
        # a maximum is of positive numbers, and 0 stands for nobody
        above = maximum(np.where(self.present, value - low + 1, 0.0))
        below = maximum(np.where(self.present, high - value + 1, 0.0))
        return float(np.max((above + below)[self.deaths > 0], initial=-np.inf) - (high - low) - 2)


def separating(pairs: Pairs, theta: np.ndarray, removals: Removals) -> np.ndarray:
    """Which removals leave a direction along which no term rises, shape (n_removals,)."""
    T = whitening(pairs.rows)
    if T.ndim == 1:
        return np.ones(len(removals), dtype=bool)
    start = np.linalg.solve(T, theta)
    pairs = pairs.along(T)
    settled = _settle(pairs, start, NEAR)
    if settled is None:
        if endless_direction(pairs) is not None:
            return np.ones(len(removals), dtype=bool)
        settled = np.zeros(len(theta))
    found = ~_cleared(pairs, settled, removals)
    for k in np.flatnonzero(found).tolist():
        rest = pairs.without(removals.presence(k) == 0)
        found[k] = _settle(rest, settled) is None and endless_direction(rest) is not None
    return found


def _settle(pairs: Pairs, g: np.ndarray, near: float = np.inf) -> np.ndarray | None:
    """Where multipliers are within reach of a sum of 0, by Newton steps; None if nowhere."""
    for _ in range(STEPS):
        root = factored(pairs.curvature(g))
        if root is None:
            return None
        slope = pairs.slope(g)
        step = -root @ (root.T @ slope)
        if pairs.reach(step) < SETTLED and -slope @ step < near:
            return g
        g = lower(pairs.value, g, step)
    return None


def _cleared(pairs: Pairs, g: np.ndarray, removals: Removals) -> np.ndarray:
    """Which removals cannot separate: what they take from the multipliers at g can be mended."""
    sets, r = pairs.sets, pairs.risks(g)
    rate, means = pairs.means(r)
    excess = pairs.X[pairs.events] - means[sets.cell_of_event]
    root = factored(pairs.curvature(g) + excess.T @ excess)
    if root is None or not len(removals):
        return np.zeros(len(removals), dtype=bool)
    Z, means, excess = pairs.X @ root, means @ root, excess @ root
    squares = np.einsum("np,np->n", Z, Z)
    inverse = np.where(pairs.deaths > 0, rate / np.maximum(pairs.deaths, 1.0), 0.0)
    own = sets.own
    dead, dead_squares = sets.by_death.sums(Z[own]), sets.by_death.sums(squares[own])
    exposure = sets.ranges.gather(rate)
    exposed = sets.ranges.gather(inverse[:, None] * dead)
    # sums of p c and of p |c|^2 over the faces of each row, as one at risk and as an event
    scores = r[:, None] * (exposed - exposure[:, None] * Z)
    shares = squares * exposure - 2 * np.einsum("np,np->n", Z, exposed)
    shares = r * (shares + sets.ranges.gather(inverse * dead_squares))
    scores[own] += excess
    around = (sets.ranges.scatter(r * squares) * inverse)[sets.cell_of_event]
    shares[own] += squares[own] - 2 * np.einsum("np,np->n", Z[own], means[sets.cell_of_event])
    shares[own] += around
    largest = r / sets.ranges.minimum(
        np.where(inverse > 0, 1 / np.where(inverse > 0, inverse, 1), np.inf)
    )
    return _mended(sets, removals, Z, scores, shares, largest)


def _mended(
    sets: RiskSets,
    removals: Removals,
    Z: np.ndarray,
    scores: np.ndarray,
    shares: np.ndarray,
    largest: np.ndarray,
) -> np.ndarray:
    place = np.empty_like(sets.order)
    place[sets.order] = np.arange(len(place))
    widest = 2 * np.sqrt(np.einsum("np,np->n", Z, Z).max())
    missing = scores.sum(axis=0) / 2 - removals.sums(scores[place])
    size = np.linalg.norm(missing, axis=1)
    if not removals.single:
        # A face between two that leave together has been taken twice: this is the most it can be.
        events = removals.sums(sets.event[place].astype(float))
        size += widest * events * np.minimum(removals.sums(largest[place]), 1.0)
    return widest * size + removals.sums(shares[place]) < 1 - ROUNDING
