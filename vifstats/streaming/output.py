"""What becomes of the influence of a chunk: written, or reduced to a few numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.folders import name_when_written, reason
from vifstats.checks.unfinished import unfinished_folder
from vifstats.errors import InvalidInputError
from vifstats.solvers import Factor
from vifstats.streaming.chunks import in_chunk
from vifstats.streaming.options import SIZE, Request

__all__ = ["Harvest", "Reduction", "complete_folder", "harvest", "largest_rows"]


@dataclass(frozen=True, eq=False)
class Reduction:
    """How the rows of every chunk are solved, and what is kept of them."""

    request: Request
    theta: np.ndarray  # (p,)
    hessian: np.ndarray  # (p, p)
    # Of the Hessian
    factor: Factor
    dispersion: float
    # Where the rows are written
    folder: Path | None


@dataclass(frozen=True, eq=False)
class Harvest:
    """What is kept of a chunk."""

    n_rows: int
    # The largest rows, by their number among all
    top: pd.DataFrame | None
    # (p, p): sum of dfbeta dfbeta' of the classical influence function
    gram: np.ndarray | None


def harvest(
    D: np.ndarray,
    derivatives: np.ndarray,
    keep: pd.DataFrame,
    number: int,
    first_row: int,
    reduction: Reduction,
) -> Harvest:
    """Solve with H, then write or reduce.

    `D`, `derivatives` (n, p): finite differences of the gradient, and derivatives; read only where
    asked for; `keep`: columns that are passed on; `number`, `first_row`: of the chunk, and of its
    first row among all rows.
    """
    request = reduction.request
    gram = top = None
    if request.derivative:
        by_weight = _dfbeta(derivatives, reduction)
        gram = by_weight.T @ by_weight
    if request.rows:
        dfbeta = by_weight if request.method == "if" else _dfbeta(D, reduction)
        columns = dict(zip(request.names, dfbeta.T, strict=True))
        if request.target is not None:
            columns = dict(zip(request.target_names, _on_target(dfbeta, reduction).T, strict=True))
        if reduction.folder is not None:
            with in_chunk(number):
                kept = _as_arrow(keep)
            _write(columns, kept, reduction.folder / f"part-{number:06d}.parquet")
        if request.top:
            columns = dict(zip(request.names, dfbeta.T, strict=True)) | columns
            columns[SIZE] = _sizes(dfbeta, reduction)
            top = _top(columns, keep, first_row, request)
    return Harvest(len(D), top, gram)


def _dfbeta(rows: np.ndarray, reduction: Reduction) -> np.ndarray:
    """Minus H^-1 of each row: full minus without, and 0, not -0."""
    solved = reduction.factor.solve(rows)
    return np.subtract(0.0, solved, out=solved)


def _on_target(dfbeta: np.ndarray, reduction: Reduction) -> np.ndarray:
    """The target at theta^ minus its value without each row, shape (n, m)."""
    target, theta = reduction.request.target, reduction.theta
    assert target is not None
    # A target of the parameters alone reads neither loss nor removals.
    here = np.atleast_1d(target.value(theta, None, None))  # type: ignore[arg-type]  # not read
    without = target.values_without(None, theta - dfbeta, None)  # type: ignore[arg-type]  # not read
    return here - without


def _sizes(dfbeta: np.ndarray, reduction: Reduction) -> np.ndarray:
    """Cook's distance, shape (n,)."""
    quadratic = np.einsum("ki,ki->k", dfbeta @ reduction.hessian, dfbeta)
    return quadratic / (dfbeta.shape[1] * reduction.dispersion)


def _as_arrow(keep: pd.DataFrame) -> Any:
    """A table of Arrow, in which a column without any value is text, as objects mostly are."""
    import pyarrow as pa

    try:
        kept = pa.Table.from_pandas(keep, preserve_index=False)
    except pa.ArrowException as error:
        raise InvalidInputError(
            f"Columns to `keep` must have one type each, but one has several ({error}); convert "
            "it, for example to text."
        ) from error
    fields = [
        field.with_type(pa.string()) if field.type == pa.null() else field for field in kept.schema
    ]
    return kept.cast(pa.schema(fields))


def _write(columns: dict[str, np.ndarray], kept: Any, path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    arrays = {name: pa.array(np.ascontiguousarray(values)) for name, values in columns.items()}
    for name, column in zip(kept.column_names, kept.columns, strict=True):
        arrays[name] = column
    # numbers like these neither repeat nor compress
    write_table(pa.table(arrays), path, compression="none", use_dictionary=kept.column_names)


def _top(
    columns: dict[str, np.ndarray], keep: pd.DataFrame, first_row: int, request: Request
) -> pd.DataFrame:
    size = np.abs(columns[request.by])
    some = np.arange(len(size))
    if len(size) > request.top:
        # all rows as large as the k-th: among equals the first stay
        least = np.partition(size, len(size) - request.top)[len(size) - request.top]
        some = np.flatnonzero(size >= least)
    order = some[np.argsort(-size[some], kind="stable")][: request.top]
    frame = pd.DataFrame({name: values[order] for name, values in columns.items()})
    frame.index = pd.Index(first_row + order, name="row")
    for name in keep:
        frame[name] = keep[name].to_numpy()[order]
    return frame


def largest_rows(tops: Sequence[pd.DataFrame], request: Request) -> pd.DataFrame:
    """The largest rows of several tables, in the order of the data."""
    frame = pd.concat(tops)
    order = np.argsort(-frame[request.by].abs().to_numpy(), kind="stable")[: request.top]
    return frame.iloc[order]


@contextmanager
def complete_folder(path: Path | None) -> Iterator[Path | None]:
    """A folder that has its name only once everything is in it; without an end it is removed."""
    if path is None:
        yield None
        return
    try:
        with unfinished_folder(path.parent) as unfinished:
            yield unfinished
            _unify_types(unfinished)
            name_when_written(unfinished, path)
    except OSError as error:
        raise InvalidInputError(
            f"{str(path)!r} must be writable, but is not ({reason(error)}); name another folder."
        ) from error


def _unify_types(folder: Path) -> None:
    """Parts whose columns differ in type would be read as one table by nobody.

    Whole numbers in one chunk are decimals in another that has gaps: there all become decimals.
    """
    import pyarrow as pa
    from pyarrow.parquet import read_schema, read_table, write_table

    parts = sorted(folder.glob("*.parquet"))
    schemas = [read_schema(part) for part in parts]
    if all(schema.types == schemas[0].types for schema in schemas):
        return
    fields = [_common_field(fields, parts) for fields in zip(*schemas, strict=True)]
    for part, schema in zip(parts, schemas, strict=True):
        if schema.types == [field.type for field in fields]:
            continue
        try:
            table = read_table(part).cast(pa.schema(fields))
        except pa.ArrowInvalid as error:
            raise InvalidInputError(
                f"Columns to `keep` must have one type in all chunks, but whole numbers in "
                f"{part.name} are too large for the decimals of other chunks ({error}); convert "
                "them to text."
            ) from error
        write_table(table, part, compression="none")


def _common_field(fields: Sequence[Any], parts: Sequence[Path]) -> Any:
    """The field that holds those of all parts."""
    import pyarrow as pa

    first = fields[0]
    number = [
        pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in fields
    ]
    for field, part, is_number in zip(fields, parts, number, strict=True):
        if field.type != first.type and not (is_number and number[0]):
            raise InvalidInputError(
                f"Columns to `keep` must have one type in all chunks, but {first.name!r} is "
                f"{first.type} in the first and {field.type} in {part.name}; convert it, for "
                "example to text."
            )
    kinds = {field.type for field in fields}
    if len(kinds) == 1:
        return first
    whole = all(pa.types.is_integer(kind) for kind in kinds)
    return first.with_type(pa.int64() if whole else pa.float64())
