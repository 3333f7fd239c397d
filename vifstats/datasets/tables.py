"""Tables from files, and their columns by name."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.folders import reason
from vifstats.errors import InvalidInputError, InvalidTypeError, MissingDataError

__all__ = ["read_table", "require_columns"]

PARQUET = (".parquet", ".pq")
# By their first bytes nothing can be said of these.
COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar", ".tgz")
# What pandas says of a line with too many fields, and of a quotation mark that none follows.
RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
# So much of a file is looked at for its separator; and a number as a field between semicolons.
FIRST_BYTES = 20_000
DECIMAL_COMMA, DECIMAL_POINT = (
    re.compile(rf'(?:^|;)"?-?\d+{mark}\d+"?(?=;|\r?$)', re.MULTILINE) for mark in (",", r"\.")
)


def read_table(
    path: str | Path, *, text: Iterable[str] = (), sep: str | None = None
) -> pd.DataFrame:
    """Read a CSV file, or with the ``parquet`` extra a Parquet file.

    Parameters
    ----------
    path : str or Path
        The ending ``.parquet`` or ``.pq`` means Parquet; anything else is read as CSV with a
        header line.
    text : iterable of str
        Columns of a CSV file to be left as they are written: the name 007 is not 7.
    sep : str, optional
        Between the fields of a CSV file; default what is in its first line: comma, semicolon or
        TAB. Where it is a semicolon, numbers may have a decimal comma.

    Returns
    -------
    DataFrame

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If the file cannot be read as a table.

    Examples
    --------
    >>> read_table("nowhere.csv")
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: A table must be a file, but there is no file 'nowhere.csv'; \
check its name and folder.
    """
    path = checks.file_path(path, "path")
    if found := _in_the_way(path):
        raise MissingDataError(f"A table must be a file, but {found}.")
    text = _several(text, "text")
    table = _read_parquet(path) if path.suffix.lower() in PARQUET else _read_csv(path, text, sep)
    if table.empty:
        raise InvalidInputError(f"A table must have rows and columns, but {str(path)!r} has none.")
    return table


def require_columns(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise unless every name is a column, and name what the user may have meant.

    Parameters
    ----------
    table : DataFrame
    names : iterable of str

    Raises
    ------
    InvalidInputError
        If a name is not a column.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"week": [1], "arrest": [0]}), ["weeks"])
    Traceback (most recent call last):
    ...
    vifstats.errors.InvalidInputError: There is no column 'weeks'; did you mean 'week'?
    """
    if not isinstance(table, pd.DataFrame):
        raise InvalidTypeError(
            f"`table` must be a DataFrame, but is {table!r:.60}; pass the table itself."
        )
    columns = list(table.columns)
    for name in _several(names, "names"):
        if name in columns:
            continue
        close = get_close_matches(str(name), list(map(str, columns)), n=3)
        meant = " or ".join(map(repr, close))
        remedy = f"did you mean {meant}?" if close else f"the columns are {columns}."
        raise InvalidInputError(f"There is no column {name!r}; {remedy}")


def _several(names: Any, argument: str) -> tuple[Any, ...]:
    flat = not isinstance(names, np.ndarray) or names.ndim == 1
    if not flat or isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise InvalidTypeError(
            f"`{argument}` must be names of columns, but is {names!r:.60}; pass a list."
        )
    return tuple(names)


def _in_the_way(path: Path) -> str:
    """Why there is no file to read, if so, and what to do; /dev/stdin is as good as one."""
    try:
        is_folder = S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return f"there is no file {str(path)!r}; check its name and folder"
    except (OSError, ValueError) as error:  # no permission, too long, a null byte
        return f"{str(path)!r} cannot be reached ({reason(error)}); name a file that can be read"
    return f"{str(path)!r} is a folder; name a file in it" if is_folder else ""


def _read_csv(path: Path, text: Iterable[str], sep: str | None) -> pd.DataFrame:
    try:
        # pandas' default parser is off in the last digit, and guesses types for each piece of a
        # large file: 7 in one would be "7" in the next
        options = {"float_precision": "round_trip", "low_memory": False, **_form(path, sep)}
        table = pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
    except Exception as error:  # each way to compress a file has its own errors, and pandas more
        raise InvalidInputError(_unreadable(str(path), error)) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise InvalidInputError(
            f"A table must have a name for each column, but lines of {str(path)!r} have more "
            "fields than its header; give the first column, of row names say, a name."
        )
    return table


def _unreadable(path: str, error: Exception) -> str:
    """The message for a file that pandas cannot read as CSV."""
    if found := RAGGED.search(str(error)):
        expected, line, n = found.groups()
        return (
            f"Every line of a CSV file must have the same number of fields, but line {line} of "
            f"{path!r} has {n} instead of {expected}; correct that line, put fields that hold a "
            "separator in quotes, or name another separator by `sep`."
        )
    if found := UNCLOSED.search(str(error)):
        return (
            f"Every quotation mark of a CSV file must be closed, but one in line "
            f"{int(found[1]) + 1} of {path!r} is not; close or remove it."
        )
    if isinstance(error, pd.errors.EmptyDataError):
        return f"A table must have a header line, but {path!r} is empty; export it again."
    return (
        f"A table must be a CSV file with a header line, but {path!r} cannot be read as one "
        f"({error}); export it as UTF-8 with commas."
    )


def _form(path: Path, sep: str | None) -> dict[str, str]:
    """How fields are separated, and the decimals of numbers, by the first lines."""
    head = _first_lines(path)
    if sep is None:
        line = re.sub(r'"[^"]*"', "", head.partition("\n")[0])
        sep = max(",;\t", key=line.count)
    sep = "\t" if sep in ("\\t", "TAB") else sep
    comma = sep == ";" and DECIMAL_COMMA.search(head) and not DECIMAL_POINT.search(head)
    return {"sep": sep, "decimal": ","} if comma else {"sep": sep}


def _first_lines(path: Path) -> str:
    """The beginning of a file that can be read twice, and is text; else nothing."""
    if not path.is_file() or path.suffix in COMPRESSED:
        return ""
    with path.open("rb") as file:
        return file.read(FIRST_BYTES).decode("utf-8", "replace")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise InvalidInputError(
            f"Parquet needs pyarrow, which is not installed, to read {str(path)!r}; "
            "pip install 'vifstats[parquet]', or give a CSV file."
        ) from error
    except Exception as error:  # pyarrow has a kind for each way to be damaged
        raise InvalidInputError(
            f"A file ending in {path.suffix} must be Parquet, but {str(path)!r} cannot be read as "
            f"such ({error}); export it again, or as CSV under another name."
        ) from error
    # a named index is a column as any other, an unnamed one names the rows if it can
    kept = [name for name in table.index.names if name is not None]
    table = (table.reset_index(kept) if kept else table).rename(columns=str)
    names_rows = table.index.nlevels == 1 and table.index.is_unique
    return table if names_rows else table.reset_index(drop=True)
