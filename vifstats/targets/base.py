"""What a target is: any quantity f(theta, b, loss) whose change a user asks about."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError, LossError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.typing import Differentiable, Profile

__all__ = ["FunctionTarget", "Target", "as_target", "central_differences", "value_of"]

# Of each influence: the step of central differences, whose relative error is about its square.
SHARE = 1e-3


class Fit(Protocol):
    """What a target reads of an estimate; `Estimate` itself lives in a room above."""

    @property
    def loss(self) -> Loss: ...
    @property
    def theta(self) -> np.ndarray: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> pd.Index: ...
    @property
    def kept(self) -> np.ndarray: ...
    @property
    def profile(self) -> Profile | None: ...
    @property
    def hessian(self) -> np.ndarray: ...


class Target:
    """A quantity computed from the parameters and, often, from the data that are present.

    A subclass writes `value`; `values_without` may be made faster.

    Attributes
    ----------
    names : tuple of str or None
        One name per entry of the value.
    label : str
        What the entries are called where they have no names.
    reads_presence : bool
        Whether the value depends on b at fixed theta (a survival curve does, a ratio of two
        hazards does not).
    undefined : str or None
        Why a value may be nan, as the status of such a row.

    Examples
    --------
    >>> class Doubled(Target):
    ...     reads_presence = False
    ...
    ...     def value(self, theta, presence, loss):
    ...         return 2 * theta
    >>> Doubled().value(np.array([1.0, 2.0]), None, None)
    array([2., 4.])
    """

    names: tuple[str, ...] | None = None
    label: str = "value"
    reads_presence: bool = True
    undefined: str | None = None

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        """The target, a scalar or shape (m,), in autograd.numpy."""
        raise NotImplementedError(f"{type(self).__name__} must define value(theta, b, loss).")

    def names_of(self, n_values: int) -> tuple[str, ...]:
        """A name for each of n entries."""
        if self.names is not None:
            return self.names
        return (
            (self.label,) if n_values == 1 else tuple(f"{self.label}[{j}]" for j in range(n_values))
        )

    def bind(self, estimate: Fit) -> "Target":
        """The same target with profiles given in raw columns turned into design rows."""
        return self

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """f(theta(-i), 1_-i) for every removal, shape (n_removals, m)."""
        rows = [value_of(self, theta, removals.presence(k), loss) for k, theta in enumerate(thetas)]
        if len(lengths := {len(row) for row in rows}) > 1:
            raise InvalidInputError(
                "A target must have as many values without each row, but has "
                f"{' or '.join(map(str, sorted(lengths)))}; return nan for those that are missing."
            )
        return np.stack(rows)

    def linear_influence(
        self, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
    ) -> np.ndarray:
        """grad f(theta, 1_-i)' dfbeta_i + f(theta, 1) - f(theta, 1_-i), shape (n_removals, m)."""
        # what vanishes with an object is nan, and a target without the object does not read it
        kept = loss.with_owned(dfbeta, removals, 0.0)
        if not self.reads_presence:
            return self._slopes_along(kept, theta, loss.everyone(), loss).T
        full = value_of(self, theta, loss.everyone(), loss)
        out = np.empty((len(removals), len(full)))
        for k in range(len(removals)):
            b = removals.presence(k)
            direct = full - value_of(self, theta, b, loss)
            out[k] = self._slopes_along(kept[[k]], theta, b, loss)[:, 0] + direct
        return out

    def _slopes_along(
        self, directions: np.ndarray, theta: np.ndarray, presence: np.ndarray, loss: Loss
    ) -> np.ndarray:
        """The derivatives of the value along directions (k, n_params), shape (m, k)."""

        def values(t: Any) -> Any:
            return autodiff.as_vector(self.value(t, presence, loss))

        try:
            if len(directions) < len(theta):
                return autodiff.row_jacobian(values, theta, directions)
            return autodiff.row_jacobian(values, theta) @ directions.T
        except LossError as error:
            raise InvalidInputError(
                f"`linear=True` needs a derivative of the target. {error} Or use linear=False."
            ) from error


class FunctionTarget(Target):
    """A target from a plain function ``f(theta, b, loss)``.

    Parameters
    ----------
    f : callable
        In autograd.numpy; a scalar or shape (m,). Its entries are called what it is called.

    Examples
    --------
    >>> def contrast(theta, b, loss):
    ...     return theta[0] - theta[1]
    >>> target = FunctionTarget(contrast)
    >>> float(target.value(np.array([3.0, 1.0]), None, None)), target.names_of(1)
    (2.0, ('contrast',))
    """

    def __init__(self, f: Callable[[Differentiable, Differentiable, Loss], Differentiable]) -> None:
        self.f = checks.function(f, "f", "f(theta, b, loss)")
        name = getattr(f, "__name__", "")
        if name.isidentifier():  # not <lambda>
            self.label = name

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return self.f(theta, presence, loss)


def central_differences(
    target: Target, loss: Loss, theta: np.ndarray, dfbeta: np.ndarray, removals: Removals
) -> np.ndarray:
    """`Target.linear_influence` by differences along each dfbeta, shape (n_removals, m).

    For targets whose values after each removal are fast, or whose derivatives are not.
    """
    full = value_of(target, theta, loss.everyone(), loss)
    ahead, behind = (
        target.values_without(loss, theta + share * dfbeta, removals) for share in (SHARE, -SHARE)
    )
    here = target.values_without(loss, np.broadcast_to(theta, dfbeta.shape), removals)
    return (ahead - behind) / (2 * SHARE) + full - here


def value_of(target: Target, theta: np.ndarray, presence: np.ndarray, loss: Loss) -> np.ndarray:
    """The values of a target, shape (m,), from copies that it may write to.

    Raises InvalidInputError if it returns anything but a number or a vector of them.
    """
    value = target.value(theta.copy(), presence.copy(), loss)
    array = np.asarray(value)
    if array.ndim > 1 or array.dtype.kind not in "biuf":
        raise InvalidInputError(
            "A target must return a number or a vector of them, but it returned "
            f"{type(value).__name__} of shape {array.shape}, dtype {array.dtype}; return floats, "
            "in one dimension."
        )
    return np.atleast_1d(array).astype(float)


def as_target(target: Any) -> Target:
    """A target as it is, or a callable as a target."""
    if isinstance(target, Target):
        if getattr(target, "exact", None) is not None:
            checks.flag(target.exact, "exact")  # type: ignore[attr-defined]  # just seen
        return target
    if isinstance(target, type):
        raise InvalidTypeError(
            f"A target must be an object, but this is the class {target.__name__}; make one of it, "
            f"as in {target.__name__}(...)."
        )
    if callable(target):
        return FunctionTarget(target)
    raise InvalidTypeError(
        f"A target must be a vifstats target or a function f(theta, b, loss), but this is "
        f"{type(target).__name__}; pass one of these."
    )
