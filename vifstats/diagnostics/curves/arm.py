"""One curve: its event times, who is at risk there, and where each row stands among them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.checks.survival import CurveInput

__all__ = ["Arm"]


@dataclass(frozen=True, eq=False)
class Arm:
    """The rows of one curve; positions count its distinct event times, those of any cause."""

    # (n,)
    time: np.ndarray
    entry: np.ndarray
    weight: np.ndarray
    # int (n,): 0 for censored
    cause: np.ndarray

    @classmethod
    def of(cls, data: CurveInput, rows: np.ndarray) -> "Arm":
        """The rows at these positions, as one curve."""
        columns = (data.time, data.entry, data.weights, data.cause)
        return cls(*(column[rows] for column in columns))

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def event(self) -> np.ndarray:
        """Whether each row has an event, bool (n,)."""
        return self.cause > 0

    @cached_property
    def times(self) -> np.ndarray:
        """Distinct event times, ascending, (K,)."""
        return np.unique(self.time[self.event])

    @cached_property
    def first(self) -> np.ndarray:
        """The first event time at which each row is at risk, int (n,)."""
        return np.searchsorted(self.times, self.entry, side="right")

    @cached_property
    def end(self) -> np.ndarray:
        """The event times before this position see the row at risk and alive, int (n,).

        Of a row with an event that is the position of its own, at which it dies.
        """
        upto = np.searchsorted(self.times, self.time, side="right")
        return upto - self.event

    @cached_property
    def at_risk(self) -> np.ndarray:
        """Weight of those at risk at each event time, (K,)."""
        return self.weight_at_risk(self.weight)

    @cached_property
    def n_at_risk(self) -> np.ndarray:
        """Rows at risk at each event time, int (K,)."""
        return self.weight_at_risk(np.ones(len(self), dtype=int))

    def weight_at_risk(self, weight: np.ndarray) -> np.ndarray:
        """Weight of those at risk at each event time, of weights of the rows (n,): (K,)."""
        came = np.bincount(self.first, weight, len(self.times) + 1)
        gone = np.bincount(self.end + self.event, weight, len(self.times) + 1)
        # whole numbers stay exact
        return np.cumsum(came - gone)[:-1]

    @cached_property
    def deaths(self) -> np.ndarray:
        """Weight of the events at each event time, (K,)."""
        return self.deaths_of(self.event)

    @cached_property
    def n_deaths(self) -> np.ndarray:
        """Rows with an event at each event time, (K,)."""
        return np.bincount(self.end[self.event], minlength=len(self.times))

    def deaths_of(self, which: np.ndarray) -> np.ndarray:
        """Weight of some of the events, bool (n,), at each event time: (K,)."""
        return np.bincount(self.end[which], self.weight[which], len(self.times))

    def by_weight(self) -> Iterator[tuple[float, np.ndarray]]:
        """Each weight that occurs, and the positions of its rows."""
        weights, code = np.unique(self.weight, return_inverse=True)
        order = np.argsort(code, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(code))[:-1])
        yield from zip(weights.tolist(), parts, strict=True)

    @property
    def last(self) -> float:
        """The end of follow-up."""
        return float(self.time.max())
