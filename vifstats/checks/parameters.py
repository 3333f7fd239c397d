"""The gate for estimates: parameters, their names, the rows they belong to, their penalty."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks.arrays import numbers
from vifstats.checks.objects import unique_names
from vifstats.checks.scalars import one_number, positive_number
from vifstats.errors import (
    InvalidInputError,
    LossError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
    VifError,
)

__all__ = [
    "dispersion",
    "kept_rows",
    "parameter_names",
    "parameter_rows",
    "parameters",
    "penalty_matrix",
    "short_step",
    "usable_equations",
    "usable_loss",
    "varying",
]

# Differences that read only the loss's value, which a user wrote.
AUTOMATIC = {"Loss.gradient_differences", "BackendLoss.gradient_differences"}


def parameters(theta: Any, n_params: int | None) -> np.ndarray:
    """A finite float vector of the right length."""
    values = np.atleast_1d(numbers(theta, "`theta`"))
    if values.ndim != 1 or (n_params is not None and len(values) != n_params):
        expected = "one dimension" if n_params is None else f"shape ({n_params},)"
        raise InvalidInputError(
            f"`theta` must have {expected}, one entry per parameter, but has shape {values.shape}; "
            "pass as many."
        )
    if not np.isfinite(values).all():
        raise InvalidInputError(f"`theta` must be finite, but is {values}; did the fit converge?")
    return values


def parameter_rows(rows: Any, n_params: int) -> np.ndarray:
    """Rows with an entry for each parameter: (n_rows, n_params) or (n_params,), as given.

    What is not defined without an object is nan in its row, and stays so.
    """
    plain = isinstance(rows, np.ndarray) and rows.dtype == float
    values = rows if plain else numbers(rows, "`rows`")  # as large as the data: no copy of them
    if values.ndim not in (1, 2) or values.shape[-1] != n_params:
        raise InvalidInputError(
            f"`rows` must have the shape (n_rows, {n_params}) or ({n_params},), but has shape "
            f"{values.shape}; pass one entry for each parameter."
        )
    return values


def dispersion(value: Any) -> float:
    """A finite number above 0; its absence is explained by the fit."""
    number = one_number(value, "dispersion")
    if number == 0:
        raise InvalidInputError(
            "`dispersion` must be positive, for a fit must leave residuals, but is 0: it is "
            "perfect, so no row moves it, and there are no standard errors to measure by. Check "
            "that the outcome is not computed from the covariates."
        )
    if not number < np.inf:
        raise InvalidInputError(
            f"A fit must have more rows than parameters, but its dispersion is {number}: no "
            "degrees of freedom are left for it. Drop covariates, or pass a known dispersion."
        )
    return positive_number(value, "dispersion")


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
    return unique_names(names, "names", n_params)


def kept_rows(kept: Any, labels: pd.Index, n_objects: int) -> np.ndarray:
    """The row of the user's data for each object: all rows, unless the model dropped some.

    `kept` (n_objects,): positions in ``labels``, ascending. Returns int (n_objects,).
    """
    if kept is None:
        if len(labels) != n_objects:
            raise InvalidInputError(
                f"`labels` must have one entry per object, {n_objects}, but has {len(labels)}; "
                "pass one for each."
            )
        return np.arange(n_objects)
    rows = np.asarray(kept)
    ascending = rows.shape == (n_objects,) and np.all(np.diff(rows, prepend=-1) > 0)
    if not ascending or np.any(rows >= len(labels)):
        raise InvalidInputError(
            f"`kept` must hold one row of `labels` per object, ascending: {n_objects} numbers from "
            f"0 to {len(labels) - 1}; pass their positions."
        )
    return rows


def penalty_matrix(penalty: Any, n_params: int) -> np.ndarray | None:
    """A scalar, a diagonal or a matrix as P of 0.5 theta' P theta.

    Shapes: `penalty` (n_params,) or (n_params, n_params). Returns (n_params, n_params).
    """
    if penalty is None:
        return None
    if isinstance(penalty, str):
        raise InvalidInputError(
            '`penalty` must be a number, one for each parameter, a matrix, or "firth" for Cox, '
            f"logistic and Poisson regression, but is {penalty!r} here; pass one of these."
        )
    P = numbers(penalty, "`penalty`")
    if P.shape in ((), (n_params,)):
        P = np.diag(np.broadcast_to(P, (n_params,)))
    if P.shape != (n_params, n_params):
        raise InvalidInputError(
            f"`penalty` must be a scalar or have shape ({n_params},) or ({n_params}, {n_params}), "
            f"but has shape {P.shape}; pass one of these."
        )
    if not np.isfinite(P).all() or not np.allclose(P, P.T):
        raise InvalidInputError(
            "`penalty` must be finite and, as a matrix, symmetric, but is not; pass 0.5 (P + P')."
        )
    if (smallest := np.linalg.eigvalsh(P)[0]) < -1e-10 * np.abs(P).max(initial=0.0):
        raise InvalidInputError(
            f"`penalty` must be positive semi-definite, but has the eigenvalue {smallest:.3g}; "
            "penalties only shrink."
        )
    return P


def usable_loss(loss: Any, theta: np.ndarray) -> None:
    """The loss returns one finite number on the full data and depends on every parameter.

    Shapes: `theta` (n_params,). Raises NotPositiveDefiniteError if the loss knows of parameters
    that it does not depend on.
    """
    varying(loss.flat(), loss.names)
    value = _value_of(loss, theta, loss.everyone())
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
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # half may be nothing to some losses
        _require_presence(loss, theta, value.ravel())


def _require_presence(loss: Any, theta: np.ndarray, value: np.ndarray) -> None:
    """The loss, or after a perfect fit its Hessian, must change when objects leave.

    A function that ignores b would give every object an influence of 0.
    """
    if not loss.empties or loss.n_objects < 2:
        return
    # a loss that has differences of its own handles presence, and may rightly not change: as Cox's
    # does not if each event is alone in its risk set
    if type(loss).gradient_differences.__qualname__ not in AUTOMATIC:
        return
    half = np.arange(loss.n_objects) % 2.0
    if _differs(_value_of(loss, theta, half).ravel(), value):
        return
    nobody = np.zeros(loss.n_objects)
    if _differs(_value_of(loss, theta, nobody).ravel(), value):
        return
    if _differs(loss.gradient(theta, half), loss.gradient(theta)):
        return
    if not _differs(loss.hessian(theta, half), loss.hessian(theta)):
        raise LossError(
            f"A loss must depend on presence, but its value is {value[0]:.6g}, with the same "
            "derivatives, whichever objects are present: every influence would be 0. Multiply the "
            "term of object i by b[i]; check_loss looks at the rest of the contract."
        )


def _differs(one: Any, other: Any) -> bool:
    """Whether two values differ; nan counts, as without objects that a determinant needs."""
    return not np.array_equal(one, other)


def usable_equations(equations: Any, theta: np.ndarray) -> None:
    """Equations return finite numbers on the full data, one for each parameter.

    Shapes: `theta` (n_params,). Raises InvalidInputError where they are not finite.
    """
    with np.errstate(all="ignore"):  # the error below reports values that are not finite
        found = _tried(equations, theta, lambda: equations.psi(theta, equations.everyone()))
        kind = np.asarray(found).dtype.kind
        if np.shape(found) == theta.shape and not (isinstance(found, np.ndarray) and kind in "fiu"):
            raise LossError(
                f"Equations must return one array of real numbers, but returned {found!r:.60}; put "
                "them together by autograd.numpy.array."
            )
        psi = _tried(equations, theta, lambda: equations.gradient(theta))  # knows the shape
    if not np.isfinite(psi).all():
        raise InvalidInputError(
            f"The equations must be finite where the search begins, but at {theta} they are {psi}; "
            "begin inside their domain."
        )


def _value_of(loss: Any, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
    return np.asarray(_tried(loss, theta, lambda: loss.value(theta, presence)))


def _tried(loss: Any, theta: np.ndarray, call: Callable[[], Any]) -> Any:
    """Call a function of the user; its exception becomes an error about the loss or equations."""
    try:
        return call()
    except VifError:
        raise
    except Exception as error:  # whatever is in there
        rule = "A loss must have a value" if loss.minimised else "Equations must have values"
        remedy = "a matrix that is singular may have collinear columns"
        if loss.n_params is None:
            remedy = f"or, if it reads more parameters than {len(theta)}, begin with all of them"
        raise LossError(
            f"{rule} with all objects, but at theta = {theta} the function raised "
            f"{type(error).__name__}: {str(error).rstrip()}.{_row_counts(loss)} Correct the "
            f"function, whose line is above; {remedy}."
        ) from error


def _row_counts(loss: Any) -> str:
    """A sentence for the error if the data that the function reads have unequal numbers of rows."""
    data = getattr(loss, "data", None)
    parts = list(data.values()) if isinstance(data, dict) else data
    if not isinstance(parts, list | tuple):
        return ""
    sizes = dict.fromkeys(len(part) for part in parts if np.ndim(part))
    return f" Its data have {' and '.join(map(str, sizes))} rows." if len(sizes) > 1 else ""


def short_step(steps: np.ndarray, names: Sequence[str], tol: float, endless: str = "") -> None:
    """A Newton step from theta must be short in standard errors: then theta is at the minimum.

    Shapes: `steps` (n_params,); `names` (n_params,). `endless`: where the loss falls for ever.
    """
    if steps[worst := int(np.argmax(steps))] > tol:
        if endless:
            raise NotAtMinimumError(
                f"`theta` must minimise the loss, but the loss falls for ever along {endless} "
                "(separation), and the fit stopped on its way. Merge or drop the level or the "
                "column, or fit with a penalty."
            )
        raise NotAtMinimumError(
            f"`theta` must minimise the loss on these very data, but at {names[worst]!r} it is "
            f"{steps[worst]:.2g} standard errors away (tol={tol:g}). Check that rows, weights, "
            "strata, entry, ties and penalty are those of the fit; fit it to convergence; or pass "
            "tol=inf to study it as it is."
        )


def varying(flat: np.ndarray, names: Sequence[str] | None) -> None:
    """Every covariate must vary between some two rows that are at risk together.

    `flat`: the covariates that do not.
    """
    if len(flat):
        found = [names[k] for k in flat] if names else list(flat)
        raise NotPositiveDefiniteError(
            f"Every covariate must vary within some risk set, but {found} are constant in each: "
            "their parameters are not identified. Drop these columns or penalise them."
        )
