"""Times that differ only by rounding, such as 0.1 + 0.2 and 0.3, and so are not tied.

R's coxph takes them as tied (timefix), other libraries do not. So coefficients of one are not quite
at the minimum of the other. Gaps count as rounding if they are tiny and outnumber the gaps of their
neighbourhood: between continuous times, the number of gaps is in proportion to their width.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

__all__ = ["TimeGaps", "gaps_of_rows", "times_as_they_are", "warn_of_rounding"]

# Widths of tiny gaps, as a share of the time. The first is R's tolerance (survival::aeqSurv), for
# data with few times. The second is the rounding of a few additions, for data with so many times
# that some are close by chance.
TINY = np.array([np.sqrt(np.finfo(float).eps), 1e-12])
# The neighbourhood: gaps up to this many times as wide.
AROUND = 1e4
# Two times with the smallest possible ratio, as far apart as times can be.
NO_PAIR = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class TimeGaps:
    """Gaps between a time and the next event time, counted by each width that is tiny."""

    # near, around int (2,): the number of tiny gaps, and of gaps up to the neighbourhood's width
    near: np.ndarray
    around: np.ndarray
    # (2,): the widest of those that are near
    widest: np.ndarray
    # The two of the neighbourhood that are nearest to each other, by their ratio
    pair: tuple[float, float]

    @classmethod
    def between(cls, earlier: np.ndarray, later: np.ndarray) -> "TimeGaps":
        """The gaps between pairs of different times, (k,) each."""
        gaps, size = later - earlier, np.maximum(np.abs(earlier), np.abs(later))
        few = np.flatnonzero(gaps <= AROUND * TINY.max() * size)
        gaps = gaps[few]
        share = gaps / size[few]
        near = share <= TINY[:, None]
        first = few[np.argmin(share)] if len(few) else None
        return cls(
            near=near.sum(axis=1),
            around=(share <= AROUND * TINY[:, None]).sum(axis=1),
            widest=np.where(near, gaps, 0.0).max(axis=1, initial=0.0),
            pair=NO_PAIR if first is None else (float(earlier[first]), float(later[first])),
        )

    @classmethod
    def joined(cls, parts: Sequence["TimeGaps"]) -> "TimeGaps":
        """The gaps of several parts of the data together."""
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
    """A context in which coefficients were `fitted` to these exact times: no warning is needed."""
    before = _as_they_are.set(fitted)
    try:
        yield
    finally:
        _as_they_are.reset(before)


def warn_of_rounding(found: TimeGaps, what: str) -> None:
    """Warn if some times differ only by rounding; `what` names the argument."""
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
