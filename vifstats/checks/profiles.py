"""Profiles of covariates as design rows."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.arrays import frame_numbers, numbers
from vifstats.checks.frames import as_pandas
from vifstats.errors import (
    InvalidInputError,
)

__all__ = ["profiles"]


def profiles(x: Any, profile: Any, names: tuple[str, ...]) -> np.ndarray:
    """Profiles as design rows: made from raw columns, matched by name, or taken as they are.

    `x` (n_params,) or (m, n_params); `profile`: turns a DataFrame of raw columns into design rows;
    `names`: parameter names, the columns looked for without ``profile``. Returns (m, n_params).
    """
    if x is None:
        raise InvalidInputError(
            f"A profile needs {len(names)} values, {list(names)}, but `x` is None, which is for "
            "curves without a model; pass the covariates."
        )
    x = as_pandas(x)
    if isinstance(x, dict):
        if profile is None and (unknown := [key for key in x if key not in names]):
            raise InvalidInputError(
                f"A profile has the columns {list(names)}, not {unknown}; drop these."
            )
        x = pd.DataFrame(_columns(x))
    if isinstance(x, pd.Series):
        x = x.to_frame().T.infer_objects()
    if isinstance(x, pd.DataFrame):
        if profile is not None:
            return _finite_profiles(_transformed(x, profile), len(x), names)
        if missing := [name for name in names if name not in x.columns]:
            raise InvalidInputError(
                f"A profile needs the columns {list(names)}, but lacks {missing}; add them."
            )
        if twice := [name for name in names if (x.columns == name).sum() > 1]:
            raise InvalidInputError(
                f"A profile must have each column once, but has {twice} more often; drop the rest."
            )
        return _finite_profiles(frame_numbers(x[list(names)], "x"), len(x), names)
    rows = np.atleast_2d(numbers(x, "`x`"))
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise InvalidInputError(
            f"A profile needs {len(names)} values, {list(names)}, but `x` has shape "
            f"{rows.shape}; pass a dict of them."
        )
    return _finite_profiles(rows, len(rows), names)


def _columns(x: dict[str, Any]) -> dict[str, np.ndarray]:
    """The columns of profiles that are given as a dict; all must have the same length."""
    columns = {key: np.atleast_1d(value) for key, value in x.items()}
    shapes = {key: column.shape for key, column in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) > 1 for shape in shapes.values()):
        raise InvalidInputError(
            "A profile must have one value in each column, or several profiles as many in each, "
            f"but the columns have shapes {shapes}; repeat what they share."
        )
    return columns


def _transformed(x: pd.DataFrame, profile: Callable[[Any], Any]) -> np.ndarray:
    """Design rows of raw columns; a level that the fit has not seen is an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = np.atleast_2d(np.asarray(profile(x), dtype=float))
    for warning in caught:
        # formulaic would take an unknown level for the reference level
        if warning.category.__name__ == "DataMismatchWarning":
            raise InvalidInputError(
                f"A profile must have levels that were fitted, but: {warning.message}"
            )
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return rows


def _finite_profiles(rows: np.ndarray, n: int, names: tuple[str, ...]) -> np.ndarray:
    """Design rows without missing values; a formula would drop or blank rows that have some."""
    if rows.shape != (n, len(names)) or not np.isfinite(rows).all():
        raise InvalidInputError(
            f"A profile must be finite in every column, but {n} of them became design rows "
            f"{rows.tolist()} for {list(names)}; fill in what is missing."
        )
    return rows
