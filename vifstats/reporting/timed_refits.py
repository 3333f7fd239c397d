"""As long as there is time: refits of some rows of a result, or one search after another."""

from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

import numpy as np

from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.streaming.progress import progress_bar

__all__ = ["refit_rows", "removal_of_each_row", "while_there_is_time"]

T = TypeVar("T")

# The first refits that are timed; the next are twice as many, or what the time allows.
FIRST_REFITS = 4


def while_there_is_time(asked: Iterable[T], seconds: float) -> Iterator[T]:
    """At least the first; after it as long as one more like the slowest so far ends in time."""
    begin = latest = perf_counter()
    slowest = 0.0
    for each in asked:
        if latest > begin and latest - begin + slowest > seconds:
            return
        yield each
        now = perf_counter()
        slowest, latest = max(slowest, now - latest), now


def refit_rows(
    influence: Influence, rows: np.ndarray, seconds: float, progress: bool
) -> tuple[Influence, np.ndarray]:
    """A result with as many of these rows refitted as the time allows, and which those are.

    `rows`: positions, the most important first; `seconds`: when to stop; the few first refits, by
    which the time is measured, are always made unless it is 0 or less; `progress`: show a progress
    bar. Returns the result, and the positions of the rows that were refitted.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
    >>> influence = vs.vif(vs.minimize(loss, [0.0]))
    >>> refit_rows(influence, np.array([2, 0]), 60.0, False)[0].exact
    array([ True, False,  True])
    """
    done, result = 0, influence
    with progress_bar(len(rows), "refit", shown=progress) as bar:
        for part in _parts(rows, seconds):
            removals = influence.removals.take(part)
            result = result.with_rows(part, refit_removals(influence.estimate, removals))
            done += len(part)
            bar.update(len(part))
    return result, rows[:done]


def removal_of_each_row(influence: Influence) -> np.ndarray:
    """The row of a result that takes each row of the data: its groups, by number.

    Returns int (n_labels,): -1 for rows that no removal takes.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
    >>> removal_of_each_row(vs.vif(vs.minimize(loss, [0.0]), groups=["b", "a", "b"]))
    array([0, 1, 0])
    """
    codes = np.full(len(influence.estimate.labels), -1)
    codes[influence.estimate.kept] = influence.removals.codes
    return codes


def _parts(rows: np.ndarray, seconds: float) -> Iterator[np.ndarray]:
    """Ever more rows at a time, until the time they take would exceed what is left."""
    if np.isinf(seconds):
        if len(rows):
            yield rows
        return
    if seconds <= 0:
        return
    begin, done, size = perf_counter(), 0, FIRST_REFITS
    while done < len(rows) and size > 0:
        yield rows[done : done + size]
        done = min(done + size, len(rows))
        spent = perf_counter() - begin
        size = min(2 * size, int(max(0.0, seconds - spent) / (spent / done)))
