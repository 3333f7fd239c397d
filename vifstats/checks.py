"""The one gate for user input: shapes, finiteness, names and alignment.

Each function returns plain arrays or raises an error that says the rule, the finding and the
remedy. Behind this gate nothing is checked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError, InvalidTypeError, LossError

__all__ = ["SurvivalInput", "survival"]


@dataclass(frozen=True, eq=False)
class SurvivalInput:
    """Checked survival data, one entry per row, in the user's order.

    Attributes
    ----------
    X : ndarray, shape (n, p)
    names : tuple of str
    labels : Index
    time, entry, weights, offset : ndarray, shape (n,)
        entry is -inf, weights 1 and offset 0 where the user gave none.
    event : ndarray of bool, shape (n,)
    strata : ndarray of int, shape (n,)
        Codes 0, 1, ... in order of first appearance.
    """

    X: np.ndarray
    names: tuple[str, ...]
    labels: pd.Index
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    weights: np.ndarray
    strata: np.ndarray
    offset: np.ndarray


def survival(
    X: Any,
    T: Any,
    E: Any = None,
    *,
    entry: Any = None,
    weights: Any = None,
    strata: Any = None,
    offset: Any = None,
) -> SurvivalInput:
    """Check survival data: everything finite, one length, the same labels in the same order.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
    T : array_like, shape (n,)
        Times, or a structured array of (event, time) as in scikit-survival; E stays None then.
    E : array_like of 0/1 or bool, shape (n,), optional
        None: every row is an event.
    entry, weights, offset : array_like, shape (n,), optional
    strata : array_like, shape (n,) or (n, k), optional

    Raises
    ------
    InvalidInputError, InvalidTypeError
    """
    T, E = _split_structured(T, E)
    matrix, names, labels = design_matrix(X)
    n = len(matrix)
    time = _aligned_vector(T, "T", n, labels, X)
    raw_event = np.ones(n) if E is None else _aligned_vector(E, "E", n, labels, X)
    event = _event(raw_event, time)
    first = _at(np.flatnonzero(time < 0), labels)
    if entry is None:
        entered = np.full(n, -np.inf)
        if first:
            raise InvalidInputError(
                f"`T` must be >= 0, but {first} is {time[time < 0][0]:g}; drop or fix it."
            )
    else:
        entered = _entry(_aligned_vector(entry, "entry", n, labels, X, minus_infinity=True), time)
    if not event.any():
        raise InvalidInputError(
            "A Cox model needs at least one event, but `E` is 0 in every row; check its coding."
        )
    return SurvivalInput(
        X=matrix,
        names=names,
        labels=labels,
        time=time,
        event=event,
        entry=entered,
        weights=np.ones(n) if weights is None else case_weights(weights, n, labels, X),
        strata=np.zeros(n, dtype=np.intp) if strata is None else strata_codes(strata, n, labels, X),
        offset=np.zeros(n) if offset is None else _aligned_vector(offset, "offset", n, labels, X),
    )


def design_matrix(X: Any, name: str = "X") -> tuple[np.ndarray, tuple[str, ...], pd.Index]:
    """A finite float matrix with its column names and row labels."""
    if isinstance(X, pd.Series):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame):
        matrix, names, labels = _numeric_frame(X, name), tuple(map(str, X.columns)), X.index
    else:
        matrix = _numbers(X, name)
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        if matrix.ndim != 2:
            raise InvalidInputError(
                f"`{name}` must have two dimensions, but has shape {matrix.shape}."
            )
        names = tuple(f"x{k}" for k in range(matrix.shape[1]))
        labels = pd.RangeIndex(len(matrix))
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidInputError(
            f"`{name}` must be finite, but column {names[column]!r} is {matrix[row, column]} in "
            f"{_at([row], labels)} ({bad.any(axis=1).sum()} such rows); drop or impute them."
        )
    return np.ascontiguousarray(matrix), names, labels


def case_weights(weights: Any, n: int, labels: pd.Index, X: Any = None) -> np.ndarray:
    """Positive finite weights; a weight of 0 would mean an absent row."""
    values = _aligned_vector(weights, "weights", n, labels, X)
    if len(bad := np.flatnonzero(values <= 0)):
        raise InvalidInputError(
            f"`weights` must be positive, but {_at(bad, labels)} has {values[bad[0]]:g}; drop "
            "rows of weight 0, they are absent."
        )
    return values


def strata_codes(strata: Any, n: int, labels: pd.Index, X: Any = None) -> np.ndarray:
    """Integer codes in order of first appearance, of one column or of several together."""
    frame = pd.DataFrame(strata) if not isinstance(strata, pd.Series) else strata.to_frame()
    _require_length(len(frame), n, "strata")
    _require_alignment(strata, "strata", labels, X)
    if frame.isna().any(axis=None):
        row = int(np.flatnonzero(frame.isna().any(axis=1))[0])
        raise InvalidInputError(f"`strata` must not be missing, but is in {_at([row], labels)}.")
    columns = list(frame)
    return frame.groupby(columns, sort=False, observed=True).ngroup().to_numpy(dtype=np.intp)


def group_labels(groups: Any, labels: pd.Index) -> np.ndarray:
    """One label per row of the data, none missing, aligned with the rows."""
    values = np.asarray(groups)
    if values.ndim != 1:
        raise InvalidInputError(f"`groups` must have one dimension, but has shape {values.shape}.")
    _require_length(len(values), len(labels), "groups")
    if isinstance(groups, pd.Series) and not groups.index.equals(labels):
        if not isinstance(labels, pd.RangeIndex) and not isinstance(groups.index, pd.RangeIndex):
            raise InvalidInputError(
                "`groups` must have the labels of the data in the same order, but its index "
                f"starts {list(groups.index[:3])} against {list(labels[:3])}; reindex it."
            )
    if len(missing := np.flatnonzero(pd.isna(values))):
        raise InvalidInputError(
            f"`groups` must not be missing, but is in {_at(missing, labels)}; give such rows a "
            "label of their own."
        )
    return values


def parameters(theta: Any, n_params: int | None) -> np.ndarray:
    """A finite float vector of the right length."""
    values = np.atleast_1d(_numbers(theta, "theta"))
    if values.ndim != 1 or (n_params is not None and len(values) != n_params):
        expected = "one dimension" if n_params is None else f"shape ({n_params},)"
        raise InvalidInputError(f"`theta` must have {expected}, but has shape {values.shape}.")
    if not np.isfinite(values).all():
        raise InvalidInputError(f"`theta` must be finite, but is {values}; did the fit converge?")
    return values


def parameter_names(
    names: Sequence[str] | None, loss_names: Sequence[str] | None, theta: Any, n_params: int
) -> tuple[str, ...]:
    """The names given, else the loss's, else the index of a Series, else theta0, theta1, ..."""
    if names is None and loss_names is not None:
        names = loss_names
    if names is None and isinstance(theta, pd.Series):
        names = [str(name) for name in theta.index]
    if names is None:
        return tuple(f"theta{k}" for k in range(n_params))
    if len(names) != n_params:
        raise InvalidInputError(
            f"`names` must have one entry per parameter, {n_params}, but has {len(names)}."
        )
    return tuple(map(str, names))


def label_count(labels: pd.Index, kept: np.ndarray, n_objects: int) -> None:
    """One label per row, and one row per object."""
    if len(kept) != n_objects or (n_objects and kept.max() >= len(labels)):
        raise InvalidInputError(
            f"`labels` must have one entry per object, {n_objects}, but has {len(labels)}."
        )
    if len(labels) != n_objects and len(np.unique(kept)) == len(labels):
        raise InvalidInputError(
            f"`labels` must have one entry per object, {n_objects}, but has {len(labels)}."
        )


def positive_number(value: Any, name: str) -> float:
    """A finite number above 0."""
    number = float(value)
    if not (np.isfinite(number) and number > 0):
        raise InvalidInputError(f"`{name}` must be positive and finite, but is {value!r}.")
    return number


def penalty_matrix(penalty: Any, n_params: int) -> np.ndarray | None:
    """A scalar, a diagonal or a matrix as P of 0.5 theta' P theta."""
    if penalty is None:
        return None
    P = _numbers(penalty, "penalty")
    if P.ndim <= 1:
        P = np.diag(np.broadcast_to(P, (n_params,)))
    if P.shape != (n_params, n_params):
        raise InvalidInputError(
            f"`penalty` must be a scalar or have shape ({n_params},) or ({n_params}, {n_params}), "
            f"but has shape {P.shape}."
        )
    if not np.isfinite(P).all() or not np.allclose(P, P.T):
        raise InvalidInputError("`penalty` must be finite and, as a matrix, symmetric.")
    if np.linalg.eigvalsh(P)[0] < -1e-10 * np.abs(P).max(initial=0.0):
        raise InvalidInputError("`penalty` must be positive semi-definite, but has an eigenvalue < 0.")
    return P


def usable_loss(loss: Any, theta: np.ndarray) -> None:
    """The loss returns one finite number on the full data."""
    value = np.asarray(loss.value(theta, np.ones(loss.n_objects)))
    if value.shape not in ((), (1,)):
        raise LossError(
            f"A loss must return one number, but it returned shape {value.shape}; sum over rows, "
            "or use MEstimator for one value per row."
        )
    if not np.isfinite(value).all():
        raise LossError(
            f"A loss must be finite at theta, but it is {float(value.ravel()[0])}; 0 * log(0) and "
            "exp of large numbers are the usual causes."
        )


def profiles(x: Any, profile: Any, names: tuple[str, ...]) -> np.ndarray:
    """Profiles as design rows, shape (m, n_params): from raw columns, by name, or as they are."""
    if isinstance(x, dict):
        x = pd.DataFrame({key: np.atleast_1d(value) for key, value in x.items()})
    if isinstance(x, pd.Series):
        x = x.to_frame().T.infer_objects()
    if isinstance(x, pd.DataFrame):
        if profile is not None:
            return np.atleast_2d(np.asarray(profile(x), dtype=float))
        if missing := [name for name in names if name not in x.columns]:
            raise InvalidInputError(
                f"A profile needs the columns {list(names)}, but lacks {missing}."
            )
        return _numeric_frame(x[list(names)], "x")
    rows = np.atleast_2d(_numbers(x, "x"))
    if rows.shape[1] != len(names):
        raise InvalidInputError(
            f"A profile needs {len(names)} values, {list(names)}, but has {rows.shape[1]}."
        )
    return rows


def _split_structured(T: Any, E: Any) -> tuple[Any, Any]:
    dtype = getattr(T, "dtype", None)
    if getattr(dtype, "names", None) is None:
        return T, E
    if E is not None:
        raise InvalidInputError("`E` must be None when `T` is a structured array of both.")
    booleans = [name for name in dtype.names if dtype[name] == bool]
    if len(dtype.names) != 2 or len(booleans) != 1:
        raise InvalidInputError(
            f"A structured `T` needs one boolean and one numeric field, but has {dtype}."
        )
    (event,) = booleans
    (time,) = set(dtype.names) - {event}
    return T[time], T[event]


def _event(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    found = np.unique(values)
    if np.isin(found, [0, 1]).all():
        return values.astype(bool)
    if np.isin(np.unique(time), [0, 1]).all():
        raise InvalidInputError(
            "`T` holds only 0 and 1 and `E` does not: they look swapped; the order is (X, T, E)."
        )
    if np.isin(found, [1, 2]).all():
        raise InvalidInputError("`E` must be 0 or 1, but is coded 1/2; pass E - 1 (or E == 2).")
    raise InvalidInputError(
        f"`E` must be 0 (censored) or 1 (event), but has values {found[:5].tolist()}; pass a "
        "comparison such as E == code_of_event."
    )


def _entry(entry: np.ndarray, time: np.ndarray) -> np.ndarray:
    if len(bad := np.flatnonzero(entry >= time)):
        raise InvalidInputError(
            f"`entry` must be before `T`, but row {bad[0]} enters at {entry[bad[0]]:g} and leaves "
            f"at {time[bad[0]]:g} ({len(bad)} such rows); such a row is never at risk: drop it."
        )
    return entry


def _aligned_vector(
    values: Any, name: str, n: int, labels: pd.Index, X: Any, minus_infinity: bool = False
) -> np.ndarray:
    vector = _numbers(values, name)
    if vector.ndim == 2 and 1 in vector.shape:
        vector = vector.ravel()
    if vector.ndim != 1:
        raise InvalidInputError(f"`{name}` must have one dimension, but has shape {vector.shape}.")
    _require_length(len(vector), n, name)
    _require_alignment(values, name, labels, X)
    allowed = np.isfinite(vector) | (np.isneginf(vector) if minus_infinity else False)
    if len(bad := np.flatnonzero(~allowed)):
        raise InvalidInputError(
            f"`{name}` must be finite, but {_at(bad, labels)} is {vector[bad[0]]} "
            f"({len(bad)} such rows); drop or fix them."
        )
    return vector


def _require_length(found: int, n: int, name: str) -> None:
    if found != n:
        raise InvalidInputError(
            f"Found input variables with inconsistent numbers of samples: X has {n} rows, "
            f"`{name}` has {found}."
        )


def _require_alignment(values: Any, name: str, labels: pd.Index, X: Any) -> None:
    """Two pandas objects must agree on their labels: positions alone would mix up patients."""
    if not isinstance(values, pd.Series | pd.DataFrame):
        return
    if not isinstance(X, pd.Series | pd.DataFrame) or values.index.equals(labels):
        return
    raise InvalidInputError(
        f"`{name}` must have the labels of `X` in the same order, but they start "
        f"{list(values.index[:3])} against {list(labels[:3])}; use {name}.loc[X.index], or "
        "to_numpy() if the order is right."
    )


def _numeric_frame(frame: pd.DataFrame, name: str) -> np.ndarray:
    columns = []
    for column in frame:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        try:
            columns.append(values.to_numpy(dtype=float, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"`{name}` must be numeric, but column {column!r} has dtype {values.dtype}; "
                "encode it, for example with pandas.get_dummies(..., drop_first=True)."
            ) from error
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def _numbers(values: Any, name: str) -> np.ndarray:
    try:
        if isinstance(values, pd.Series):
            return values.to_numpy(dtype=float, na_value=np.nan)
        return np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"`{name}` must be numeric, but is {type(values).__name__} that does not convert to "
            f"float ({error})."
        ) from error


def _at(rows: Any, labels: pd.Index) -> str:
    """How an error names the first of some rows; empty for none."""
    if not len(rows):
        return ""
    row = int(rows[0])
    label = labels[row]
    return f"row {row}" if label == row else f"row {row} (label {label!r})"
