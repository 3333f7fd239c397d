"""The text format of the Extreme Classification repository.

A file is read whole or not at all: what does not fit its first line is an error.
"""

from pathlib import Path

import numpy as np

from vifstats import checks
from vifstats.datasets.multilabel.base import (
    MultiLabel,
    readable,
    require_distinct_below,
    sparse_rows,
)
from vifstats.errors import InvalidInputError

__all__ = ["read_extreme_classification"]


def read_extreme_classification(path: str | Path) -> MultiLabel:
    """Read the text format of the Extreme Classification repository.

    The first line holds the numbers of rows, features and labels; then each line is
    ``label,label feature:value feature:value ...``, counted from 0.

    Raises InvalidInputError if a line does not fit, or there are more or fewer than the first line
    says.
    """
    path = checks.file_path(path, "path")
    with readable(path), path.open(encoding="utf-8") as file:
        shape = _header(path, file.readline())
        rows = [_text_row(path, number, line, shape) for number, line in enumerate(file, 2)]
    n, n_features, n_labels = shape
    if len(rows) != n:
        raise InvalidInputError(
            f"{path.name} must have as many rows as its first line says, {n}, but has {len(rows)}: "
            "it was cut short, or is of another version; get it again."
        )
    X = sparse_rows([columns for _, columns, _ in rows], [v for _, _, v in rows], n_features)
    Y = sparse_rows([labels for labels, _, _ in rows], None, n_labels)
    return MultiLabel(X, Y, _numbered("x", n_features), _numbered("", n_labels))


def _header(path: Path, line: str) -> tuple[int, int, int]:
    words = line.split()
    if len(words) != 3 or not all(word.isdigit() for word in words):
        raise InvalidInputError(
            f"{path.name} must start with the numbers of rows, features and labels, but its "
            f"first line is {line.strip()[:60]!r}."
        )
    n, n_features, n_labels = map(int, words)
    return n, n_features, n_labels


def _text_row(
    path: Path, number: int, line: str, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, columns and values of one line."""
    first, _, rest = line.rstrip("\n").partition(" ")
    if ":" in first:
        first, rest = "", line
    pairs = rest.split()
    try:
        labels = np.array([word for word in first.split(",") if word], dtype=np.int64)
        columns = np.array([pair.split(":", 1)[0] for pair in pairs], dtype=np.int64)
        values = np.array([pair.split(":", 1)[1] for pair in pairs], dtype=float)
    except (ValueError, IndexError) as error:
        raise InvalidInputError(
            f"Line {number} of {path.name} must be 'label,label feature:value ...', but is "
            f"{line.strip()[:60]!r}."
        ) from error
    for what, found, size in (("label", labels, shape[2]), ("feature", columns, shape[1])):
        require_distinct_below(path, number, what, found, size)
    return labels, columns, values


def _numbered(prefix: str, n: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{k}" for k in range(n))
