"""Which removals send a Cox model to infinity: its partial likelihood is monotone along some g.

The likelihood grows for ever along g, or does not change, if each event has the largest x'g of its
risk set (Bryson & Johnson 1981, Technometrics 23). So the faces of the cone are x_i - x_j, for each
event i and each j at risk. They are never listed: a linear program is given the faces that its last
answer breaks. Most removals need no linear program. If positive multiples of the faces add up to 0,
there is no separation. For the full data these multipliers are the risks p_ij = r_j / S0_i of
Breslow's likelihood, which can be corrected for the loss of a few rows: docs/mathematics.md,
equations (39) and (40).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.cox.segment_sums import gram, in_cache
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

# If the sum of a risk set, in units of the largest risk of its stratum, is below this, its inverse
# overflows.
FAINT = 1e-300
# Rows in other coordinates are held in blocks of this many numbers (4 MB).
BLOCK_NUMBERS = 500_000


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
        """The faces of all rows, with the penalty matrix P (p, p)."""
        held = np.zeros((0, X.shape[1])) if P is None else P[P.any(axis=1)]
        return cls(sets, X, held, np.ones(len(X), dtype=bool))

    def without(self, gone: np.ndarray) -> "Pairs":
        """The faces without some rows, bool (n,) in the user's order."""
        return replace(self, present=self.present & ~gone[self.sets.order])

    def along(self, T: np.ndarray) -> "Pairs":
        """The faces in the coordinates h of g = T h."""
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
        X, unit = self.X[at], np.repeat(np.arange(len(first)), counts)
        for some in in_cache(*X.shape):
            X[some] -= self.X[at[first[unit[some]]]]
        mean = np.add.reduceat(X, first, axis=0) / counts[:, None]
        for some in in_cache(*X.shape):
            X[some] -= mean[unit[some]]
        return np.concatenate([X, self.held]) if len(self.held) else X

    @property
    def equal(self) -> np.ndarray:
        """The faces with c'g = 0."""
        return self.held

    @cached_property
    def gain(self) -> np.ndarray:
        """Each event less the mean of its risk set, summed."""
        return -Multipliers(self, np.zeros(self.X.shape[1])).slope

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

    def value(self, g: np.ndarray) -> float:
        """Breslow's likelihood, up to a constant."""
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

    def reach(self, step: np.ndarray) -> float:
        """The largest difference along a step of two rows at risk together."""
        value = self.X @ step
        low, high = value.min(), value.max()
        maximum = self.sets.ranges.scatter_maximum
        # a maximum is of positive numbers, and 0 stands for nobody
        above = maximum(np.where(self.present, value - low + 1, 0.0))
        below = maximum(np.where(self.present, high - value + 1, 0.0))
        return float(np.max((above + below)[self.deaths > 0], initial=-np.inf) - (high - low) - 2)


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Multipliers of all faces at g (p,): the risks p_ij = r_j / S0_i of Breslow's likelihood."""

    pairs: Pairs
    g: np.ndarray

    @cached_property
    def r(self) -> np.ndarray:
        """The risks of the rows, shape (n,)."""
        return self.pairs.risks(self.g)

    @cached_property
    def _of_cells(self) -> tuple[np.ndarray, np.ndarray]:
        sets, deaths = self.pairs.sets, self.pairs.deaths
        S0, S1 = sets.ranges.scatter(self.r), np.empty((len(deaths), len(self.g)))
        for some in _columns(*self.pairs.X.shape):
            S1[:, some] = sets.ranges.scatter(self.r[:, None] * self.pairs.X[:, some])
        usable = (deaths > 0) & (FAINT * deaths < S0)
        S0 = np.where(usable, S0, 1.0)
        S1 /= S0[:, None]
        # without the sum of some risk set there are no multipliers at g: linear programs decide
        return np.where(usable, deaths, np.where(deaths > 0, np.nan, 0.0)) / S0, S1

    @property
    def rate(self) -> np.ndarray:
        """Deaths over S0 of each cell, shape (n_cells,)."""
        return self._of_cells[0]

    @property
    def means(self) -> np.ndarray:
        """The means of X over the rows at risk at each cell, shape (n_cells, p)."""
        return self._of_cells[1]

    @cached_property
    def exposure(self) -> np.ndarray:
        """The rates that each row lives through, shape (n,)."""
        return self.pairs.sets.ranges.gather(self.rate)

    @cached_property
    def slope(self) -> np.ndarray:
        """The gradient of Breslow's negative log likelihood, shape (p,)."""
        return self.pairs.deaths @ self.means - self.pairs.X[self.pairs.events].sum(axis=0)

    @cached_property
    def _squares(self) -> np.ndarray:
        """Weighted squares of the rows; the Hessian is these minus those of the means: (p, p)."""
        return gram(self.pairs.X, self.r * self.exposure)

    @property
    def terms(self) -> np.ndarray:
        """The diagonal of the curvature before the means were subtracted, shape (p,)."""
        return np.diag(self._squares)

    @cached_property
    def curvature(self) -> np.ndarray:
        """The Hessian plus, on the same scale, the squares of the held faces: shape (p, p)."""
        H = self._squares - gram(self.means, self.pairs.deaths)
        held = self.pairs.held
        if not len(held):
            return H
        squares = held.T @ held
        return H + squares * (np.trace(H) or 1.0) / np.trace(squares)

    @cached_property
    def root(self) -> np.ndarray | None:
        """R with R R' the inverse of what all faces span, about the means of risk sets."""
        H, events = self.curvature.copy(), self.pairs.events
        cell = self.pairs.sets.ranges.hi[events] - 1
        for some in in_cache(len(events), len(H)):
            excess = self.pairs.X[events[some]] - self.means[cell[some]]
            H += excess.T @ excess
        return factored(H, self.terms)


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
        settled = Multipliers(pairs, np.zeros(len(theta)))
    found = ~_cleared(settled, removals)
    for k in np.flatnonzero(found).tolist():
        rest = pairs.without(removals.presence(k) == 0)
        found[k] = _settle(rest, settled.g) is None and endless_direction(rest) is not None
    return found


def _settle(pairs: Pairs, g: np.ndarray, near: float = np.inf) -> Multipliers | None:
    """Multipliers whose sum is nearly 0, found by Newton steps; None if there are none."""
    for _ in range(STEPS):
        at = Multipliers(pairs, g)
        root = factored(at.curvature, at.terms)
        if root is None:
            return None
        step = -root @ (root.T @ at.slope)
        if pairs.reach(step) < SETTLED and -at.slope @ step < near:
            return at
        g = lower(pairs.value, g, step)
    return None


def _cleared(at: Multipliers, removals: Removals) -> np.ndarray:
    """Which removals cannot separate: the multipliers can be corrected for what they take."""
    root = at.root
    if root is None or not len(removals):
        return np.zeros(len(removals), dtype=bool)
    squares = np.zeros(len(at.r))
    for some in _columns(*at.pairs.X.shape):
        Z = at.pairs.X @ root[:, some]
        squares += np.einsum("np,np->n", Z, Z)
    widest = 2 * np.sqrt(squares.max())
    place = np.argsort(at.pairs.sets.order)
    # no face is longer than the widest: if even that is short enough, single faces need no look
    taken = removals.sums((at.r * at.exposure + at.pairs.sets.event)[place]) * widest**2
    rest = widest * float(np.linalg.norm(root.T @ at.slope))
    cleared = 2 * taken + rest < 1 - ROUNDING
    if cleared.all():
        return cleared
    return _missing(at, removals, root, squares, place) < 1 - ROUNDING


def _missing(
    at: Multipliers, removals: Removals, root: np.ndarray, squares: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """What removals take of the multipliers: below 1 they can be corrected for it, (n_removals,).

    `root` (p, p): that of the multipliers; `squares` (n,): of the rows about the origin, in the
    coordinates of the root; `place` (n,): the sorted position of each row.
    """
    pairs, sets, r = at.pairs, at.pairs.sets, at.r
    own, cell, gather = sets.own, sets.cell_of_event, sets.ranges.gather
    inverse = np.where(pairs.deaths > 0, at.rate / np.maximum(pairs.deaths, 1.0), 0.0)
    met, own_met = np.zeros(len(r)), np.zeros(len(own))
    missing = np.zeros(len(removals))
    for some in _columns(*pairs.X.shape):
        Z, mean = pairs.X @ root[:, some], at.means @ root[:, some]
        exposed = gather(inverse[:, None] * sets.by_death.sums(Z[own]))
        # sums of p c over the faces of each row, as one at risk and as an event
        scores = r[:, None] * (exposed - at.exposure[:, None] * Z)
        scores[own] += Z[own] - mean[cell]
        short = scores.sum(axis=0) / 2 - removals.sums(scores[place])
        missing += np.einsum("kp,kp->k", short, short)
        met += np.einsum("np,np->n", Z, exposed)
        own_met += np.einsum("np,np->n", Z[own], mean[cell])
    # and of p |c|^2
    shares = squares * at.exposure - 2 * met + gather(inverse * sets.by_death.sums(squares[own]))
    shares *= r
    around = (sets.ranges.scatter(r * squares) * inverse)[cell]
    shares[own] += squares[own] - 2 * own_met + around
    size, widest = np.sqrt(missing), 2 * np.sqrt(squares.max())
    if not removals.single:
        # A face between two rows that leave together was counted twice; this bounds the excess.
        size += widest * _doubled(sets, removals, r, inverse, place)
    return widest * size + removals.sums(shares[place])


def _columns(n: int, p: int) -> Iterator[slice]:
    """Blocks of the columns of an array (n, p)."""
    width = max(1, BLOCK_NUMBERS // max(n, 1))
    return (slice(start, start + width) for start in range(0, p, width))


def _doubled(
    sets: RiskSets, removals: Removals, r: np.ndarray, inverse: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """The most multipliers that faces between members of a removal have: (n_removals,)."""
    least = np.where(inverse > 0, 1 / np.where(inverse > 0, inverse, 1), np.inf)
    largest = r / sets.ranges.minimum(least)
    events = removals.sums(sets.event[place].astype(float))
    return events * np.minimum(removals.sums(largest[place]), 1.0)
