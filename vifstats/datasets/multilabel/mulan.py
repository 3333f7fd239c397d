"""ARFF files of the Mulan library: attributes, of which the last are labels, then rows."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.sparse

from vifstats import checks
from vifstats.datasets.multilabel.base import (
    MultiLabel,
    readable,
    require_distinct_below,
    sparse_rows,
)
from vifstats.errors import InvalidInputError

__all__ = ["read_mulan_arff"]

ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)\s+\S", re.I)


def read_mulan_arff(path: str | Path, n_labels: int) -> MultiLabel:
    """Read an ARFF file of the Mulan library, in which the last attributes are the labels.

    `n_labels`: how many of the attributes are labels. Mulan keeps that in an XML file of its own.
    Raises InvalidInputError if an attribute or a row cannot be read, or a value is missing.
    """
    path = checks.file_path(path, "path")
    with readable(path), path.open(encoding="utf-8") as file:
        names = _attributes(path, file)
        n_features = len(names) - n_labels
        if n_features < 1:
            raise InvalidInputError(
                f"{path.name} must have features before its {n_labels} labels, but has "
                f"{len(names)} attributes in all."
            )
        rows = [_arff_row(path, k, line, len(names)) for k, line in _data_lines(file)]
    table = sparse_rows([columns for columns, _ in rows], [v for _, v in rows], len(names))
    Y = scipy.sparse.csr_array(table[:, n_features:])
    Y.eliminate_zeros()
    if not (Y.data == 1).all():
        raise InvalidInputError(
            f"The last {n_labels} attributes of {path.name} must be labels, 0 or 1, but hold "
            f"{Y.data[Y.data != 1][0]}; does the file have so many labels, and last?"
        )
    X = scipy.sparse.csr_array(table[:, :n_features])
    return MultiLabel(X, Y, tuple(names[:n_features]), tuple(names[n_features:]))


def _attributes(path: Path, lines: Iterator[str]) -> list[str]:
    """Names of the attributes, up to the line ``@data``."""
    names: list[str] = []
    for line in lines:
        if line.strip().lower() == "@data":
            return names
        if line.strip().lower().startswith("@attribute"):
            found = ATTRIBUTE.match(line.strip())
            if found is None:
                raise InvalidInputError(
                    f"An attribute of {path.name} must have a name and a type, but one is "
                    f"{line.strip()[:60]!r}."
                )
            names.append(found[1].strip("'\""))
    raise InvalidInputError(f"{path.name} must have a line '@data', but has none: is it ARFF?")


def _data_lines(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("%"):
            yield number, line.strip()


def _arff_row(path: Path, number: int, line: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of one row, sparse ``{3 1, 7 0.5}`` or dense ``0,1,0.5``."""
    words = line.strip("{}").split(",")
    try:
        if line.startswith("{"):
            pairs = [word.split() for word in words if word.strip()]
            columns = np.array([column for column, _ in pairs], dtype=np.int64)
            values = np.array([value for _, value in pairs], dtype=float)
        else:
            values = np.array(words, dtype=float)
            columns = np.arange(len(values))
    except ValueError as error:
        raise InvalidInputError(
            f"Row {number} of the data of {path.name} must hold numbers, but is {line[:60]!r}."
        ) from error
    if not line.startswith("{") and len(values) != width:
        raise InvalidInputError(
            f"Row {number} of the data of {path.name} must have {width} values, but has "
            f"{len(values)}: was the file cut short?"
        )
    require_distinct_below(path, number, "attribute", columns, width)
    return columns, values
