"""Derivatives by automatic differentiation: the only importer of autograd's derivatives."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd import make_vjp
from autograd.extend import Box, defvjp, defvjp_argnum, primitive

from vifstats.errors import LossError, VifError

__all__ = [
    "ForeignFunction",
    "LinearMap",
    "SingularMatrixError",
    "as_vector",
    "directional",
    "elementwise_gradient",
    "elementwise_hessian",
    "gradient",
    "gradients",
    "hessian",
    "hessian_product",
    "plain",
    "row_jacobian",
]

Scalar = Callable[[Any], Any]

# What autograd raises where a function is not written for it.
UNTRACED = (TypeError, AttributeError, ValueError, NotImplementedError)
# What is wrong on the way back, and never on the way there.
BROADCAST = (
    "The usual cause is anp.where with a branch that reads theta and has fewer entries than the "
    "mask: autograd does not add up its derivative. Give the branch an entry for each of the "
    "mask's, as in theta[0] * anp.ones(n), or write mask * theta[0] + (1 - mask) * theta[1]."
)


SINGULAR_RULE = (
    "A matrix of which a loss or target takes the inverse or the determinant must be regular, but "
    "one is not"
)
SINGULAR_REMEDY = (
    "Too few of the objects may be present for it, or two columns are collinear: leave out such "
    "columns, or add a ridge to the matrix."
)


class SingularMatrixError(LossError):
    """A loss that inverts a matrix has too few objects for it."""


@contextmanager
def _constants_allowed() -> Iterator[None]:
    """A function may be constant at some presences; that its loss is not is checked elsewhere."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        yield


def gradient(f: Scalar, theta: np.ndarray) -> np.ndarray:
    """Gradient of a scalar function, shape (n_params,)."""
    with _constants_allowed():
        pullback, value = _pullback(f, theta)
        return pullback(np.ones(np.shape(plain(value))))


def gradients(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Gradients of a few values in many numbers, (n_values, len(x)); f is followed once."""
    with _constants_allowed():
        pullback, values = _pullback(f, x)
        return np.stack([pullback(unit) for unit in np.eye(len(plain(values)))])


def hessian(f: Scalar, theta: np.ndarray) -> np.ndarray:
    """Hessian of a scalar function, shape (n_params, n_params), symmetrised."""
    try:
        with _constants_allowed():
            H = autograd.hessian(f)(theta)
    except np.linalg.LinAlgError as error:
        raise SingularMatrixError(f"{SINGULAR_RULE} ({error}). {SINGULAR_REMEDY}") from error
    return 0.5 * (H + H.T)


def hessian_product(f: Scalar, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Hessian times a vector without the Hessian: the gradient of grad(f)'v."""
    return gradient(lambda t: anp.dot(gradient(f, t), vector), theta)


def row_jacobian(
    f: Callable[[Any], Any], theta: np.ndarray, directions: np.ndarray | None = None
) -> np.ndarray:
    """Jacobian of many values in few parameters, shape (n_values, n_params).

    With ``directions`` (k, n_params) its products with them, shape (n_values, k). f is followed
    once, and back once per parameter, or direction, instead of once per value.
    """
    along = np.eye(len(theta)) if directions is None else directions
    with _constants_allowed():
        pushforward = _pushforward(f, theta)
        return np.stack([pushforward(direction) for direction in along], axis=-1)


def directional(f: Callable[[Any], Any], theta: Any, direction: np.ndarray) -> Any:
    """J u, the derivative of many values along one direction; itself differentiable."""
    return _pushforward(f, theta)(direction)


def _pushforward(f: Callable[[Any], Any], theta: Any) -> Callable[[Any], Any]:
    """u -> J u.

    v -> J'v is linear, so its own pullback at any v maps u to J u; autograd's forward mode would
    need JVPs that many functions lack.
    """
    pullback, value = _pullback(f, theta)
    pushforward, _ = make_vjp(pullback)(np.zeros(np.shape(plain(value))))
    return pushforward


def _pullback(f: Callable[[Any], Any], theta: Any) -> tuple[Callable[[Any], Any], Any]:
    """v -> J'v and the values of f, with errors that say what in f autograd cannot follow."""
    try:
        pullback, value = make_vjp(lambda t: _boxed(f(t)))(theta)
    except VifError:
        raise
    except np.linalg.LinAlgError as error:
        raise SingularMatrixError(f"{SINGULAR_RULE} ({error}). {SINGULAR_REMEDY}") from error
    except UNTRACED as error:
        raise LossError(
            f"A loss or target must be differentiable by autograd, which raised "
            f"{type(error).__name__}: {error}. Write it in autograd.numpy, without float(), "
            "np.array(), item assignment or scipy around theta and b."
        ) from error

    def checked(v: Any) -> Any:
        try:
            slope = pullback(v)
        except np.linalg.LinAlgError as error:
            raise SingularMatrixError(f"{SINGULAR_RULE} ({error}). {SINGULAR_REMEDY}") from error
        except UNTRACED as error:
            raise LossError(
                "A derivative must have the shape of theta, but on its way back autograd raised "
                f"{type(error).__name__}: {error}. {BROADCAST}"
            ) from error
        if np.shape(plain(slope)) != np.shape(plain(theta)):
            raise LossError(
                f"A derivative must have the shape of theta, {np.shape(plain(theta))}, but "
                f"autograd's has {np.shape(plain(slope))}. {BROADCAST}"
            )
        return slope

    return checked, value


def _boxed(value: Any) -> Any:
    """What may be followed: NumPy's own np.stack makes an array of boxes of one, a constant."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        raise TypeError("a function of NumPy made an array of objects of what it follows")
    return value


def elementwise_gradient(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Derivatives of f, x (q, ...) -> (...), in the q numbers that each value reads: (q, ...)."""
    with _constants_allowed():
        return autograd.grad(lambda u: anp.sum(f(u)))(x)


def elementwise_hessian(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Second derivatives of f, x (q, ...) -> (...), shape (q, q, ...)."""

    def slope(k: int) -> Callable[[Any], Any]:
        return lambda u: anp.sum(autograd.grad(lambda v: anp.sum(f(v)))(u)[k])

    with _constants_allowed():
        return np.stack([autograd.grad(slope(k))(x) for k in range(len(x))])


def as_vector(value: Any) -> Any:
    """A scalar or a vector as a vector, boxed or not."""
    return anp.reshape(value, (-1,))


@primitive
def _mapped(
    apply: Callable[[np.ndarray], np.ndarray],
    transpose: Callable[[np.ndarray], np.ndarray],
    v: np.ndarray,
) -> np.ndarray:
    """apply(v), of which autograd need not know the derivative but for the transpose.

    autograd's tables hold every primitive for good, and with it what the primitive holds: so there
    is one, of this module, and the maps of a data set are arguments.
    """
    return apply(v)


defvjp(
    _mapped,
    lambda ans, apply, transpose, v: lambda u: _mapped(transpose, apply, u),
    argnums=(2,),
)


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A linear map that can be differentiated to any order, and sent to another process.

    Attributes
    ----------
    apply, transpose : callable
        Plain NumPy functions with ``u @ apply(v) == transpose(u) @ v``.
    """

    apply: Callable[[np.ndarray], np.ndarray]
    transpose: Callable[[np.ndarray], np.ndarray]

    def __call__(self, v: Any) -> Any:
        return _mapped(self.apply, self.transpose, v)


@dataclass(frozen=True, eq=False)
class ForeignFunction:
    """A function that another library evaluates and differentiates, as autograd can follow it.

    Attributes
    ----------
    call : callable
        From plain arrays to a plain array.
    pullback : callable
        ``pullback(k)``: from a slope of the result and the arguments to the slope of argument k. It
        is such a function in its turn, so that there are derivatives of any order.
    """

    call: Callable[..., Any]
    pullback: Callable[[int], "ForeignFunction"]

    def __call__(self, *arguments: Any) -> Any:
        return _foreign(self, *arguments)


@primitive
def _foreign(function: ForeignFunction, *arguments: Any) -> Any:
    """As `_mapped`, one primitive for all of them."""
    return function.call(*arguments)


defvjp_argnum(
    _foreign,
    lambda k, ans, arguments, kwargs: lambda v: arguments[0].pullback(k - 1)(v, *arguments[1:]),
)


def plain(value: Any) -> np.ndarray:
    """The numbers inside nested autograd boxes: for shifts that cancel and must not be traced."""
    while isinstance(value, Box):
        value = value._value
    return np.asarray(value)
