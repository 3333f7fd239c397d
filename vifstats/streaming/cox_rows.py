"""The rows of a chunk: its columns by the part they play, checked.

Here is every check but one: that times ascend, which the first pass sees, within and across chunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.survival import events, require_no_negative
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["Columns", "Rows", "rows_of"]


@dataclass(frozen=True)
class Columns:
    """The columns of a chunk by the part they play."""

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
    """Checked rows of one chunk, or of adjacent ones."""

    X: np.ndarray  # (n, p)
    # time, weights, offset: (n,)
    time: np.ndarray
    event: np.ndarray  # bool (n,)
    weights: np.ndarray
    offset: np.ndarray
    # int (n,): number of the stratum within the chunk
    stratum: np.ndarray
    # Columns that are passed on
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


def rows_of(table: pd.DataFrame, columns: Columns) -> Rows:
    """The rows of a table, checked but for the order of their times."""
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
