"""A loss written in another library: its derivatives by that library, in blocks that fit memory."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.autodiff import ForeignFunction, plain
from vifstats.losses.backends.blocks import blocks, padded, unit
from vifstats.losses.backends.library import Entries, Library, foreign
from vifstats.losses.backends.requirements import (
    require_array,
    require_finite,
    require_functions,
    require_number,
)
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["BackendLoss"]

# What the gradients of one block may take while they are computed.
BLOCK_BYTES = 1e9
# Beyond this many at a time nothing is gained.
LARGEST_BLOCK = 256
# A Hessian-vector product keeps about this many times what a gradient does.
PRODUCT = 4


class BackendLoss(Loss):
    """What `JaxLoss` and `TorchLoss` share.

    A subclass reads the parameters it is made with in `_taken`, and writes `library`, `arguments`
    and `unflatten`.

    Attributes
    ----------
    theta : ndarray, shape (n_params,)
        The parameters it was made with, as one vector: where a network stopped.
    """

    theta: np.ndarray
    entries: Entries

    def __init__(
        self,
        f: Callable[[Any, Any], Any],
        n_objects: int,
        theta: Any,
        *,
        outputs: Callable[[Any], Any] | None = None,
        penalty: float | Callable[[Any], Any] | None = None,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
        gauge: Callable[[np.ndarray], np.ndarray] | None = None,
        block: int | None = None,
    ) -> None:
        self.entries, vector = self._taken(theta)
        self.theta = checks.parameters(vector, None)
        require_functions(f, outputs, gauge)
        self.f, self.outputs, self._gauge = f, outputs, gauge
        given = penalty is None or callable(penalty)
        self._penalty: Any = penalty if given else checks.non_negative_number(penalty, "penalty")
        self.n_objects = checks.counting_number(n_objects, "n_objects")
        self.labels = pd.RangeIndex(n_objects) if labels is None else pd.Index(labels)
        self.n_params = len(self.theta)
        self.names = self.entries.entry_names() if names is None else tuple(names)
        self._block = None if block is None else checks.counting_number(block, "block")
        self._try()

    @abstractmethod
    def _taken(self, theta: Any) -> tuple[Entries, np.ndarray]:
        """The form of the parameters, and all of them as one vector; keeps what is told by them."""

    @property
    @abstractmethod
    def library(self) -> Library:
        """The transforms of JAX or PyTorch."""

    @abstractmethod
    def arguments(self, vector: np.ndarray) -> Any:
        """What the user's functions take in the place of the vector of parameters."""

    @abstractmethod
    def unflatten(self, theta: np.ndarray) -> Any:
        """A vector of parameters in the form that the loss was made with.

        Parameters
        ----------
        theta : ndarray, shape (n_params,)

        Returns
        -------
        object
            The pytree of JAX; of a module of PyTorch its state by name, for ``load_state_dict``.
        """

    def total(self, vector: Any, presence: Any) -> Any:
        """L(theta, b) in arrays of the library."""
        arguments = self.arguments(vector)
        read = arguments if self.outputs is None else self.outputs(arguments)
        loss = self.f(read, presence)
        return loss if self._penalty is None else loss + self._penalised(vector)

    def _penalised(self, vector: Any) -> Any:
        if callable(self._penalty):
            return self._penalty(self.arguments(vector))
        return 0.5 * (self._penalty or 0.0) * self.library.dot(vector, vector)

    def penalty(self, theta: np.ndarray) -> float:
        """What no object owns, at a vector of parameters."""
        return float(self.library.call(self._penalised, theta))

    def penalty_slope(self, theta: np.ndarray) -> np.ndarray:
        """Its gradient, shape (n_params,)."""
        if self._penalty is None:
            return np.zeros(len(theta))
        return self.library.call(self.library.grad(self._penalised), theta)

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        return self._traced(theta, self._mask(presence))

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self.library.call(self._gradient, theta, self._mask(self.everyone(presence)))

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b, n = self._mask(self.everyone(presence)), len(theta)
        units = (unit(k, n) for k in range(n))
        H = self._in_blocks(lambda v: (theta, v, b), self._products, units, n, PRODUCT)
        return 0.5 * (H + H.T)

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        return self.library.call(self._product, theta, vector, self._mask(self.everyone(presence)))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        full, some = self.gradient(theta), np.flatnonzero(removals.sizes)
        masks = (removals.presence(int(k)) for k in some)
        out = np.zeros((len(removals), len(theta)))
        reduced = self._in_blocks(lambda B: (theta, B), self._gradients, masks, len(some))
        out[some] = np.subtract(full, reduced, out=reduced)
        require_finite(out, removals)
        return out

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        everyone = self.everyone()
        taken = (everyone - removals.presence(k) for k in range(len(removals)))
        return self._in_blocks(
            lambda E: (theta, everyone, E), self._weight_slopes, taken, len(removals), PRODUCT
        )

    def _presence_slopes(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        n = self.n_objects
        units = (unit(k, n) for k in range(n))
        return self._in_blocks(
            lambda E: (theta, presence, E), self._weight_slopes, units, n, PRODUCT
        )

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        # one at a time: a batch that shrinks would be compiled for each of its sizes
        pairs = [(theta, removals.presence(k)) for k, theta in enumerate(thetas)]
        values = [float(self.library.call(self._value, *pair)) for pair in pairs]
        return np.array(values), np.stack([self.gradient(*pair) for pair in pairs])

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        return super().gauge(theta) if self._gauge is None else np.asarray(self._gauge(theta))

    def predictions(self, theta: np.ndarray) -> np.ndarray:
        """What ``outputs`` gives, as an array of NumPy.

        Parameters
        ----------
        theta : ndarray, shape (n_params,)

        Returns
        -------
        ndarray

        Raises
        ------
        InvalidInputError
            If the loss was made without ``outputs``.
        """
        self._require_outputs()
        return np.asarray(self.library.call(self._predict, theta))

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """The derivatives of ``outputs`` in the parameters.

        Parameters
        ----------
        theta : ndarray, shape (n_params,)

        Returns
        -------
        ndarray, shape (n, n_params) or (n, k, n_params)

        Raises
        ------
        InvalidInputError
            If the loss was made without ``outputs``.
        """
        outputs = self.predictions(theta)
        units = (unit(k, outputs.size).reshape(outputs.shape) for k in range(outputs.size))
        rows = self._in_blocks(lambda E: (theta, E), self._pullbacks, units, outputs.size)
        return rows.reshape(*outputs.shape, len(theta))

    def along_outputs(self, theta: np.ndarray) -> "BackendLoss":
        """g'y(theta), with g the gradient of the loss of everyone in the outputs at theta."""
        library = self.library
        with library.at_work():
            read = self._predict(library.array(theta))
            slope = library.grad(self.f)(read, library.array(self.everyone()))
        # without what was compiled for this loss
        twin = copy(self)
        twin.f, twin._penalty = Along(slope), None
        return twin

    def _require_outputs(self) -> None:
        if self.outputs is None:
            raise InvalidInputError(
                "The outputs of a network are known where the loss is made of them, but this one "
                "is a function of the parameters; pass outputs=, a function from the parameters "
                "to one array, which `f` is then given."
            )

    def _predict(self, vector: Any) -> Any:
        self._require_outputs()
        assert self.outputs is not None
        return self.outputs(self.arguments(vector))

    @cached_property
    def _traced(self) -> ForeignFunction:
        return foreign(self.library, self.total)

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return self.library.compiled(self.total)

    @cached_property
    def _gradient(self) -> Callable[..., Any]:
        return self.library.compiled(self.library.grad(self.total))

    @cached_property
    def _gradients(self) -> Callable[..., Any]:
        batched = self.library.vmap(self.library.grad(self.total), (None, 0))
        return self.library.compiled(batched)

    def _times(self, vector: Any, v: Any, presence: Any) -> Any:
        """H v, as the gradient of the gradient along v."""
        grad, dot = self.library.grad, self.library.dot
        return grad(lambda t: dot(grad(self.total)(t, presence), v))(vector)

    @cached_property
    def _product(self) -> Callable[..., Any]:
        return self.library.compiled(self._times)

    @cached_property
    def _products(self) -> Callable[..., Any]:
        return self.library.compiled(self.library.vmap(self._times, (None, 0, None)))

    @cached_property
    def _weight_slopes(self) -> Callable[..., Any]:
        grad, dot = self.library.grad, self.library.dot

        def along(vector: Any, presence: Any, e: Any) -> Any:
            """d/db of the gradient, along e in b."""
            return grad(lambda t: dot(grad(self.total, 1)(t, presence), e))(vector)

        return self.library.compiled(self.library.vmap(along, (None, None, 0)))

    @cached_property
    def _pullbacks(self) -> Callable[..., Any]:
        def along(vector: Any, e: Any) -> Any:
            return self.library.grad(lambda t: self.library.dot(self._predict(t), e))(vector)

        return self.library.compiled(self.library.vmap(along, (None, 0)))

    @cached_property
    def block(self) -> int:
        """How many presences are differentiated at a time."""
        if self._block is not None:
            return self._block
        arrays = self.library.array(self.theta), self.library.array(self.everyone())
        with self.library.at_work():
            each = self.library.bytes_of_gradient(self.total, self._gradient, *arrays)
        return int(np.clip(BLOCK_BYTES // max(each, 1), 1, LARGEST_BLOCK))

    def _in_blocks(
        self,
        arguments: Callable[[np.ndarray], tuple],
        batched: Callable[..., Any],
        rows: Iterable[np.ndarray],
        n_rows: int,
        cost: int = 1,
    ) -> np.ndarray:
        """A batched function of rows, computed a block at a time: shape (n_rows, n_params)."""
        out = np.empty((n_rows, len(self.theta)))
        done = 0
        for part in blocks(rows, self.block // cost):
            # blocks of few sizes, each of which is compiled once
            stacked = padded(np.stack(part))
            found = self.library.call(batched, *arguments(stacked))
            out[done : done + len(part)] = found[: len(part)]
            done += len(part)
        return out

    def _mask(self, presence: Any) -> Any:
        if np.shape(plain(presence)) != (self.n_objects,):
            raise InvalidInputError(
                f"`presence` must have one number per object, shape ({self.n_objects},), but has "
                f"shape {np.shape(plain(presence))}; make it with `loss.everyone()`."
            )
        return presence

    def _try(self) -> None:
        """Evaluate the function once: an error in it is then raised where it is passed."""
        library = self.library
        vector, b = library.array(self.theta), library.array(self.everyone())
        with library.at_work():
            if self.outputs is not None:
                require_array(library.tried(self._predict, vector))
            require_number(library.tried(self.total, vector, b), str(library))
            library.tried(library.grad(self.total), vector, b)
            # a function may have a gradient and still branch on who is present
            batch = library.array(self.everyone()[None])
            library.tried(library.vmap(self.total, (None, 0)), vector, batch)


class Along:
    """The sum of outputs times a fixed slope of the same shape, whoever is present."""

    def __init__(self, slope: Any) -> None:
        self.slope = slope

    def __call__(self, outputs: Any, presence: Any) -> Any:
        return (self.slope * outputs).sum()
