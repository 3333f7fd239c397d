"""What multi-label data are, and what their readers share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse

from vifstats.errors import InvalidInputError

__all__ = ["MultiLabel", "read_arrays", "readable", "require_distinct_below", "sparse_rows"]


@dataclass(frozen=True, eq=False)
class MultiLabel:
    """Rows with features, and the set of labels of each.

    Attributes
    ----------
    X : csr_array, shape (n, n_features)
    Y : csr_array, shape (n, n_labels)
        1 where a row has a label. They are sets: there is no order of relevance.
    features, labels : tuple of str
        Names.
    is_test : ndarray of bool, shape (n,), or None
        The split that comes with the data, if one does.

    Examples
    --------
    >>> X, Y = (scipy.sparse.csr_array(np.eye(2)) for _ in range(2))
    >>> MultiLabel(X, Y, ("width", "height"), ("tree", "house")).is_test is None
    True
    """

    X: scipy.sparse.csr_array
    Y: scipy.sparse.csr_array
    features: tuple[str, ...]
    labels: tuple[str, ...]
    is_test: np.ndarray | None = None


def read_arrays(path: str | Path) -> MultiLabel:
    """Read an ``.npz`` file of CSR arrays.

    It holds ``shape`` (rows, features, labels), ``X_indptr``, ``X_indices`` and, unless
    ``X_binary`` is 1, ``X_data``; ``Y_indptr`` and ``Y_indices``; ``is_test`` (0, 1, or 255 where
    there is no split); ``feature_names`` and ``label_names``.

    Raises InvalidInputError if an array is missing or does not fit the others: indices that point
    outside would make SciPy write outside.
    """
    with readable(Path(path)):
        # opened here: np.load leaves a file open that turns out to be no archive
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        n, n_features, n_labels = (int(size) for size in held["shape"])
        binary = bool(held["X_binary"])
        X = _csr(held, "X", None if binary else held["X_data"], (n, n_features))
        Y = _csr(held, "Y", None, (n, n_labels))
        split = held["is_test"]
        _require("is_test", split.shape == (n,), f"one value for each of {n} rows")
        is_test = split.astype(bool) if np.isin(split, (0, 1)).all() else None
        names = [tuple(map(str, held[f"{kind}_names"])) for kind in ("feature", "label")]
        for kind, found, size in zip(
            ("feature", "label"), names, (n_features, n_labels), strict=True
        ):
            _require(f"{kind}_names", len(found) == size, f"{size} names")
        return MultiLabel(X, Y, names[0], names[1], is_test)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever is wrong with a file is an error that names it."""
    try:
        yield
    except InvalidInputError as error:
        if path.name in str(error):
            raise
        raise InvalidInputError(f"{path.name}: {error}") from error
    except Exception as error:  # NumPy, zipfile and codecs have a dozen kinds
        raise InvalidInputError(
            f"{path.name} must be a whole file of its kind, but cannot be read "
            f"({type(error).__name__}: {error}); get it again."
        ) from error


def sparse_rows(
    columns: Sequence[np.ndarray], values: Sequence[np.ndarray] | None, width: int
) -> scipy.sparse.csr_array:
    """The columns and values, by default 1, of each row as one array; all values finite."""
    starts = np.concatenate([[0], np.cumsum([len(row) for row in columns], dtype=np.int64)])
    where = np.concatenate([np.empty(0, np.int64), *columns])
    what = np.ones(len(where)) if values is None else np.concatenate([np.empty(0), *values])
    if not np.isfinite(what).all():
        row = int(np.searchsorted(starts, np.argmin(np.isfinite(what)), side="right"))
        raise InvalidInputError(f"Values must be finite, but row {row} of the data has nan or inf.")
    out = scipy.sparse.csr_array((what, where, starts), shape=(len(columns), width))
    out.sort_indices()
    return out


def require_distinct_below(
    path: Path, number: int, what: str, found: np.ndarray, size: int
) -> None:
    """Raise unless the numbers of a line are 0 to size - 1, each once."""
    outside = found[(found < 0) | (found >= size)]
    if len(outside) or len(np.unique(found)) < len(found):
        wrong = f"has {what} {outside[0]}" if len(outside) else f"has a {what} twice"
        raise InvalidInputError(
            f"Line {number} of {path.name} must have {what}s from 0 to {size - 1}, each once, but "
            f"{wrong}."
        )


def _csr(
    held: dict[str, np.ndarray], name: str, data: np.ndarray | None, shape: tuple[int, int]
) -> scipy.sparse.csr_array:
    indices, starts = (held[f"{name}_{part}"] for part in ("indices", "indptr"))
    for part, array in (("indices", indices), ("indptr", starts)):
        integers = array.ndim == 1 and np.issubdtype(array.dtype, np.integer)
        _require(f"{name}_{part}", integers, "a list of integers")
    inside = len(indices) == 0 or (indices.min() >= 0 and indices.max() < shape[1])
    _require(f"{name}_indices", inside, f"numbers from 0 to {shape[1] - 1}")
    rising = len(starts) == shape[0] + 1 and starts[0] == 0 and starts[-1] == len(indices)
    rising = rising and bool(np.all(starts[:-1] <= starts[1:]))
    _require(f"{name}_indptr", rising, f"{shape[0] + 1} numbers that rise from 0 to {len(indices)}")
    values = np.ones(len(indices)) if data is None else data.astype(float)
    _require(f"{name}_data", values.shape == indices.shape, "a value for each of its indices")
    return scipy.sparse.csr_array(
        (values, indices.astype(np.int64), starts.astype(np.int64)), shape
    )


def _require(array: str, holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidInputError(f"`{array}` must be {rule}, but is not; get the file again.")
