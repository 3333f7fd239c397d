"""The rule that nothing which belongs to an absent object is read."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import LossError
from vifstats.losses.base import Loss
from vifstats.losses.functions import FunctionLoss
from vifstats.losses.m_estimator import MEstimator
from vifstats.losses.testing.object_arrays import arrays_of, rewritten
from vifstats.losses.testing.trial import Trial, some

__all__ = ["is_not_read"]

# An absent object contributes an exact 0; what is left are shifts that cancel but for rounding.
ROUNDING = 1e-10


def is_not_read(trial: Trial) -> str:
    """The data of absent objects change nothing."""
    if trial.rebuild is not None:
        return _equals_rebuilt(trial, trial.rebuild)
    n, removable = trial.loss.n_objects, trial.removable
    arrays = {
        name: array for name, array in arrays_of(trial.loss).items() if np.shape(array)[:1] == (n,)
    }
    aligned = [
        _row_is_silent(trial, name, array, k) for name, array in arrays.items() for k in removable
    ]
    if not aligned:
        return "no array with one row per object was found: pass rebuild= to check this"
    names = ", ".join(arrays)
    if all(aligned) and (finding := _equals_its_own_rows(trial)):
        return f"rows of {names}: {finding}"
    return f"rows of {names} are silent once an object is absent"


def _row_is_silent(trial: Trial, name: str, array: Any, k: int) -> bool:
    """Whether row k is object k's; an error where it is a number that no removal silences."""
    n = trial.loss.n_objects
    other = trial.removable[(trial.removable.index(k) + 1) % len(trial.removable)]
    rows = np.where(np.arange(n) == k, other, np.arange(n))

    def swap(its_name: str, its_array: Any) -> Any:
        return _take(its_array, rows) if its_name == name else its_array

    swapped = rewritten(trial.loss, swap)

    def silent(absent: np.ndarray) -> bool:
        b = np.where(np.isin(np.arange(n), absent), 0.0, 1.0)
        if not trial.defined(b):
            return True
        before, after = trial.value(b), float(trial.number(swapped, trial.theta, b))
        return abs(after - before) <= ROUNDING * (1 + abs(before))

    if silent(np.array([k])):
        return True
    # Positions that a loss sorted by are not data; its sorted data are another object's.
    if np.asarray(array).dtype.kind != "f" or _some_object_silences(silent, np.arange(n)):
        return False
    if n == len(trial.theta) and not silent(np.arange(n)):
        return False  # one row per parameter: the penalty's
    raise LossError(
        f"The data of an absent object must not be read, but row {k} of `{name}` changes the "
        "value whichever one object is absent; let b[j] multiply what object j contributes "
        "everywhere: in denominators, risk sets and means too. If these rows belong to no "
        "object, pass skip=['absent data']."
    )


def _some_object_silences(silent: Callable[[np.ndarray], bool], objects: np.ndarray) -> bool:
    """Whether the absence of one of these objects will do: halve while all of them do."""
    if not silent(objects):
        return False
    if len(objects) == 1:
        return True
    middle = len(objects) // 2
    return any(_some_object_silences(silent, half) for half in np.split(objects, [middle]))


def _equals_its_own_rows(trial: Trial) -> str:
    """Rebuild a plain function from rows of its arrays, where that can be done."""
    loss = trial.loss
    plain = type(loss) in (FunctionLoss, MEstimator) and loss.n_objects >= 4
    if not plain or any(_is_positions(array, loss) for array in arrays_of(loss).values()):
        return ""

    def rebuild(kept: np.ndarray) -> Loss:
        def take(name: str, array: Any) -> Any:
            return _take(array, kept) if np.shape(array)[:1] == (loss.n_objects,) else array

        smaller = rewritten(loss, take)
        smaller.n_objects = len(kept)
        return smaller

    try:
        return _equals_rebuilt(trial, rebuild)
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, LossError):
            raise
        return ""  # it knows its size by other means than its arrays


def _is_positions(array: Any, loss: Loss) -> bool:
    """Integers that are not one per object may be positions of objects."""
    return np.asarray(array).dtype.kind in "iu" and np.shape(array)[:1] != (loss.n_objects,)


def _take(array: Any, rows: np.ndarray) -> Any:
    """Rows of an array; rows and columns where it has one of each per object."""
    if isinstance(array, pd.DataFrame | pd.Series):
        return array.iloc[rows].set_axis(array.index[: len(rows)], axis=0)
    n = len(array)
    if array.shape[1:] == (n,) and len(rows) < n:
        return array[np.ix_(rows, rows)]
    return array[rows]


def _equals_rebuilt(trial: Trial, rebuild: Callable[[np.ndarray], Loss]) -> str:
    halves = [np.flatnonzero(half) for half in trial.halves[:2]]
    singles = [np.flatnonzero(trial.without(i)) for i in trial.removable]
    nothing = trial.value(trial.none) if trial.defined(trial.none) else 0.0
    for kept in [*singles, *halves]:
        smaller, theta = rebuild(kept), _shared_parameters(trial, kept)
        expected = float(trial.number(smaller, theta, np.ones(len(kept))))
        if trial.defined(trial.none):
            expected -= float(trial.number(smaller, theta, np.zeros(len(kept))))
        b = np.isin(np.arange(trial.loss.n_objects), kept).astype(float)
        found = trial.value(b) - nothing
        if not abs(found - expected) <= ROUNDING * (1 + abs(nothing) + abs(expected)):
            raise LossError(_rebuilt_differs(trial, kept, found, expected))
    return "values equal those of the loss built without the absent objects"


def _shared_parameters(trial: Trial, kept: np.ndarray) -> np.ndarray:
    """Theta without what the absent objects own."""
    absent = np.setdiff1d(np.arange(trial.loss.n_objects), kept)
    gone = [parameter for i in absent for parameter in trial.loss.owned(int(i))]
    return np.delete(trial.theta, gone)


def _rebuilt_differs(trial: Trial, kept: np.ndarray, found: float, expected: float) -> str:
    n = trial.loss.n_objects
    if abs(found * n - expected * len(kept)) <= 1e-6 * abs(found * n):
        return (
            f"A loss must be a sum, but on {len(kept)} of {n} objects it is {found:.6g} where the "
            f"same loss of those objects alone is {expected:.6g}, {n}/{len(kept)} times as much: a "
            "mean over objects; take the sum."
        )
    return (
        f"A loss must not read absent objects, but with objects {some(np.isin(range(n), kept))} "
        f"present it is {found:.6g} where the same loss of those objects alone is {expected:.6g}; "
        "let b[j] multiply what object j contributes everywhere."
    )
