"""Times that are the same but for rounding, such as 0.1 + 0.2 and 0.3, and so are not tied.

R's coxph takes them as tied (timefix), other libraries do not: coefficients of the one are not
quite at the minimum of the other. Gaps are rounding if they are tiny and outnumber those of their
neighbourhood: of continuous times as many are this close by chance as the neighbourhood is wide.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

__all__ = ["TimeGaps", "gaps_of_rows", "times_as_they_are", "warn_of_rounding"]

# Gaps that are tiny, as a share of the time: R's tolerance (survival::aeqSurv), which serves where
# times are few; and what a few additions leave, where so many times are that some come near by
# chance.
TINY = np.array([np.sqrt(np.finfo(float).eps), 1e-12])
# The neighbourhood: gaps up to so many times as wide.
AROUND = 1e4
# As far from each other as two times can be, by their ratio.
NO_PAIR = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class TimeGaps:
    """Gaps between a time and the next event time, counted by each width that is tiny."""

    # near, around int (2,): how many are as small as that, and how many in the neighbourhood too
    near: np.ndarray
    around: np.ndarray
    # (2,): the widest of those that are near
    widest: np.ndarray
    # The two times that are nearest to each other, by their ratio
    pair: tuple[float, float]

    @classmethod
    def between(cls, earlier: np.ndarray, later: np.ndarray) -> "TimeGaps":
        """Of pairs of different times (k,)."""
        gaps = later - earlier
        share = gaps / np.maximum(np.abs(earlier), np.abs(later))
        few = np.flatnonzero(share <= AROUND * TINY.max())
        near = share[few] <= TINY[:, None]
        first = int(np.argmin(share)) if len(share) else None
        return cls(
            near=near.sum(axis=1),
            around=(share[few] <= AROUND * TINY[:, None]).sum(axis=1),
            widest=np.where(near, gaps[few], 0.0).max(axis=1, initial=0.0),
            pair=NO_PAIR if first is None else (float(earlier[first]), float(later[first])),
        )

    @classmethod
    def joined(cls, parts: Sequence["TimeGaps"]) -> "TimeGaps":
        """Those of several parts of the data."""
        nearest = cls.between(*np.array([part.pair for part in parts]).T)
        return cls(
            near=np.sum([part.near for part in parts], axis=0),
            around=np.sum([part.around for part in parts], axis=0),
            widest=np.max([part.widest for part in parts], axis=0),
            pair=nearest.pair,
        )


def gaps_of_rows(time: np.ndarray, event: np.ndarray, same: np.ndarray) -> TimeGaps:
    """Of rows sorted by stratum and time: `time`, `event` (n,).

    `same` (n - 1,): whether a row is of the stratum of the row before.
    """
    instants = np.flatnonzero(np.append(True, ~same | (time[1:] > time[:-1]))[: len(time)])
    dies = np.logical_or.reduceat(event, instants) if len(instants) else event
    at = instants[1:][dies[1:] & same[instants[1:] - 1]]
    return TimeGaps.between(time[at - 1], time[at])


# Whether an estimate comes from a fit that took the times as they are.
_as_they_are: ContextVar[bool] = ContextVar("times as they are", default=False)


@contextmanager
def times_as_they_are(fitted: bool = True) -> Iterator[None]:
    """Within it coefficients were `fitted` to these very times: there is nothing to warn of."""
    before = _as_they_are.set(fitted)
    try:
        yield
    finally:
        _as_they_are.reset(before)


def warn_of_rounding(found: TimeGaps, what: str) -> None:
    """Say that times differ by rounding alone, if some do; `what` names the argument."""
    if _as_they_are.get():
        return
    outnumber = np.flatnonzero(found.around < 2 * found.near)
    if not len(outnumber):
        return
    n, widest = int(found.near[outnumber[0]]), found.widest[outnumber[0]]
    earlier, later = found.pair
    digits = int(np.floor(-np.log10(widest))) - 2
    warnings.warn(
        f"Times that are the same must be equal in every digit, but {earlier!r} and {later!r} of "
        f"`{what}` differ by rounding ({n} such gaps between times) and are not taken as tied. R's "
        "coxph takes them as tied (timefix), so its coefficients are not quite at the minimum "
        f"here; round the times, as by numpy.round({what}, {digits}).",
        UserWarning,
        stacklevel=2,
    )
