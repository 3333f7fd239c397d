"""Sets as arrays: sets of about the same size side by side, filled up with nobody."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["Members", "SetsOfOneSize", "sets_by_size"]


@dataclass(frozen=True, eq=False)
class Members:
    """Members of sets in the order in which they join, and after how many a choice is made.

    A matched set makes one choice, when it is whole. The risk sets of a stratum are one set which
    grows back in time, and makes a choice at each event time.
    """

    number: np.ndarray  # int (n_members,): the set of each member, ascending
    row: np.ndarray  # int (n_members,)
    choice: np.ndarray  # int (n_members,): the choice in which it is a case, or -1
    reads: np.ndarray  # int (n_sets, n_choices): members at each choice; 0 where there is none

    @classmethod
    def whole(cls, set_of_row: np.ndarray, case: np.ndarray) -> "Members":
        """Sets that make one choice among all of their members."""
        order = np.argsort(set_of_row, kind="stable")
        choice = np.where(case[order], 0, -1)
        return cls(set_of_row[order], order, choice, np.bincount(set_of_row)[:, None])


@dataclass(frozen=True, eq=False)
class SetsOfOneSize:
    """k sets of up to n members, with up to c choices."""

    number: np.ndarray  # int (k,): which sets these are
    rows: np.ndarray  # int (k, n); -1 where a set has fewer
    choice: np.ndarray  # int (k, n), as in `Members`; -1 also where there is nobody
    reads: np.ndarray  # int (k, c), as in `Members`

    @property
    def most(self) -> int:
        """The most cases of a choice."""
        return int(self.cases(self.choice >= 0).max(initial=0))

    def cases(self, present: np.ndarray) -> np.ndarray:
        """How many of those present, bool (k, n), each choice takes: int (k, c)."""
        return cases_of(self.choice, present, self.reads.shape[1])


def cases_of(choice: np.ndarray, present: np.ndarray, n_choices: int) -> np.ndarray:
    """How many of those present, bool (k, n), are cases of each choice: int (k, n_choices)."""
    at, member = np.nonzero(present & (choice >= 0))
    place = at * n_choices + choice[at, member]
    return np.bincount(place, minlength=len(choice) * n_choices).reshape(-1, n_choices)


def sets_by_size(members: Members) -> Iterator[SetsOfOneSize]:
    """All sets, those within a factor of 2 in size together: at most half of an array is empty."""
    sizes = np.bincount(members.number)
    starts = np.cumsum(sizes) - sizes
    size_class = np.ceil(np.log2(sizes)).astype(int)
    for c in np.unique(size_class):
        number = np.flatnonzero(size_class == c)
        widest = int(sizes[number].max())
        inside = np.arange(widest) < sizes[number, None]
        at = np.where(inside, starts[number, None] + np.arange(widest), 0)
        reads = members.reads[number]
        yield SetsOfOneSize(
            number,
            np.where(inside, members.row[at], -1),
            np.where(inside, members.choice[at], -1),
            reads[:, : int((reads > 0).sum(axis=1).max())],
        )
