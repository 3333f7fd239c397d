"""The gate for estimates: parameters, their names, the rows they belong to, their penalty."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.arrays import frame_numbers, numbers
from vifstats.checks.frames import as_pandas
from vifstats.errors import (
    InvalidInputError,
    InvalidTypeError,
    LossError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
)

__all__ = [
    "counting_number",
    "kept_rows",
    "non_negative_number",
    "one_number",
    "one_of",
    "parameter_names",
    "parameters",
    "penalty_matrix",
    "positive_number",
    "profiles",
    "proportion",
    "short_step",
    "tolerance",
    "usable_loss",
    "varying",
    "whole_number",
]


def parameters(theta: Any, n_params: int | None) -> np.ndarray:
    """A finite float vector of the right length."""
    values = np.atleast_1d(numbers(theta, "`theta`"))
    if values.ndim != 1 or (n_params is not None and len(values) != n_params):
        expected = "one dimension" if n_params is None else f"shape ({n_params},)"
        raise InvalidInputError(
            f"`theta` must have {expected}, one entry per parameter, but has shape {values.shape}."
        )
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


def kept_rows(kept: Any, labels: pd.Index, n_objects: int) -> np.ndarray:
    """The row of the user's data of each object: all of them unless the model dropped some.

    Parameters
    ----------
    kept : array_like of int, shape (n_objects,), or None
        Positions in ``labels``, ascending.
    labels : Index
    n_objects : int

    Returns
    -------
    ndarray of int, shape (n_objects,)

    Raises
    ------
    InvalidInputError
    """
    if kept is None:
        if len(labels) != n_objects:
            raise InvalidInputError(
                f"`labels` must have one entry per object, {n_objects}, but has {len(labels)}."
            )
        return np.arange(n_objects)
    rows = np.asarray(kept)
    ascending = rows.shape == (n_objects,) and np.all(np.diff(rows, prepend=-1) > 0)
    if not ascending or np.any(rows >= len(labels)):
        raise InvalidInputError(
            f"`kept` must hold one row of `labels` per object, ascending: {n_objects} numbers from "
            f"0 to {len(labels) - 1}."
        )
    return rows


def one_number(value: Any, name: str) -> float:
    """A number, of whatever size."""
    number = numbers(value, f"`{name}`")
    if number.size != 1:
        raise InvalidInputError(
            f"`{name}` must be one number, but has shape {number.shape}; call once for each."
        )
    return float(number.ravel()[0])


def proportion(value: Any, name: str) -> float:
    """A number between 0 and 1, both excluded."""
    number = one_number(value, name)
    if not 0 < number < 1:
        raise InvalidInputError(f"`{name}` must be between 0 and 1, but is {value!r}.")
    return number


def positive_number(value: Any, name: str) -> float:
    """A finite number above 0."""
    number = one_number(value, name)
    if not (np.isfinite(number) and number > 0):
        raise InvalidInputError(f"`{name}` must be positive and finite, but is {value!r}.")
    return number


def tolerance(value: Any, name: str) -> float:
    """A number above 0, or inf for whatever is found."""
    number = one_number(value, name)
    if not number > 0:
        raise InvalidInputError(f"`{name}` must be above 0, inf for no check, but is {value!r}.")
    return number


def non_negative_number(value: Any, name: str) -> float:
    """A finite number from 0 on."""
    number = one_number(value, name)
    if not (np.isfinite(number) and number >= 0):
        raise InvalidInputError(f"`{name}` must be >= 0 and finite, but is {value!r}.")
    return number


def counting_number(value: Any, name: str) -> int:
    """An integer from 1 on."""
    if (number := whole_number(value, name)) == 0:
        raise InvalidInputError(f"`{name}` must be 1 or more, but is 0.")
    return number


def whole_number(value: Any, name: str) -> int:
    """An integer from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidTypeError(f"`{name}` must be a whole number, but is {value!r}.")
    if value < 0:
        raise InvalidInputError(f"`{name}` must be 0 or more, but is {value}.")
    return int(value)


def one_of(value: Any, allowed: Sequence[str], name: str) -> str:
    """One of a few words."""
    if value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise InvalidInputError(f"`{name}` must be one of {words}, but is {value!r}.")
    return value


def penalty_matrix(penalty: Any, n_params: int) -> np.ndarray | None:
    """A scalar, a diagonal or a matrix as P of 0.5 theta' P theta.

    Parameters
    ----------
    penalty : float or array_like, shape (n_params,) or (n_params, n_params), or None
    n_params : int

    Returns
    -------
    ndarray, shape (n_params, n_params), or None

    Raises
    ------
    InvalidInputError, InvalidTypeError
    """
    if penalty is None:
        return None
    P = numbers(penalty, "`penalty`")
    if P.shape in ((), (n_params,)):
        P = np.diag(np.broadcast_to(P, (n_params,)))
    if P.shape != (n_params, n_params):
        raise InvalidInputError(
            f"`penalty` must be a scalar or have shape ({n_params},) or ({n_params}, {n_params}), "
            f"but has shape {P.shape}."
        )
    if not np.isfinite(P).all() or not np.allclose(P, P.T):
        raise InvalidInputError("`penalty` must be finite and, as a matrix, symmetric.")
    if (smallest := np.linalg.eigvalsh(P)[0]) < -1e-10 * np.abs(P).max(initial=0.0):
        raise InvalidInputError(
            f"`penalty` must be positive semi-definite, but has the eigenvalue {smallest:.3g}."
        )
    return P


def usable_loss(loss: Any, theta: np.ndarray) -> None:
    """The loss returns one finite number on the full data and depends on every parameter.

    Parameters
    ----------
    loss : Loss
    theta : ndarray, shape (n_params,)

    Raises
    ------
    LossError
    NotPositiveDefiniteError
        If the loss knows of parameters that it does not depend on.
    """
    varying(loss.flat(), loss.names)
    value = np.asarray(loss.value(theta, np.ones(loss.n_objects)))
    if value.shape not in ((), (1,)):
        raise LossError(
            f"A loss must return one number, but it returned shape {value.shape}; sum over rows, "
            "or use MEstimator for one value per row."
        )
    if value.dtype.kind != "f":
        raise LossError(
            f"A loss must return one float, but it returned {value[()]!r}; return the sum of what "
            "the objects contribute, in floats."
        )
    if not np.isfinite(value).all():
        raise LossError(
            f"A loss must be finite at theta, but it is {float(value.ravel()[0])}; 0 * log(0) and "
            "exp of large numbers are the usual causes."
        )


def short_step(steps: np.ndarray, names: Sequence[str], tol: float) -> None:
    """A Newton step from theta is short, in standard errors: theta is at the minimum.

    Parameters
    ----------
    steps : ndarray, shape (n_params,)
    names : sequence of str, shape (n_params,)
    tol : float

    Raises
    ------
    NotAtMinimumError
    """
    if steps[worst := int(np.argmax(steps))] > tol:
        raise NotAtMinimumError(
            f"`theta` must minimise the loss on these very data, but at {names[worst]!r} it is "
            f"{steps[worst]:.2g} standard errors away (tol={tol:g}). Check that rows, weights, "
            "strata, entry, ties and penalty are those of the fit; fit it to convergence; or pass "
            "tol=inf to study it as it is."
        )


def varying(flat: np.ndarray, names: Sequence[str] | None) -> None:
    """No covariate is constant wherever two rows are at risk together.

    Parameters
    ----------
    flat : ndarray of int
        Those that are.
    names : sequence of str or None

    Raises
    ------
    NotPositiveDefiniteError
    """
    if len(flat):
        found = [names[k] for k in flat] if names else list(flat)
        raise NotPositiveDefiniteError(
            f"Every covariate must vary within some risk set, but {found} are constant in each: "
            "their parameters are not identified. Drop these columns or penalise them."
        )


def profiles(x: Any, profile: Any, names: tuple[str, ...]) -> np.ndarray:
    """Profiles as design rows: from raw columns, by name, or as they are.

    Parameters
    ----------
    x : dict, Series, DataFrame or array_like, shape (n_params,) or (m, n_params)
    profile : callable or None
        Turns a DataFrame of raw columns into design rows.
    names : tuple of str
        Parameter names, the columns looked for without ``profile``.

    Returns
    -------
    ndarray, shape (m, n_params)

    Raises
    ------
    InvalidInputError, InvalidTypeError
    """
    x = as_pandas(x)
    if isinstance(x, dict):
        if profile is None and (unknown := [key for key in x if key not in names]):
            raise InvalidInputError(f"A profile has the columns {list(names)}, not {unknown}.")
        x = pd.DataFrame(_columns(x))
    if isinstance(x, pd.Series):
        x = x.to_frame().T.infer_objects()
    if isinstance(x, pd.DataFrame):
        if profile is not None:
            return _finite_profiles(_transformed(x, profile), len(x), names)
        if missing := [name for name in names if name not in x.columns]:
            raise InvalidInputError(
                f"A profile needs the columns {list(names)}, but lacks {missing}."
            )
        if twice := [name for name in names if (x.columns == name).sum() > 1]:
            raise InvalidInputError(
                f"A profile must have each column once, but has {twice} more often; drop the rest."
            )
        return _finite_profiles(frame_numbers(x[list(names)], "x"), len(x), names)
    rows = np.atleast_2d(numbers(x, "`x`"))
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise InvalidInputError(
            f"A profile needs {len(names)} values, {list(names)}, but `x` has shape {rows.shape}."
        )
    return _finite_profiles(rows, len(rows), names)


def _columns(x: dict[str, Any]) -> dict[str, np.ndarray]:
    """The columns of profiles that are given as a dict: as many entries in each."""
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
    """Design rows without anything missing; a formula drops or empties rows with missing values."""
    if rows.shape != (n, len(names)) or not np.isfinite(rows).all():
        raise InvalidInputError(
            f"A profile must be finite in every column, but {n} of them became design rows "
            f"{rows.tolist()} for {list(names)}; fill in what is missing."
        )
    return rows
