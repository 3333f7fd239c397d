"""What an experiment is: numbers from a run, and how to show and to judge them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

__all__ = ["Bound", "Clock", "Experiment", "Figure", "Record", "Table", "at_least", "at_most"]


class Clock:
    """Seconds of the steps of a run, kept apart from its numbers.

    Attributes
    ----------
    seconds : dict of float
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Time what is inside."""
        began = perf_counter()
        yield
        self.seconds[name] = perf_counter() - began

    def best(self, name: str, call: Callable[[], Any], runs: int = 5) -> Any:
        """The least time of some runs, since other work can only add to it, and what came out."""
        times = []
        for _ in range(runs):
            began = perf_counter()
            out = call()
            times.append(perf_counter() - began)
        self.seconds[name] = min(times)
        return out


@dataclass(frozen=True)
class Record:
    """What is kept of a run.

    Attributes
    ----------
    numbers : dict
        The same in every run, to the digits that are kept.
    seconds : dict
    machine : dict
        Where, with how much other work, and when not on its own.
    versions : dict of str
    """

    numbers: Mapping[str, Any]
    seconds: Mapping[str, Any]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Bound:
    """What a number was promised to be.

    Attributes
    ----------
    what : str
    value : float
    limit : float
    least : bool
        Whether the limit is the least that was promised, or the most.
    """

    what: str
    value: float
    limit: float
    least: bool

    @property
    def met(self) -> bool:
        """False for nan, too."""
        return self.value >= self.limit if self.least else self.value <= self.limit


def at_least(what: str, value: float, limit: float) -> Bound:
    """A promise from below."""
    return Bound(what, value, limit, least=True)


def at_most(what: str, value: float, limit: float) -> Bound:
    """A promise from above."""
    return Bound(what, value, limit, least=False)


@dataclass(frozen=True)
class Table:
    """A table as it is shown.

    Attributes
    ----------
    caption : str
    heads : sequence of str
    rows : sequence of sequences
        Text, or numbers, which are shortened.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows in words, and how to read it."""

    svg: str
    alt: str
    how: str


@dataclass(frozen=True)
class Experiment:
    """One question, asked of data.

    Attributes
    ----------
    name : str
        Of its file in results/, and for ``--only``.
    title : str
    text : str
        A paragraph: what was compared with what, and what came out.
    run : callable
        ``run(clock)`` gives the numbers, of what JSON has.
    tables, figures, bounds : callable
        What to show of a `Record`.
    data : tuple of str
        The data sets it needs that are not bundled.
    quick : bool
        Whether it is part of ``--quick``: seconds, and no data.
    """

    name: str
    title: str
    text: str
    run: Callable[[Clock], dict[str, Any]]
    tables: Callable[[Record], list[Table]]
    figures: Callable[[Record], list[Figure]] = lambda record: []
    bounds: Callable[[Record], list[Bound]] = lambda record: []
    data: tuple[str, ...] = ()
    quick: bool = False
