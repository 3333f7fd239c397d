"""What is asked of a library of arrays with derivatives, and its errors in words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError, LossError, VifError
from vifstats.losses.autodiff import ForeignFunction

__all__ = ["Entries", "Library", "foreign"]

Function = Callable[..., Any]


class Library(ABC):
    """The transforms of a library, on functions of its arrays. All of them nest.

    Attributes
    ----------
    failures : tuple of type
        What it raises where it cannot follow a function.
    remedy : str
        How to write a function that it can follow.
    """

    failures: tuple[type[Exception], ...] = (TypeError, ValueError, IndexError, RuntimeError)
    remedy: str = ""

    @abstractmethod
    def array(self, values: Any) -> Any:
        """Its array of float64, where the parameters are."""

    @abstractmethod
    def plain(self, array: Any) -> np.ndarray:
        """A NumPy array of our own."""

    @abstractmethod
    def grad(self, f: Function, k: int = 0) -> Function:
        """The gradient of a scalar function in argument k."""

    @abstractmethod
    def vmap(self, f: Function, mapped: tuple[int | None, ...]) -> Function:
        """The function over stacked arguments: 0 where one is, None where it is shared."""

    @abstractmethod
    def compiled(self, f: Function) -> Function:
        """The same function, faster after its first call."""

    @abstractmethod
    def tried(self, f: Function, *arguments: Any) -> Any:
        """What a function gives, or only its shape and dtype."""

    @abstractmethod
    def dot(self, x: Any, y: Any) -> Any:
        """The sum of the products of all entries of two arrays of one shape."""

    @abstractmethod
    def bytes_of_gradient(self, f: Function, gradient: Function, *arguments: Any) -> int:
        """About what the gradient of a scalar function, compiled, needs while it is computed."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A context for calls of its functions: their exceptions become errors about the loss."""
        try:
            yield
        except VifError:
            raise
        except self.failures as error:
            raise LossError(
                f"A loss must be a function that {self} can differentiate and batch, but it "
                f"raised {type(error).__name__}: {_first_lines(error)} {self.remedy}"
            ) from error

    def call(self, f: Function, *arguments: Any) -> Any:
        """A function of its arrays on NumPy arrays: a NumPy array, or a float."""
        with self.at_work():
            return self.plain(f(*(self.array(argument) for argument in arguments)))[()]


def foreign(library: Library, f: Function) -> ForeignFunction:
    """A function of a library's arrays, as autograd can follow it to any order.

    Its derivatives are compiled, each at its first call; itself it is called as it is, since
    `check_loss` calls many that differ in their data and are called a few times only.
    """

    @cache
    def pullback(k: int) -> ForeignFunction:
        def pulled(v: Any, *arguments: Any) -> Any:
            def along(*at: Any) -> Any:
                return library.dot(v, f(*at))

            return library.grad(along, k)(*arguments)

        return foreign(library, library.compiled(pulled))

    return ForeignFunction(lambda *arguments: library.call(f, *arguments), pullback)


def _first_lines(error: Exception) -> str:
    """What a library says before it starts to explain itself."""
    lines = str(error).strip().splitlines() or [""]
    said = lines[0].strip()
    return said if said.endswith((".", "!")) else f"{said}."


@dataclass(frozen=True)
class Entries:
    """Named arrays, one after the other in one vector.

    Attributes
    ----------
    names : tuple of str
        Of the arrays; "" for one that has none.
    shapes : tuple of tuple of int
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> list[int]:
        """Numbers in each array."""
        return [int(np.prod(shape)) for shape in self.shapes]

    def parts(self, vector: Any) -> list[Any]:
        """The arrays that a vector holds, of its own library."""
        stops = np.cumsum(self.sizes).tolist()
        return [
            vector[start:stop].reshape(shape)
            for start, stop, shape in zip([0, *stops], stops, self.shapes, strict=False)
        ]

    def entry_names(self) -> tuple[str, ...] | None:
        """A name for each number, such as ``layer.weight[0, 1]``; None for one bare vector."""
        if self.names == ("",) and len(self.shapes[0]) == 1:
            return None
        return tuple(
            f"{name}[{', '.join(map(str, place))}]" if shape else name
            for name, shape in zip(self.names, self.shapes, strict=True)
            for place in np.ndindex(*shape)
        )

    def require_floats(self, types: list[str], remedy: str) -> None:
        """Some parameters, all of float64."""
        if not sum(self.sizes):
            raise InvalidInputError(
                "`theta` must hold at least one parameter, but it is empty; pass the arrays that "
                "are to be estimated."
            )
        for name, found in zip(self.names, types, strict=True):
            if found != "float64":
                of = f"`{name}`" if name else "`theta`"
                raise InvalidInputError(
                    "Parameters must be of float64, since influences are small differences, but "
                    f"{of} is of {found}; {remedy}"
                )
