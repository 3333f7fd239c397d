"""The first pass over survival data: checks, and what other chunks must know of this one.

A stratum that goes on in the next chunk is summed: each chunk is at risk at the event times of the
chunks before it. The rows at its first time are kept apart: they may be tied with the chunk before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.checks.rounded_times import TimeGaps, gaps_of_rows
from vifstats.errors import InvalidInputError
from vifstats.streaming.chunks import in_chunk, read
from vifstats.streaming.cox_rows import Columns, Rows, rows_of
from vifstats.streaming.tail_moments import Load, load_of

__all__ = ["ChunkSurvey", "Stretch", "gaps_of_chunks", "survey"]

# Most columns vary within the first block, and are not looked at again.
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rows of one stratum in one chunk, at its beginning or its end."""

    chunk: int
    start: int
    stop: int
    # The values of the strata columns
    key: tuple
    first_time: float
    last_time: float
    # Number of rows at the first time
    n_head: int
    # first_x, centre (p,): covariates of the first row, and their mean
    first_x: np.ndarray
    centre: np.ndarray
    # head, body: rows at the first time, and all others, with x measured from the centre
    head: Load
    body: Load


@dataclass(frozen=True, eq=False)
class ChunkSurvey:
    """What the first pass keeps of a chunk."""

    n_rows: int
    n_events: int
    # bool (p,): columns that change within a stratum
    varies: np.ndarray
    # The first and the last stratum; one if they are the same, none if there are no rows
    stretches: tuple[Stretch, ...]
    gaps: TimeGaps


def survey(numbered: tuple[int, Any], columns: Columns, theta: np.ndarray) -> ChunkSurvey:
    """Check a chunk, and sum its first and its last stratum.

    `numbered`: the number of the chunk, and the chunk as in `vifstats.streaming.chunks.read`;
    `theta` (p,).
    """
    number, chunk = numbered
    with in_chunk(number):
        table = read(chunk, columns.all)
        rows = rows_of(table, columns)
        same = np.diff(rows.stratum) == 0
        _require_ascending_times(rows.time, same, columns)
    starts = np.append(0, np.flatnonzero(~same) + 1) if len(rows.time) else np.zeros(0, dtype=int)
    stops = np.append(starts[1:], len(rows.time))
    keys = table[list(columns.strata)]
    stretches = tuple(
        _stretch(rows, number, int(starts[k]), int(stops[k]), tuple(keys.iloc[starts[k]]), theta)
        for k in sorted({0, len(starts) - 1} - {-1})
        if len(starts)
    )
    return ChunkSurvey(
        n_rows=len(rows.time),
        n_events=int(rows.event.sum()),
        varies=_varying(rows.X, same),
        stretches=stretches,
        gaps=gaps_of_rows(rows.time, rows.event, same),
    )


def gaps_of_chunks(surveys: Sequence[ChunkSurvey]) -> TimeGaps:
    """Gaps within chunks, and between the last time of one and the first of the next."""
    edges = [survey.stretches for survey in surveys if survey.stretches]
    pairs = [(a[-1], b[0]) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    cut = [(a.last_time, b.first_time) for a, b in pairs if a.key == b.key]
    earlier, later = np.array([(a, b) for a, b in cut if a < b]).reshape(-1, 2).T
    between = TimeGaps.between(earlier, later)
    return TimeGaps.joined([*(survey.gaps for survey in surveys), between])


def _require_ascending_times(time: np.ndarray, same: np.ndarray, columns: Columns) -> None:
    if len(bad := np.flatnonzero(same & (np.diff(time) < 0))):
        row = bad[0] + 1
        raise InvalidInputError(
            f"Rows must be sorted by {columns.time!r} within each stratum, ascending, but row "
            f"{row} is {time[row]:g} after {time[row - 1]:g}; sort the data by strata, then by "
            "time."
        )


def _stretch(
    rows: Rows, chunk: int, start: int, stop: int, key: tuple, theta: np.ndarray
) -> Stretch:
    some = rows.part(start, stop)
    centre = some.X.mean(axis=0)
    x = some.X - centre
    log_r = x @ theta + some.offset + np.log(some.weights)
    # The rows at the first time stand apart: a tie may join them to the block of the chunk before.
    n_head = int(np.searchsorted(some.time, some.time[0], side="right"))
    return Stretch(
        chunk=chunk,
        start=start,
        stop=stop,
        key=key,
        first_time=float(some.time[0]),
        last_time=float(some.time[-1]),
        n_head=n_head,
        first_x=some.X[0].copy(),  # a view would hold the chunk
        centre=centre,
        head=load_of(log_r[:n_head], x[:n_head], chunk, start),
        body=load_of(log_r[n_head:], x[n_head:], chunk, start + n_head),
    )


def _varying(X: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Columns that change from a row to the next of its stratum, shape (p,)."""
    left = np.arange(X.shape[1])
    # A column that has changed once is done with; one block overlaps the next by a row, so that no
    # change between two of them is missed.
    for start in range(0, len(same), BLOCK):
        changes = np.diff(X[start : start + BLOCK + 1, left], axis=0) != 0
        left = left[~changes[same[start : start + BLOCK]].any(axis=0)]
        if not len(left):
            break
    varies = np.ones(X.shape[1], dtype=bool)
    varies[left] = False
    return varies
