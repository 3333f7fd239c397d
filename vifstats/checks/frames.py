"""Tables and columns of other libraries as pandas: what the rest of the package reads."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["as_pandas"]


def as_pandas(values: Any) -> Any:
    """A DataFrame or Series with the rows of a table or column of polars, pyarrow and their like.

    `values`: pandas, NumPy and anything that is not a table or column are returned as they are.
    Only tables and columns of Arrow are converted, by narwhals, which is imported only then.
    A new DataFrame or Series has the labels 0, 1, ..., n - 1. Raises InvalidInputError if
    two columns share a name. Raises InvalidTypeError if it is a query that has not been run.

    Examples
    --------
    >>> import polars as pl
    >>> as_pandas(pl.DataFrame({"age": [60, None]}))
        age
    0  60.0
    1   NaN
    """
    if isinstance(values, pd.DataFrame | pd.Series | np.ndarray):
        return values
    if hasattr(values, "collect"):
        raise InvalidTypeError(
            f"Rows must be in memory, but a {type(values).__name__} is a query that has not been "
            "run; pass its .collect()."
        )
    return _converted(values) if hasattr(values, "__arrow_c_stream__") else values


def _converted(values: Any) -> pd.DataFrame | pd.Series:
    try:
        import narwhals as nw
    except ImportError as error:
        raise InvalidTypeError(
            f"To read a {type(values).__name__} needs narwhals, which is not installed; pip "
            "install 'vifstats[frames]', or pass pandas objects."
        ) from error
    try:
        native = nw.from_native(values, eager_only=True, allow_series=True, pass_through=True)
        if native is values:  # such as one batch of records
            native = nw.from_arrow(values, backend="pyarrow")
        if isinstance(native, nw.Series):
            return pd.Series(native.to_numpy(), name=native.name or None)
        columns = {name: native[name].to_numpy() for name in native.columns}
    except nw.exceptions.DuplicateError as error:
        raise InvalidInputError(
            f"A table must have one name per column; rename or drop columns ({error})."
        ) from error
    return pd.DataFrame(columns, copy=False)
