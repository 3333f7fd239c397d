"""A loss written in JAX."""

from collections.abc import Callable
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.backends.base import BackendLoss
from vifstats.losses.backends.library import Entries, Library

__all__ = ["JaxLoss"]

REMEDY = "jax.config.update('jax_enable_x64', True) before any array is made."


class JaxLoss(BackendLoss):
    """A loss ``f(theta, b)`` written in JAX, of parameters in any pytree.

    Gradients, Hessian-vector products and gradient differences are compiled by JAX, the last in
    blocks of presences that fit memory. JAX is imported when the first such loss is made.

    Parameters
    ----------
    f : callable
        ``f(theta, b)`` in jax.numpy, a sum over objects in which an object at b == 0 leaves no
        trace; with `outputs`, ``f(outputs(theta), b)``.
    n_objects : int
    theta : pytree of arrays
        The parameters, of float64: for example as the training of a network left them. They are
        `theta` of the loss, as one vector, and ``unflatten`` gives the pytree of another one.
    outputs : callable, optional
        ``outputs(theta)``: what the network predicts, one array. It is needed by `predictions`,
        `jacobian` and for the Gauss-Newton matrix of `proximal`.
    penalty : float or callable, optional
        lambda of 0.5 * lambda * |theta|^2 (weight decay), or ``penalty(theta)``. It stays when
        objects leave.
    labels : sequence, optional
        One label per object; default 0, 1, ...
    names : sequence of str, optional
        One name per parameter; default the path in the pytree with the place in the array.
    gauge : callable, optional
        ``gauge(theta)``, from the vector: directions along which the loss does not change,
        (k, n_params).
    block : int, optional
        Presences that are differentiated at a time; default what fits 1 GB, as compiled.

    Raises
    ------
    InvalidInputError
        If the parameters are not of float64, or JAX is not set to compute in it.
    LossError
        If JAX cannot follow `f`, or `f` returns anything but one float64.

    Examples
    --------
    The mean of three numbers; removing the 5 moves it from 3 to 2:

    >>> import jax
    >>> import vifstats as vs
    >>> jax.config.update("jax_enable_x64", True)
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.backends.JaxLoss(lambda t, b: 0.5 * (b * (y - t["mean"]) ** 2).sum(), 3,
    ...                            {"mean": np.zeros(())})
    >>> loss.names
    ('mean',)
    >>> vs.newton_step(vs.minimize(loss, loss.theta)).values.ravel()
    array([-1.,  0.,  1.])
    """

    def _taken(self, theta: Any) -> tuple[Entries, np.ndarray]:
        jax = _jax()
        if not jax.config.jax_enable_x64:
            raise InvalidInputError(
                "JAX must compute in float64, since influences are small differences, but "
                f"jax_enable_x64 is off; call {REMEDY}"
            )
        paths, self._form = jax.tree_util.tree_flatten_with_path(theta)
        leaves = [_numbers(leaf) for _, leaf in paths]
        entries = Entries(
            tuple(_name(path) for path, _ in paths), tuple(leaf.shape for leaf in leaves)
        )
        remedy = f"call {REMEDY} Then make them anew, or convert them by jax.tree.map."
        entries.require_floats([str(leaf.dtype) for leaf in leaves], remedy)
        # by what another process can find it, too; None for the default
        places = {d for _, leaf in paths for d in getattr(leaf, "devices", set)()}
        only = places.pop() if len(places) == 1 else None
        self._place = None if only is None else (only.platform, only.id)
        return entries, np.concatenate([leaf.ravel() for leaf in leaves])

    @cached_property
    def library(self) -> Library:
        return Jax(self._place)

    def arguments(self, vector: np.ndarray) -> Any:
        return _jax().tree_util.tree_unflatten(self._form, self.entries.parts(vector))

    def unflatten(self, theta: np.ndarray) -> Any:
        values = checks.parameters(theta, self.n_params)
        with self.library.at_work():
            return self.arguments(self.library.array(values))


class Jax(Library):
    """The transforms of JAX; `place`: platform and number of a device, None for the default."""

    remedy = (
        "Write it in jax.numpy: where() and lax.cond() in place of `if` and `while` on theta or b, "
        "and no float(), np.asarray() or .item() around them."
    )

    def __init__(self, place: tuple[str, int] | None = None) -> None:
        self.place = place

    @cached_property
    def device(self) -> Any:
        """The device of the parameters; None if it cannot be found."""
        jax = _jax()
        if self.place is None or self.place[0] not in {d.platform for d in jax.devices()}:
            return None
        return next((d for d in jax.devices() if d.id == self.place[1]), None)

    def __str__(self) -> str:
        return "JAX"

    @contextmanager
    def at_work(self) -> Any:
        # a worker process has not set it
        with super().at_work(), _jax().enable_x64(True):
            yield

    def array(self, values: Any) -> Any:
        array = np.asarray(values, dtype=float)
        return array if self.device is None else _jax().device_put(array, self.device)

    def plain(self, array: Any) -> np.ndarray:
        return np.array(array, dtype=float)

    def grad(self, f: Callable[..., Any], k: int = 0) -> Callable[..., Any]:
        return _jax().grad(f, k)

    def vmap(self, f: Callable[..., Any], mapped: tuple[int | None, ...]) -> Callable[..., Any]:
        return _jax().vmap(f, mapped)

    def compiled(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return _jax().jit(f)

    def tried(self, f: Callable[..., Any], *arguments: Any) -> Any:
        return _jax().eval_shape(f, *arguments)

    def dot(self, x: Any, y: Any) -> Any:
        return _jax().numpy.sum(x * y)

    def bytes_of_gradient(self, f: Callable[..., Any], gradient: Any, *arguments: Any) -> int:
        # of what is called too: nothing is compiled twice
        needs = gradient.lower(*arguments).compile().memory_analysis()
        # a library for another kind of device may not know
        return 0 if needs is None else needs.temp_size_in_bytes + needs.output_size_in_bytes


def _jax() -> Any:
    """JAX, at the first loss that is written in it."""
    try:
        import jax
    except ImportError as error:
        raise InvalidTypeError(
            "A JaxLoss needs JAX, which is not installed; pip install 'vifstats[jax]'."
        ) from error
    return jax


def _numbers(leaf: Any) -> np.ndarray:
    values = np.asarray(leaf)
    if values.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"`theta` must be a pytree of arrays, but it holds {type(leaf).__name__}; pass the "
            "parameters only, and read everything else in the function."
        )
    return values


def _name(path: tuple[Any, ...]) -> str:
    """The keys, positions and attributes on the way to a leaf."""
    steps = []
    for step in path:
        for attribute in ("key", "name", "idx"):
            if hasattr(step, attribute):
                steps.append(str(getattr(step, attribute)))
                break
    return ".".join(steps)
