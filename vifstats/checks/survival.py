"""The gate for survival data: times, events, entries, weights and strata of the same rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.arrays import (
    at,
    design_matrix,
    require_labels,
    require_length,
    row_vector,
    such_rows,
)
from vifstats.checks.frames import as_pandas
from vifstats.checks.scalars import whole_number
from vifstats.errors import InvalidInputError

__all__ = [
    "CurveInput",
    "SurvivalInput",
    "case_weights",
    "causes",
    "curves",
    "observed_cause",
    "strata_codes",
    "survival",
]

# A column with more levels than this does not hold causes.
MANY_CAUSES = 50


@dataclass(frozen=True, eq=False)
class SurvivalInput:
    """Checked survival data, one entry per row, in the user's order."""

    X: np.ndarray  # (n, p)
    names: tuple[str, ...]
    labels: pd.Index
    # time, entry, weights, offset (n,): entry is -inf, weights 1 and offset 0 where the user gave
    # none, one number with the shape of n
    time: np.ndarray
    event: np.ndarray  # bool (n,)
    entry: np.ndarray
    weights: np.ndarray
    # int (n,): codes 0, 1, ... in order of first appearance; as these
    strata: np.ndarray
    offset: np.ndarray
    # The user's name of each stratum, a tuple where several columns make it; a single None if there
    # are no strata
    stratum_names: tuple = (None,)


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

    `X` (n, p); `T` (n,): times, or a structured array of (event, time) as in scikit-survival; E
    stays None then; `E` (n,): None: every row is an event; `entry`, `weights` (n,); `strata` (n,)
    or (n, k); `offset` (n,).
    """
    T, E = _split_structured(T, E)
    matrix, names, labels = design_matrix(X)
    n = len(matrix)
    rows = (n, labels, X)
    time = row_vector(T, "T", *rows)
    event = np.ones(n, dtype=bool) if E is None else events(row_vector(E, "E", *rows), time)
    require_events(bool(event.any()))
    if entry is None:
        require_no_negative(time, labels)
        entered = np.broadcast_to(-np.inf, n)
    else:
        entered = row_vector(entry, "entry", *rows, minus_infinity=True)
        _require_before(entered, time, labels)
    return SurvivalInput(
        X=matrix,
        names=names,
        labels=labels,
        time=time,
        event=event,
        entry=entered,
        weights=np.broadcast_to(1.0, n) if weights is None else case_weights(weights, *rows),
        strata=np.broadcast_to(np.intp(0), n) if strata is None else strata_codes(strata, *rows),
        offset=np.broadcast_to(0.0, n) if offset is None else row_vector(offset, "offset", *rows),
        stratum_names=(None,) if strata is None else _stratum_names(strata),
    )


def case_weights(weights: Any, n: int, labels: pd.Index, X: Any = None) -> np.ndarray:
    """Positive finite weights; a weight of 0 would mean an absent row.

    `weights` (n,); `labels` (n,); `X`: as in `row_vector`. Returns (n,).
    """
    values = row_vector(weights, "weights", n, labels, X)
    if len(bad := np.flatnonzero(values <= 0)):
        remedy = "drop rows of weight 0, they are absent"
        if values[bad].min() < 0:
            remedy = "check how the weights were computed, and correct the negative ones"
        raise InvalidInputError(
            f"`weights` must be positive, but {at(bad, labels)} has {values[bad[0]]:g} "
            f"({such_rows(len(bad))}); {remedy}."
        )
    return values


def causes(values: Any, n: int, labels: pd.Index, X: Any = None) -> np.ndarray:
    """How each row ended: 0 if censored, else 1, 2, ... for the cause of the event.

    `values` (n,); `labels` (n,); `X`: as in `row_vector`. Returns int (n,).
    """
    codes = row_vector(values, "cause", n, labels, X)
    found = np.unique(codes)
    if (codes != np.floor(codes)).any() or (codes < 0).any() or len(found) > MANY_CAUSES:
        raise InvalidInputError(
            "`cause` must be whole numbers, 0 for censored and 1, 2, ... for the cause of the "
            f"event, but holds {found[:5].tolist()}; recode it."
        )
    if not (codes > 0).any():
        raise InvalidInputError(
            "Some cause must be observed, but all of `cause` are 0; 0 means censored."
        )
    return codes.astype(int)


def observed_cause(of: Any, codes: np.ndarray) -> int:
    """One of the causes that `causes` found."""
    found = np.unique(codes[codes > 0]).tolist()
    if whole_number(of, "of") not in found:
        raise InvalidInputError(
            f"`of` must be one of the causes observed, {found}, but is {of}; name one of them."
        )
    return int(of)


def strata_codes(
    strata: Any, n: int, labels: pd.Index, X: Any = None, name: str = "strata"
) -> np.ndarray:
    """Integer codes in order of first appearance, of one column or of several together.

    `strata` (n,) or (n, k); `labels` (n,); `X`: as in `row_vector`; `name`: of the argument.
    Returns int (n,).
    """
    if np.ndim(strata) not in (1, 2):
        raise InvalidInputError(
            f"`{name}` must have one value per row, or one per row and column, but is {strata!r}; "
            "pass the column itself."
        )
    frame = pd.DataFrame(as_pandas(strata))
    require_length(len(frame), n, name)
    if isinstance(X, pd.Series | pd.DataFrame):
        require_labels(strata, name, labels, X)
    missing = frame.isna().any(axis=1).to_numpy()
    if missing.any():
        raise InvalidInputError(
            f"`{name}` must not be missing, but is in {at(np.flatnonzero(missing), labels)}; give "
            "such rows a label of their own or drop them."
        )
    by = [column for _, column in frame.items()]
    return frame.groupby(by, sort=False, observed=True).ngroup().to_numpy(dtype=np.intp)


def _stratum_names(strata: Any) -> tuple:
    """The values of each stratum, in order of first appearance."""
    found = pd.DataFrame(as_pandas(strata)).drop_duplicates()
    if found.shape[1] == 1:
        return tuple(found.iloc[:, 0])
    return tuple(found.itertuples(index=False, name=None))


def _split_structured(T: Any, E: Any) -> tuple[Any, Any]:
    if T is None:
        raise InvalidInputError(
            "`T`, the times, must be given, but is None; pass one for each row."
        )
    if not isinstance(T, np.ndarray) or T.dtype.names is None:
        return T, E
    if E is not None:
        raise InvalidInputError("`E` must be None when `T` is a structured array of both.")
    booleans = [name for name in T.dtype.names if T.dtype[name].kind == "b"]
    if len(T.dtype.names) != 2 or len(booleans) != 1:
        raise InvalidInputError(
            f"A structured `T` needs one boolean and one numeric field, but has {T.dtype}."
        )
    (event,) = booleans
    (time,) = set(T.dtype.names) - {event}
    return T[time], T[event]


def require_events(some: bool) -> None:
    """There must be an event; otherwise there is no partial likelihood."""
    if not some:
        raise InvalidInputError(
            "A Cox model needs at least one event, but `E` is 0 in every row; check its coding."
        )


def events(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Whether each row is an event, from numbers 0 and 1; shape (n,), bool."""
    if ((values == 0) | (values == 1)).all():
        return values.astype(bool)
    found = np.unique(values)
    if np.isin(np.unique(time), [0, 1]).all():
        raise InvalidInputError(
            "`T` must hold times and `E` 0 or 1, but `T` holds only 0 and 1 and `E` does not: they "
            "look swapped; the order is (X, T, E)."
        )
    if np.isin(found, [1, 2]).all():
        raise InvalidInputError("`E` must be 0 or 1, but is coded 1/2; pass E - 1 (or E == 2).")
    raise InvalidInputError(
        f"`E` must be 0 (censored) or 1 (event), but has values {found[:5].tolist()}; pass a "
        "comparison such as E == code_of_event."
    )


def require_no_negative(time: np.ndarray, labels: pd.Index) -> None:
    """Times of at least 0."""
    if len(bad := np.flatnonzero(time < 0)):
        raise InvalidInputError(
            f"`T` must be >= 0, but {at(bad, labels)} is {time[bad[0]]:g} ({such_rows(len(bad))}); "
            "drop or fix them."
        )


def _require_before(entry: np.ndarray, time: np.ndarray, labels: pd.Index) -> None:
    if len(bad := np.flatnonzero(entry >= time)):
        raise InvalidInputError(
            f"`entry` must be before `T`, but {at(bad, labels)} enters at {entry[bad[0]]:g} and "
            f"leaves at {time[bad[0]]:g} ({such_rows(len(bad))}); such a row is never at risk: "
            "drop it."
        )


@dataclass(frozen=True, eq=False)
class CurveInput:
    """Checked data of curves without a model, one entry per row, in the user's order."""

    labels: pd.Index
    # time, entry, weights (n,): entry is -inf and weights 1 where the user gave none
    time: np.ndarray
    # int (n,): 0 censored, else the cause of the event
    cause: np.ndarray
    entry: np.ndarray
    weights: np.ndarray
    # int (n,): the arm of each row, and the user's names of arms; a single None if there are none
    arms: np.ndarray
    arm_names: tuple


def curves(
    T: Any, E: Any = None, *, groups: Any = None, entry: Any = None, weights: Any = None
) -> CurveInput:
    """Check the data of curves: as `survival`, but without covariates, and events are not required.

    `T`, `E` (n,): as in `survival`, E also 0, 1, 2, ... for censored and causes of events;
    `groups`, `entry`, `weights` (n,). Returns a `CurveInput`.
    """
    T, E = _split_structured(as_pandas(T), E)
    labels = T.index if isinstance(T, pd.Series) else pd.RangeIndex(len(np.atleast_1d(T)))
    if not len(labels):
        raise InvalidInputError("`T` must have at least one row, but has none; pass some.")
    rows = (len(labels), labels, T)
    time = row_vector(T, "T", *rows)
    cause = np.ones(len(time), dtype=int) if E is None else _causes(row_vector(E, "E", *rows), time)
    entered = np.full(len(time), -np.inf)
    if entry is None:
        require_no_negative(time, labels)
    else:
        entered = row_vector(entry, "entry", *rows, minus_infinity=True)
        _require_before(entered, time, labels)
    return CurveInput(
        labels=labels,
        time=time,
        cause=cause,
        entry=entered,
        weights=np.ones(len(time)) if weights is None else case_weights(weights, *rows),
        arms=np.zeros(len(time), dtype=np.intp)
        if groups is None
        else strata_codes(groups, *rows, name="groups"),
        arm_names=(None,) if groups is None else _stratum_names(groups),
    )


def _causes(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The cause of each event, 0 for censored, from whole numbers; shape (n,), int."""
    whole = (values == np.floor(values)) & (values >= 0)
    if whole.all() and (values == 0).any() and (values > 1).any():
        return values.astype(int)
    return events(values, time).astype(int)
