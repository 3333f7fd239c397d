"""Kaplan and Meier's curve without each row, in closed form: docs/mathematics.md, equation (46).

A row changes the factor 1 - d/y at the event times that see it at risk, to 1 - d/(y - w), and at
its own to (y - d)/(y - w). So the curve without it is made of three stretches of products, each a
difference of prefix sums of logarithms; of the middle ones there is one for each weight w. Sums
over the curve, such as its integral, run backwards in the same way: nothing is divided by a product
that may have become 0. What is 0 is known from counts of rows, not from rounded weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from vifstats.diagnostics.curves.arm import Arm

__all__ = [
    "Gains",
    "survival",
    "survival_without",
    "total",
    "totals_without",
    "when",
    "when_without",
]

# If S exceeds 1 - share by less than this, relatively, the excess is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors 1 - d/y at each event time, and their products over stretches of event times."""

    # (K,)
    values: np.ndarray
    # (K + 1,): logarithms of those that are not 0, summed, and how many are 0
    logs: np.ndarray
    zeros: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Factors":
        """From the factors, (K,)."""
        gone = values == 0
        logs = np.log(np.where(gone, 1.0, values))
        sums = (np.concatenate([[0], np.cumsum(each)]) for each in (logs, gone))
        return cls(values, *sums)

    def over(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """The product from one position up to another, elementwise."""
        product = np.exp(self.logs[stop] - self.logs[start])
        return np.where(self.zeros[stop] > self.zeros[start], 0.0, product)

    def falls_by(self, logs: np.ndarray | float, start: np.ndarray) -> np.ndarray:
        """The first position by which the product since start is at most exp(logs), (k,).

        K + 1 if there is none.
        """
        some = np.searchsorted(-self.logs, -(self.logs[start] + logs))
        return np.minimum(some, np.searchsorted(self.zeros, self.zeros[start], side="right"))


def everyone(arm: Arm) -> Factors:
    """The factors of the whole curve."""
    alive = np.where(arm.n_deaths == arm.n_at_risk, 0.0, arm.at_risk - arm.deaths)
    return Factors.of(alive / arm.at_risk)


def one_less(arm: Arm, weight: float) -> Factors:
    """Without a row of this weight that is at risk and does not die, at each event time.

    1 where there is no such row: there they are never read.
    """
    left = arm.at_risk - weight
    some = (arm.n_at_risk - 1 > arm.n_deaths) & (left - arm.deaths > 0)
    values = np.where(some, left - arm.deaths, left) / np.where(left > 0, left, 1.0)
    none = arm.n_at_risk - 1 == arm.n_deaths
    return Factors.of(np.where(none, 0.0, np.where(some, values, 1.0)))


def at_own_time(arm: Arm, rows: np.ndarray) -> np.ndarray:
    """The factor at the own event time without each of these rows; 1 for censored ones."""
    factor = np.ones(len(rows))
    died = np.flatnonzero(arm.event[rows])
    at, weight = arm.end[rows[died]], arm.weight[rows[died]]
    y, d = arm.at_risk[at], arm.deaths[at]
    alone, all_die = arm.n_at_risk[at] == 1, arm.n_deaths[at] == arm.n_at_risk[at]
    others = np.where(all_die, 0.0, y - d) / np.where(alone, 1.0, y - weight)
    factor[died] = np.where(alone, 1.0, others)
    return factor


def survival(arm: Arm, positions: np.ndarray) -> np.ndarray:
    """S after this many event times, shape of the positions."""
    return everyone(arm).over(np.zeros_like(positions), positions)


def survival_without(arm: Arm, positions: np.ndarray) -> np.ndarray:
    """S after this many event times without each row: (m,) or (n, m) to (n, m)."""
    whole = everyone(arm)
    at = np.broadcast_to(positions, (len(arm), np.shape(positions)[-1]))
    out = np.empty(at.shape)
    for weight, rows in arm.by_weight():
        out[rows] = _three_stretches(arm, whole, one_less(arm, weight), rows, at[rows])
    return out


def _three_stretches(
    arm: Arm, whole: Factors, less: Factors, rows: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """S without each of some rows of one weight, after (k, m) event times."""
    first, end = arm.first[rows, None], arm.end[rows, None]
    after = end + arm.event[rows, None]
    before = whole.over(np.zeros_like(at), np.minimum(at, first))
    seen = less.over(np.broadcast_to(first, at.shape), np.clip(at, first, end))
    own = np.where(at > end, at_own_time(arm, rows)[:, None], 1.0)
    return before * seen * own * whole.over(np.minimum(at, after), at)


def when_without(arm: Arm, share: float) -> np.ndarray:
    """The event time by which S is at most 1 - share, without each row; nan if never: (n,).

    In each of the three stretches of a row it is found by bisection of the logarithms, which never
    rise.
    """
    out, whole, level = np.empty(len(arm), dtype=int), everyone(arm), _level(share)
    for weight, rows in arm.by_weight():
        less, first, end = one_less(arm, weight), arm.first[rows], arm.end[rows]
        after = end + arm.event[rows]
        before = level - whole.logs[first]
        with np.errstate(divide="ignore"):  # the last who die leave nothing
            own = np.log(at_own_time(arm, rows))
        seen = less.logs[end] - less.logs[first]
        in_first = whole.falls_by(level, np.zeros_like(first))
        in_middle = less.falls_by(before, first)
        last = np.maximum(whole.falls_by(before - seen - own, after), after)
        later = np.where(in_middle <= end, in_middle, last)
        out[rows] = np.where(in_first <= first, in_first, later)
    return np.append(arm.times, np.nan)[out - 1]


def when(arm: Arm, share: float) -> float:
    """The event time by which S is at most 1 - share; nan if never."""
    passed = everyone(arm).falls_by(_level(share), np.zeros(1, dtype=int))
    return float(np.append(arm.times, np.nan)[passed[0] - 1])


def _level(share: float) -> float:
    """The logarithm to which S falls."""
    return float(np.log1p(-share) + ROUNDING)


@dataclass(frozen=True, eq=False)
class Gains:
    """What a sum over the curve gains at each event time: sum of S(before) * gain.

    ``last`` is gained after the event times that count, of which there are ``n_times``.
    """

    n_times: int
    last: float
    # (n_times,)
    everyone: np.ndarray
    # weight -> (n_times,): without a row of this weight that does not die there
    one_less: Callable[[float], np.ndarray]
    # rows (k,) that die within the event times that count -> (k,): at their own, without them
    own: Callable[[np.ndarray], np.ndarray]


def total(arm: Arm, gains: Gains) -> float:
    """The sum over the whole curve."""
    return float(_backwards(gains.everyone, everyone(arm).values, gains.last)[0])


def totals_without(arm: Arm, gains: Gains) -> np.ndarray:
    """The sum over the curve without each row, (n,)."""
    whole, q = everyone(arm), gains.n_times
    rest = _backwards(gains.everyone, whole.values, gains.last)
    out = np.empty(len(arm))
    for weight, rows in arm.by_weight():
        less = one_less(arm, weight)
        rest_less = _backwards(gains.one_less(weight), less.values, gains.last)
        first, end = (np.minimum(at[rows], q) for at in (arm.first, arm.end))
        before = whole.over(np.zeros_like(first), first)
        seen = less.over(first, end)
        then = rest[end]
        died = np.flatnonzero(arm.event[rows] & (arm.end[rows] < q))
        dead = rows[died]
        own = at_own_time(arm, dead) * rest[arm.end[dead] + 1]
        then[died] = gains.own(dead) + own
        from_entry = rest_less[first] - seen * rest_less[end] + seen * then
        out[rows] = rest[0] - before * rest[first] + before * from_entry
    return out


def _backwards(gain: np.ndarray, factor: np.ndarray, last: float) -> np.ndarray:
    """V_q = last, V_k = gain_k + factor_k V_(k+1): shape (n_times + 1,).

    A plain loop: as prefix sums it would divide by products that underflow.
    """
    pairs = zip(gain[::-1].tolist(), factor[: len(gain)][::-1].tolist(), strict=True)
    steps = accumulate(pairs, lambda v, pair: pair[0] + pair[1] * v, initial=last)
    return np.fromiter(steps, float, len(gain) + 1)[::-1]
