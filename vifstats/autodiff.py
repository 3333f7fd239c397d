"""Derivatives by automatic differentiation: the only importer of autograd's derivatives."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd import make_vjp
from autograd.extend import Box, defvjp, primitive

__all__ = [
    "LinearMap",
    "as_vector",
    "directional",
    "elementwise_gradient",
    "elementwise_hessian",
    "gradient",
    "hessian",
    "hessian_product",
    "plain",
    "row_jacobian",
]

Scalar = Callable[[Any], Any]


@contextmanager
def _constants_allowed() -> Iterator[None]:
    """A function may be constant at some presences; that its loss is not is checked elsewhere."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        yield


def gradient(f: Scalar, theta: np.ndarray) -> np.ndarray:
    """Gradient of a scalar function, shape (n_params,)."""
    with _constants_allowed():
        return autograd.grad(f)(theta)


def hessian(f: Scalar, theta: np.ndarray) -> np.ndarray:
    """Hessian of a scalar function, shape (n_params, n_params), symmetrised."""
    with _constants_allowed():
        H = autograd.hessian(f)(theta)
    return 0.5 * (H + H.T)


def hessian_product(f: Scalar, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Hessian times a vector without the Hessian: the gradient of grad(f)'v."""
    with _constants_allowed():
        return autograd.hessian_vector_product(f)(theta, vector)


def row_jacobian(
    f: Callable[[Any], Any], theta: np.ndarray, directions: np.ndarray | None = None
) -> np.ndarray:
    """Jacobian of many values in few parameters, shape (n_values, n_params).

    With ``directions`` (k, n_params) its products with them, shape (n_values, k). One pass per
    parameter, or direction, instead of one per value. v -> J'v is linear, so its own pullback
    at any v maps u to J u; autograd's forward mode would need JVPs that many functions lack.
    """
    along = np.eye(len(theta)) if directions is None else directions
    with _constants_allowed():
        return np.stack([directional(f, theta, direction) for direction in along], axis=-1)


def directional(f: Callable[[Any], Any], theta: Any, direction: np.ndarray) -> Any:
    """J u, the derivative of many values along one direction; itself differentiable."""
    pullback, value = make_vjp(f)(theta)
    pushforward, _ = make_vjp(pullback)(np.zeros(np.shape(plain(value))))
    return pushforward(direction)


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


class LinearMap:
    """A linear map that can be differentiated to any order, and sent to another process.

    autograd knows the derivative of a function by its identity, which a copy does not have: a
    copy of this map states its derivative afresh.

    Parameters
    ----------
    apply, transpose : callable
        Plain NumPy functions with ``u @ apply(v) == transpose(u) @ v``.
    """

    def __init__(
        self,
        apply: Callable[[np.ndarray], np.ndarray],
        transpose: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._functions = apply, transpose
        self._forward, backward = primitive(apply), primitive(transpose)
        defvjp(self._forward, lambda ans, v: backward)
        defvjp(backward, lambda ans, u: self._forward)

    def __call__(self, v: Any) -> Any:
        return self._forward(v)

    def __reduce__(self) -> tuple:
        return LinearMap, self._functions


def plain(value: Any) -> np.ndarray:
    """The numbers inside nested autograd boxes: for shifts that cancel and must not be traced."""
    while isinstance(value, Box):
        value = value._value
    return np.asarray(value)
