"""What a chunk of rows may be, and how it is read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.datasets import require_columns
from vifstats.errors import InvalidInputError, InvalidTypeError, MissingDataError, VifError

__all__ = ["RowGroup", "chunks_of", "in_chunk", "read", "row_groups"]


@dataclass(frozen=True)
class RowGroup:
    """One row group of a Parquet file: small to send, read where it is used.

    Attributes
    ----------
    path : str
    number : int

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/rows.parquet"
    ...     pd.DataFrame({"t": [1.0, 2.0, 3.0]}).to_parquet(path, row_group_size=2)
    ...     RowGroup(path, 1).to_table(["t"]).num_rows
    1
    """

    path: str
    number: int

    def to_table(self, columns: Sequence[str]) -> Any:
        """The columns asked for, as far as the file has them: a pyarrow Table."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(self.path) as file:
            return file.read_row_group(self.number, columns=list(columns), use_threads=False)


def row_groups(path: str | Path) -> list[RowGroup]:
    """The row groups of a Parquet file, or of all Parquet files of a folder by name, as chunks.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of RowGroup

    Raises
    ------
    MissingDataError
        If there is no such file, or no Parquet file in the folder.
    InvalidInputError
        If a file is not complete Parquet.

    Examples
    --------
    >>> row_groups("nowhere.parquet")
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: Rows must be in a Parquet file, but there is none at \
'nowhere.parquet'.
    """
    from pyarrow.parquet import ParquetFile

    path = checks.file_path(path, "path")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise MissingDataError(
            f"Rows must be in a Parquet file, but there is none at {str(path)!r}."
        )
    groups = []
    for name in map(str, files):
        try:
            with ParquetFile(name) as file:
                groups += [RowGroup(name, number) for number in range(file.num_row_groups)]
        except Exception as error:  # pyarrow has a kind for each way to be damaged
            raise InvalidInputError(
                f"A Parquet file must be complete, but {name!r} is not ({error}); write it again."
            ) from error
    return groups


def chunks_of(chunks: Iterable[Any]) -> list[Any]:
    """The chunks, each of which will be read several times."""
    if isinstance(chunks, pd.DataFrame | np.ndarray | Mapping | str):
        raise InvalidTypeError(
            f"`chunks` must be a sequence of tables, but is one {type(chunks).__name__}; put it "
            "into a list, or use vifstats.streaming.row_groups for a Parquet file."
        )
    if isinstance(chunks, Iterator):
        raise InvalidTypeError(
            "`chunks` are read several times, but an iterator gives them once; pass a list of "
            "what reads each, such as functools.partial(pandas.read_parquet, path)."
        )
    if not isinstance(chunks, Iterable):
        raise InvalidTypeError(
            f"`chunks` must be a sequence of tables, but is {chunks!r:.60}; put what reads each "
            "into a list."
        )
    listed = list(chunks)
    if not listed:
        raise InvalidInputError("`chunks` must hold at least one table, but is empty; pass some.")
    return listed


def read(chunk: Any, columns: Sequence[Any]) -> pd.DataFrame:
    """Some columns of a chunk.

    `chunk`: a table of pandas, polars or pyarrow; a mapping of names to arrays; a structured or
    plain array, memory-mapped or not, of which plain ones have the columns 0, 1, ...; something
    that reads one with ``compute()``, as Dask's partitions and delayed objects do, or with
    ``to_table(columns=...)``, as row groups and pyarrow's fragments do; or a function without
    arguments that returns one. Raises InvalidInputError if a column is missing, or the chunk cannot
    be read.
    """
    table = _frame(_opened(chunk, columns), columns)
    require_columns(table, columns)
    return table


@contextmanager
def in_chunk(number: int) -> Iterator[None]:
    """Errors name the chunk that they are about."""
    try:
        yield
    except VifError as error:
        raise type(error)(f"In chunk {number}: {error}") from error
    except Exception as error:  # whatever reads it has errors of its own
        raise InvalidInputError(
            f"In chunk {number}: a chunk must be readable, but is not ({error}); write it again."
        ) from error


def _opened(chunk: Any, columns: Sequence[Any]) -> Any:
    if isinstance(chunk, pd.DataFrame | np.ndarray | Mapping):
        return chunk
    if hasattr(chunk, "compute"):  # asked for first: a Delayed of Dask seems to have every method
        return chunk.compute(scheduler="synchronous")
    if hasattr(chunk, "to_table"):
        return chunk.to_table(columns=list(columns))
    return chunk() if callable(chunk) else chunk


def _frame(table: Any, columns: Sequence[Any]) -> pd.DataFrame:
    if isinstance(table, np.ndarray) and table.dtype.names is None:
        if table.ndim != 2:
            raise InvalidInputError(
                f"An array must have two dimensions to be a chunk, but has shape {table.shape}."
            )
        return pd.DataFrame(table, copy=False)
    if isinstance(table, np.ndarray):
        table = {name: table[name] for name in columns if name in table.dtype.names}
    if isinstance(table, Mapping):
        return pd.DataFrame(
            {name: np.asarray(table[name]) for name in columns if name in table}, copy=False
        )
    table = checks.as_pandas(table)
    if not isinstance(table, pd.DataFrame):
        raise InvalidTypeError(
            f"A chunk must be a table, or something that reads one, but is a "
            f"{type(table).__name__}."
        )
    return table
