"""Numbers from the containers that users keep them in, aligned with the rows of one data set."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.frames import as_pandas
from vifstats.checks.text import quoted
from vifstats.errors import InvalidInputError, InvalidTypeError

# Not every integer beyond this is a float.
EXACT_INTEGERS = 2.0**53

__all__ = [
    "at",
    "design_matrix",
    "finite_array",
    "frame_numbers",
    "group_labels",
    "matrices_in_place",
    "number_array",
    "numbers",
    "row_positions",
    "row_vector",
    "table_of_rows",
]


# Whether a matrix of floats is read where it is.
_in_place: ContextVar[bool] = ContextVar("matrices in place", default=False)


@contextmanager
def matrices_in_place() -> Iterator[None]:
    """A context in which matrices of floats are not copied, by those who copy them in the end."""
    before = _in_place.set(True)
    try:
        yield
    finally:
        _in_place.reset(before)


def design_matrix(X: Any, name: str = "X") -> tuple[np.ndarray, tuple[str, ...], pd.Index]:
    """A finite float matrix with its column names and row labels.

    `X` (n, p) or (n,); `name`: what errors call it. Returns `matrix` (n, p): a copy.
    """
    copied = not (_in_place.get() and isinstance(X, np.ndarray))
    X = as_pandas(X)
    if isinstance(X, pd.Series):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame):
        matrix, names, labels = frame_numbers(X, name), tuple(map(str, X.columns)), X.index
    else:
        matrix = numbers(X, f"`{name}`", copied)
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        if matrix.ndim != 2:
            raise InvalidInputError(
                f"`{name}` must have two dimensions, but has shape {matrix.shape}; pass "
                "one row for each object."
            )
        names = tuple(f"x{k}" for k in range(matrix.shape[1]))
        labels = pd.RangeIndex(len(matrix))
    _require_columns(names, name)
    if not all_finite(matrix) and (bad := ~np.isfinite(matrix)).any():
        row, column = np.argwhere(bad)[0]
        raise InvalidInputError(
            f"`{name}` must be finite, but column {names[column]!r} is {matrix[row, column]} in "
            f"{at([row], labels)} ({such_rows(bad.any(axis=1).sum())}); drop or impute them."
        )
    return np.ascontiguousarray(matrix), names, labels


def all_finite(values: np.ndarray) -> bool:
    """Whether no number is nan or infinite; False too where their sum is too large."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()))


def row_vector(
    values: Any,
    name: str,
    n: int,
    labels: pd.Index,
    X: Any = None,
    minus_infinity: bool = False,
) -> np.ndarray:
    """A finite float vector with one entry per row of X, in the same order.

    `values` (n,) or (n, 1); `name`: what errors call it; `labels` (n,); `X`: where the labels come
    from; if it is a pandas object, other pandas objects must match them; `minus_infinity`: whether
    -inf is allowed. Returns (n,).
    """
    vector = numbers(values, f"`{name}`", labels=labels)
    if vector.ndim == 2 and vector.shape[1] == 1:
        vector = vector.ravel()
    if vector.ndim != 1:
        raise InvalidInputError(
            f"`{name}` must have one dimension, but has shape {vector.shape}; pass one value for "
            "each row."
        )
    require_length(len(vector), n, name)
    if isinstance(X, pd.Series | pd.DataFrame):
        require_labels(values, name, labels, X)
    if all_finite(vector):
        return vector
    allowed = np.isfinite(vector) | (np.isneginf(vector) if minus_infinity else False)
    if len(bad := np.flatnonzero(~allowed)):
        raise InvalidInputError(
            f"`{name}` must be finite, but {at(bad, labels)} is {vector[bad[0]]} "
            f"({such_rows(len(bad))}); drop or fix them."
        )
    return vector


def group_labels(groups: Any, labels: pd.Index) -> np.ndarray:
    """One label per row of the data, none missing, aligned with the rows.

    Shapes: `groups` (n,); `labels` (n,). Returns (n,).
    """
    if columns := getattr(getattr(groups, "dtype", None), "names", None):
        raise InvalidInputError(
            f"`groups` must have one label per row, but is a structured array of {list(columns)}; "
            "pass one of these columns."
        )
    values = _as_they_are(as_pandas(groups))
    if values.ndim != 1:
        raise InvalidInputError(
            f"`groups` must have one label per row, shape ({len(labels)},), but has shape "
            f"{values.shape}; pass the column itself, such as df['id']."
        )
    require_length(len(values), len(labels), "groups")
    require_order(groups, "groups", labels)
    if len(missing := np.flatnonzero(pd.isna(values))):
        raise InvalidInputError(
            f"`groups` must not be missing, but is in {at(missing, labels)}; give such rows a "
            "label of their own."
        )
    if odd := [k for k, value in enumerate(values.tolist()) if not isinstance(value, Hashable)]:
        raise InvalidTypeError(
            f"`groups` must hold labels, such as numbers or text, but has {values[odd[0]]!r} in "
            f"{at(odd, labels)}; pass one label per row."
        )
    return values


def table_of_rows(table: Any, labels: pd.Index) -> pd.DataFrame:
    """A table with one line for each row of the data, in their order, by their labels.

    `labels` (n,): 0, 1, ... may stand for rows without labels; then lines go by their position,
    unless they are a reordering of these numbers.
    """
    frame = as_pandas(table)
    if not isinstance(frame, pd.DataFrame):
        raise InvalidTypeError(
            f"`table` must be a DataFrame with one line for each row of the data, but is a "
            f"{type(table).__name__}; pass the columns to show."
        )
    if frame.index.equals(labels):
        return frame
    if labels.is_unique and frame.index.is_unique and labels.isin(frame.index).all():
        return frame.loc[labels]
    numbered = isinstance(labels, pd.RangeIndex) and not frame.index.isin(labels).all()
    if numbered and len(frame) == len(labels):
        return frame.set_axis(labels, axis=0)
    raise InvalidInputError(
        f"`table` must have a line for each of the {len(labels)} rows of the data, with its label, "
        f"but has {len(frame)} labels, which start {list(frame.index[:3])} against "
        f"{list(labels[:3])}; pass the table that the model was fitted on, or columns with its "
        "index."
    )


def require_length(found: int, n: int, name: str) -> None:
    """One entry per row."""
    if found != n:
        raise InvalidInputError(
            f"Found input variables with inconsistent numbers of samples: the data have {n} rows, "
            f"`{name}` has {found}; pass one value per row."
        )


def require_labels(values: Any, name: str, labels: pd.Index, X: Any = None) -> None:
    """A pandas object must have the labels of the data: matching by position could mix up rows.

    `X`: where the labels come from; only a DataFrame has an index for the remedy to name.
    """
    if not isinstance(values, pd.Series | pd.DataFrame) or values.index.equals(labels):
        return
    ordered = f"{name}.loc[...] with the labels of the data"
    if isinstance(X, pd.DataFrame):
        ordered = f"{name}.loc[X.index]"
    raise InvalidInputError(
        f"`{name}` must have the labels of the data in the same order, but they start "
        f"{list(values.index[:3])} against {list(labels[:3])}; use {ordered}, or to_numpy() if the "
        "order is right."
    )


def require_order(values: Any, name: str, labels: pd.Index) -> None:
    """As `require_labels`, where labels 0, 1, ... may stand for rows without labels.

    In that case only a reordering of them is surely a mistake.
    """
    if not isinstance(labels, pd.RangeIndex) or _reordered(values, labels):
        require_labels(values, name, labels)


def frame_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """The columns of a frame as floats, shape (n, p); missing becomes nan."""
    columns = [
        numbers(values, f"column {quoted(key)} of `{name}`", labels=frame.index)
        for key, values in frame.items()
    ]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def numbers(
    values: Any, what: str, copied: bool = True, labels: pd.Index | None = None
) -> np.ndarray:
    """Floats from numeric, boolean, nullable and categorical containers; missing becomes nan.

    Text and dates are refused, although NumPy would convert some of them.

    `what`: what errors call it, such as "`T`"; `copied`: whether floats are copied too; `labels`:
    of the rows, where each has one value.
    """
    array = _numpy(as_pandas(values), what)
    if array.dtype.kind not in "biuf":
        each_row = labels is not None and array.shape == labels.shape
        raise InvalidTypeError(
            f"{what[0].upper()}{what[1:]} must be numeric, but "
            f"{_contents(array, what, labels if each_row else None)}."
        )
    return _as_floats(array, what, copied)


def _as_floats(array: np.ndarray, what: str, copied: bool) -> np.ndarray:
    """Floats; integers so large that two of them would become the same float are refused."""
    floats = array.astype(float, copy=copied)
    if array.dtype.kind in "iu" and array.size and np.abs(floats).max() > EXACT_INTEGERS:
        _require_exact(array.ravel().tolist(), floats.ravel().tolist(), what)
    return floats


def _require_exact(whole: Sequence[int], floats: Sequence[float], what: str) -> None:
    changed = next((n for n, f in zip(whole, floats, strict=True) if int(f) != n), None)
    if changed is not None:
        raise InvalidInputError(
            f"{what[0].upper()}{what[1:]} must be numbers that a float holds exactly, but "
            f"{changed} is none: integers beyond 2^53 would become ties. Subtract an origin, or "
            "count in larger units."
        )


def row_positions(rows: Any, n: int) -> np.ndarray:
    """Positions of rows, from whole numbers or one True or False for each: (k,).

    `n`: how many rows there are.
    """
    found = np.asarray(rows) if isinstance(rows, Sequence | np.ndarray | pd.Series) else None
    if found is None or found.ndim != 1 or not (found.dtype.kind in "biu" or not len(found)):
        raise InvalidTypeError(
            f"`rows` must be positions in one dimension, or True or False for each of {n}, but is "
            f"{rows!r:.60}; pass whole numbers."
        )
    if found.dtype.kind == "b":
        require_length(len(found), n, "rows")
        return np.flatnonzero(found)
    found = found.astype(np.intp)
    if len(found) and not (found.min() >= 0 and found.max() < n):
        raise InvalidInputError(
            f"`rows` must be from 0 to {n - 1}, but hold {found.min()} to {found.max()}; leave out "
            "those beyond."
        )
    return found


def number_array(values: Any, name: str) -> np.ndarray:
    """Numbers of whatever shape; nan where one is missing."""
    return numbers(values, f"`{name}`")


def finite_array(values: Any, name: str) -> np.ndarray:
    """Finite numbers of whatever shape."""
    array = numbers(values, f"`{name}`")
    if not np.isfinite(array).all():
        raise InvalidInputError(
            f"`{name}` must be finite, but holds {array[~np.isfinite(array)].ravel()[0]}; drop or "
            "replace it."
        )
    return array


def at(rows: Sequence[int] | np.ndarray, labels: pd.Index) -> str:
    """How an error names the first of some rows: by position and, where it differs, by label."""
    row = int(rows[0])
    label = labels[row]
    same = isinstance(label, Real) and label == row  # a missing label has no truth value
    return f"row {row}" if same else f"row {row} (label {quoted(label)})"


def such_rows(n: int) -> str:
    """How many rows break a rule, beside the first of them that an error names."""
    return f"{n} such row" if n == 1 else f"{n} such rows"


def _require_columns(names: tuple[str, ...], name: str) -> None:
    if not names:
        raise InvalidInputError(f"`{name}` must have at least one column, but has none; pass some.")
    twice = [key for k, key in enumerate(names) if key in names[:k]]
    if twice:
        raise InvalidInputError(
            f"`{name}` must have one name per column, but {twice} occur more than once; "
            "rename or drop them."
        )


def _reordered(values: Any, labels: pd.RangeIndex) -> bool:
    index = values.index if isinstance(values, pd.Series) else labels
    return len(index) == len(labels) and bool(index.isin(labels).all()) and index.is_unique


def _as_they_are(groups: Any) -> np.ndarray:
    """An array of unchanged labels; NumPy would turn mixed labels into text, and drop a mask."""
    if isinstance(groups, list | tuple):
        groups = np.array(groups, dtype=object)
    if isinstance(groups, np.ndarray) and groups.ndim == 1:
        return pd.Series(groups).infer_objects().to_numpy()
    return np.asarray(groups)


def _numpy(values: Any, what: str) -> np.ndarray:
    """A NumPy array, of floats where nullable or object entries allow it; masked becomes nan."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.where(np.ma.getmaskarray(values), np.nan, values.data.astype(object))
    if isinstance(getattr(values, "dtype", None), pd.api.extensions.ExtensionDtype):
        values = np.asarray(values, dtype=object)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"{what} must be an array of numbers, but is {values!r:.60} ({error}); pass one."
        ) from error
    if array.dtype != object or any(isinstance(entry, str) for entry in array.flat):
        return array
    missing = pd.isna(array)
    # a duration or bytes would become a bare number, whatever its unit
    plain = (Real, np.bool_)
    if not all(
        isinstance(entry, plain) and not isinstance(entry, np.timedelta64)
        for entry in array[~missing].flat
    ):
        return array
    try:
        floats = np.where(missing, np.nan, array).astype(float)
    except (TypeError, ValueError, OverflowError):
        return array
    whole = [entry for entry in array[~missing].flat if isinstance(entry, int)]
    _require_exact(whole, [float(entry) for entry in whole], what)
    return floats


def _contents(array: np.ndarray, what: str, labels: pd.Index | None) -> str:
    """What an array holds that is not numeric, and what to do about it.

    `labels` (n,): None where there are no rows to name.
    """
    if array.dtype.kind in "mM":
        return (
            "holds dates or durations; convert it to a number of days, for example with "
            "(t - start).dt.days"
        )
    remedy = "encode it as numbers"
    if what.startswith("column"):
        remedy = "encode it, for example with pandas.get_dummies(..., drop_first=True)"
    if array.dtype.kind not in "OUS" or not array.size:
        return f"has dtype {array.dtype}; {remedy}"
    entries = pd.Series(array.ravel().tolist(), dtype=object)
    odd = _positions_of_no_numbers(entries)
    if not len(odd):
        text = next(entry for entry in entries if isinstance(entry, str))
        return f"holds {text!r:.60} as text; convert it, for example with pandas.to_numeric"
    first = f"{quoted(entries[odd[0]]):.60}"
    if labels is None or 2 * len(odd) > entries.notna().sum():
        return f"holds {first}; {remedy}"
    return (
        f"{at(odd, labels)} holds {first} ({such_rows(len(odd))}); correct such values or drop "
        "their rows"
    )


def _positions_of_no_numbers(entries: pd.Series) -> np.ndarray:
    """Of entries that are neither a number, nor missing, nor text that is a number: (k,)."""
    is_text = np.array([isinstance(entry, str) for entry in entries])
    numeric = np.array([_is_real(entry) for entry in entries])
    numeric[is_text] = pd.to_numeric(entries[is_text], errors="coerce").notna()
    return np.flatnonzero(~(numeric | entries.isna()))


def _is_real(entry: Any) -> bool:
    """Whether an entry is a number that floats reach, and no duration."""
    if not isinstance(entry, Real | np.bool_) or isinstance(entry, np.timedelta64):
        return False
    try:
        float(entry)
    except OverflowError:
        return False
    return True
