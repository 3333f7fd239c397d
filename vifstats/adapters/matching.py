"""Whether data and settings are those that the model was fitted with."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.arrays import at, numbers
from vifstats.errors import (
    DataMismatchError,
    InvalidInputError,
    InvalidTypeError,
    UnsupportedModelError,
)

__all__ = [
    "columns_by_name",
    "named_column",
    "own_ties",
    "refuse",
    "require_fitted",
    "require_same_rows",
    "rows_beside",
]


def columns_by_name(X: Any, names: Sequence[str]) -> Any:
    """The columns of X with the names of the parameters, in their order.

    `X` (n, p): without names, its columns are taken to be in the order of the parameters. Returns
    (n, n_params). Raises DataMismatchError if a column is missing, or an array has another number
    of columns.
    """
    if isinstance(X, pd.Series):
        X = X.to_frame()
    if not isinstance(X, pd.DataFrame):
        array = numbers(X, "`X`")
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != len(names):
            raise DataMismatchError(
                f"`X` must have one column per parameter, {list(names)}, but has shape "
                f"{array.shape}; pass the columns that were fitted, in this order."
            )
        return pd.DataFrame(array, columns=list(names))
    require_columns(X, names)
    return X[list(names)]


def rows_beside(X: Any, *values: Any) -> tuple[Any, ...]:
    """Values of each row, without their labels if X has none that they could be compared with.

    For a design of `columns_by_name`, which numbers the rows of an array.
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        return values
    return tuple(v.to_numpy() if isinstance(v, pd.DataFrame | pd.Series) else v for v in values)


def require_columns(frame: pd.DataFrame, names: Sequence[Hashable]) -> None:
    """A frame has each of these columns once."""
    if missing := [name for name in names if name not in frame.columns]:
        raise DataMismatchError(
            f"The data must have the columns that were fitted, but lack {missing} (they have "
            f"{list(frame.columns)}); pass the columns by the names of the fit."
        )
    if twice := [name for name in names if (frame.columns == name).sum() > 1]:
        raise InvalidInputError(
            f"The data must have one column of each name, but have {twice} more than once; "
            "rename or drop them."
        )


def named_column(given: Any, X: Any, name: Any, keyword: str) -> Any:
    """What the user gave, else the column of X by the name that the fit used for it.

    `name`: the fit's own column, or a list of them; None if it used none; `keyword`: the keyword by
    which a user may give it. Raises DataMismatchError if the fit used a column that is neither
    given nor in X, or one of another name.
    """
    if name is None:
        return given
    # lifelines keeps several columns of strata as a list; any other name is that of one column
    names = name if isinstance(name, list) else [name]
    if given is None:
        if not isinstance(X, pd.DataFrame) or not set(names) <= set(X.columns):
            raise DataMismatchError(
                f"The model was fitted with {keyword} from {names}, but the data have no such "
                f"column; pass {keyword}=, or a DataFrame that has it."
            )
        require_columns(X, names)
        return X[names[0]] if len(names) == 1 else X[names]
    found = _names(given)
    if found is not None and found != names:
        raise DataMismatchError(
            f"The model was fitted with {keyword} from {names}, but `{keyword}` is {found}; pass "
            "the same column, or to_numpy() if it was renamed."
        )
    return given


def require_same_rows(fitted: Mapping[str, Any], given: Mapping[str, Any], labels: Any) -> None:
    """The rows given are those of the fit, in whatever order the fit keeps them.

    `fitted`, `given` (n,): the same keys, such as "T" and "E", in the fit's order and in the
    user's; `labels` (n,): the user's labels, for the error. Raises DataMismatchError with the
    number of rows, or the columns that differ and a row that was not fitted.
    """
    old = np.column_stack([np.asarray(fitted[key], dtype=float) for key in given])
    new = np.column_stack([np.asarray(values, dtype=float) for values in given.values()])
    if len(old) != len(new):
        raise DataMismatchError(
            f"The data must be the rows the model was fitted on, but it was fitted on {len(old)} "
            f"rows and these are {len(new)}; pass the same rows, or refit."
        )
    if np.array_equal(old[_sorting(old)], new[_sorting(new)]):
        return
    differing = [f"`{key}`" for k, key in enumerate(given) if _differ(old[:, k], new[:, k])]
    strangers = Counter(map(tuple, new.tolist())) - Counter(map(tuple, old.tolist()))
    row = next(k for k, values in enumerate(new.tolist()) if tuple(values) in strangers)
    found = ", ".join(f"{key} = {value:g}" for key, value in zip(given, new[row], strict=True))
    raise DataMismatchError(
        "The data must be the rows the model was fitted on, but "
        f"{' and '.join(differing) or 'the pairing of ' + ', '.join(given)} differ: "
        f"{strangers.total()} rows were not fitted, the first is {at([row], labels)} ({found}); "
        "pass the same data, or refit."
    )


def own_ties(ties: str | None, own: str, model: str) -> str:
    """The fit's treatment of ties, which a user may repeat but not change."""
    if ties is not None and ties != own:
        raise InvalidInputError(
            f"`ties` must be that of the fit, and {model} used {own!r}, but it is {ties!r}; leave "
            "it out, or refit."
        )
    return own


def refuse(reason: str, **given: Any) -> None:
    """No argument that the fit decides, or does not know, is silently ignored.

    `reason`: why these arguments cannot be given; **given: arguments by name; None means not given.
    """
    if named := [f"`{name}`" for name, value in given.items() if value is not None]:
        verb, them = ("is", "it") if len(named) == 1 else ("are", "them")
        raise InvalidInputError(f"{reason}, but {', '.join(named)} {verb} given; leave {them} out.")


def require_fitted(fit: Any, attribute: str) -> None:
    """Raise unless the model has been fitted, which gives it this attribute."""
    if not hasattr(fit, attribute):
        raise UnsupportedModelError(
            f"The model must be fitted, but this {type(fit).__name__} is not; call its fit first."
        )


def require_frame(X: Any, why: str) -> pd.DataFrame:
    """A DataFrame, where names are needed."""
    if not isinstance(X, pd.DataFrame):
        raise InvalidTypeError(f"{why}, but the data are a {type(X).__name__}.")
    return X


def _names(values: Any) -> list | None:
    if isinstance(values, pd.Series):
        return None if values.name is None else [values.name]
    return list(values.columns) if isinstance(values, pd.DataFrame) else None


def _sorting(rows: np.ndarray) -> np.ndarray:
    return np.lexsort(rows.T)


def _differ(a: np.ndarray, b: np.ndarray) -> bool:
    return not np.array_equal(np.sort(a), np.sort(b))
