"""The first pass over survival data: checks, and what other chunks must know of this one.

A stratum that goes on in the next chunk is summed: each chunk is at risk at the event times of the
chunks before it. Apart are the rows at its first time, which a tie may join to the chunk before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.survival_input import events, require_no_negative
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.streaming.masses import Load, load_of
from vifstats.streaming.tables import in_chunk, read

__all__ = ["ChunkSurvey", "Columns", "Rows", "Stretch", "rows_of", "survey"]

# Most columns vary within the first block, and are not looked at again.
BLOCK = 4096


@dataclass(frozen=True)
class Columns:
    """The columns of a chunk by the part they play.

    Attributes
    ----------
    x, strata, keep : tuple of str
    time : str
    event, weights, offset : str or None
    """

    x: tuple[Any, ...]
    time: Any
    event: Any = None
    weights: Any = None
    offset: Any = None
    strata: tuple[Any, ...] = ()
    keep: tuple[Any, ...] = ()

    @property
    def all(self) -> list[Any]:
        """Every column that is read."""
        single = [self.time, self.event, self.weights, self.offset]
        named = [*self.x, *(name for name in single if name is not None), *self.strata, *self.keep]
        return list(dict.fromkeys(named))


@dataclass(frozen=True, eq=False)
class Rows:
    """Checked rows of one chunk, or of adjacent ones.

    Attributes
    ----------
    X : ndarray, shape (n, p)
    time, weights, offset : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
    stratum : ndarray of int, shape (n,)
        Number of the stratum within the chunk.
    keep : DataFrame
        Columns that are passed on.
    """

    X: np.ndarray
    time: np.ndarray
    event: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    stratum: np.ndarray
    keep: pd.DataFrame

    def part(self, start: int, stop: int) -> "Rows":
        """Consecutive rows."""
        some = slice(start, stop)
        return Rows(
            X=self.X[some],
            time=self.time[some],
            event=self.event[some],
            weights=self.weights[some],
            offset=self.offset[some],
            stratum=self.stratum[some],
            keep=self.keep.iloc[some],
        )

    @staticmethod
    def joined(parts: Sequence["Rows"]) -> "Rows":
        """Rows of adjacent chunks that are all of one stratum."""
        if len(parts) == 1:
            return parts[0]
        return Rows(
            X=np.concatenate([part.X for part in parts]),
            time=np.concatenate([part.time for part in parts]),
            event=np.concatenate([part.event for part in parts]),
            weights=np.concatenate([part.weights for part in parts]),
            offset=np.concatenate([part.offset for part in parts]),
            stratum=np.zeros(sum(len(part.time) for part in parts), dtype=np.intp),
            keep=pd.concat([part.keep for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rows of one stratum in one chunk, at its beginning or its end.

    Attributes
    ----------
    chunk, start, stop : int
    key : tuple
        The values of the strata columns.
    first_time, last_time : float
    n_head : int
        Number of rows at the first time.
    first_x, centre : ndarray, shape (p,)
        Covariates of the first row, and their mean.
    head, body : Load
        Rows at the first time, and all others, with x measured from the centre.
    """

    chunk: int
    start: int
    stop: int
    key: tuple
    first_time: float
    last_time: float
    n_head: int
    first_x: np.ndarray
    centre: np.ndarray
    head: Load
    body: Load


@dataclass(frozen=True, eq=False)
class ChunkSurvey:
    """What the first pass keeps of a chunk.

    Attributes
    ----------
    n_rows, n_events : int
    varies : ndarray of bool, shape (p,)
        Columns that change within a stratum.
    stretches : tuple of Stretch
        The first and the last stratum; one if they are the same, none if there are no rows.
    """

    n_rows: int
    n_events: int
    varies: np.ndarray
    stretches: tuple[Stretch, ...]


def survey(numbered: tuple[int, Any], columns: Columns, theta: np.ndarray) -> ChunkSurvey:
    """Check a chunk, and sum its first and its last stratum.

    Parameters
    ----------
    numbered : tuple of (int, object)
        The number of the chunk, and the chunk as in `vifstats.streaming.tables.read`.
    columns : Columns
    theta : ndarray, shape (p,)

    Returns
    -------
    ChunkSurvey
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
    )


def rows_of(table: pd.DataFrame, columns: Columns) -> Rows:
    """The rows of a table, checked but for the order of their times.

    Parameters
    ----------
    table : DataFrame
    columns : Columns

    Returns
    -------
    Rows

    Raises
    ------
    InvalidInputError, InvalidTypeError
    """
    X, _, labels = checks.design_matrix(table[list(columns.x)])
    n = len(X)

    def vector(name: Any) -> np.ndarray:
        return checks.row_vector(table[name], str(name), n, labels)

    time = vector(columns.time)
    require_no_negative(time, labels)
    return Rows(
        X=X,
        time=time,
        event=np.ones(n, dtype=bool)
        if columns.event is None
        else events(vector(columns.event), time),
        weights=np.ones(n)
        if columns.weights is None
        else checks.case_weights(table[columns.weights], n, labels),
        offset=np.zeros(n) if columns.offset is None else vector(columns.offset),
        stratum=_strata_in_order(table[list(columns.strata)]),
        keep=table[list(columns.keep)],
    )


def _strata_in_order(strata: pd.DataFrame) -> np.ndarray:
    """The number of the stratum of each row, of strata that must ascend."""
    n = len(strata)
    same, falls = np.ones(max(n - 1, 0), dtype=bool), np.zeros(max(n - 1, 0), dtype=bool)
    for name in strata:
        values = strata[name].to_numpy()
        if len(missing := np.flatnonzero(pd.isna(values))):
            raise InvalidInputError(
                f"Strata must not be missing, but {name!r} is in row {missing[0]}; give such rows "
                "a stratum of their own or drop them."
            )
        falls |= same & _below(values[1:], values[:-1], name)
        same &= values[1:] == values[:-1]
    if len(bad := np.flatnonzero(falls)):
        raise InvalidInputError(
            f"Rows must be sorted by strata, ascending, but row {bad[0] + 1} is "
            f"{tuple(strata.iloc[bad[0] + 1])} after {tuple(strata.iloc[bad[0]])}; sort the data "
            "by strata, then by time."
        )
    return np.append(0, np.cumsum(~same))[:n]


def _below(values: np.ndarray, before: np.ndarray, name: Any) -> np.ndarray:
    try:
        return values < before
    except TypeError as error:
        raise InvalidTypeError(
            f"Strata must have an order, but values of {name!r} cannot be compared ({error}); "
            "code them as numbers or text."
        ) from error


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
    for start in range(0, len(same), BLOCK):
        changes = np.diff(X[start : start + BLOCK + 1, left], axis=0) != 0
        left = left[~changes[same[start : start + BLOCK]].any(axis=0)]
        if not len(left):
            break
    varies = np.ones(X.shape[1], dtype=bool)
    varies[left] = False
    return varies
