"""Which arrays a loss reads, and copies of it that read others: for tests of a user's loss.

A plain function keeps its data in its closure, its defaults and the globals it names; a loss
object keeps them in its attributes. Nothing of the user's is changed: functions are copied.
"""

import copy
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np
import pandas as pd

from vifstats.losses.base import Loss

__all__ = ["arrays_of", "rewritten"]

Visit = Callable[[str, Any], Any]
ARRAYS = (np.ndarray, pd.Series, pd.DataFrame)
BACKENDS = ("jax", "jaxlib", "torch")
# What describes the objects of a loss, and is not their data.
DESCRIPTION = {"labels", "names", "n_objects", "n_params"}


def arrays_of(loss: Loss) -> dict[str, Any]:
    """The arrays that a loss reads, by the name of the variable that holds each."""
    found: dict[str, Any] = {}

    def record(name: str, array: Any) -> Any:
        found.setdefault(name, array)
        return array

    rewritten(loss, record)
    return found


def rewritten(loss: Loss, visit: Visit) -> Loss:
    """A copy of the loss in which ``visit(name, array)`` stands in for each array that it reads.

    `visit`: takes the name of the variable and the array (or Series or DataFrame).

    Examples
    --------
    >>> from vifstats import FunctionLoss
    >>> def around(y):
    ...     return FunctionLoss(lambda theta, b: (b * (y - theta[0]) ** 2).sum(), 2, 1)
    >>> doubled = rewritten(around(np.array([1.0, 2.0])), lambda name, array: 2 * array)
    >>> float(doubled.value(np.zeros(1), np.ones(2)))
    20.0
    """
    clone = copy.copy(loss)
    # not what was computed once from the arrays, which the copy computes again from others
    for name, value in loss.__getstate__().items():
        if name not in DESCRIPTION:
            setattr(clone, name, _rewrite(name, value, visit, ()))
    return clone


def _rewrite(name: str, value: Any, visit: Visit, inside: tuple[Any, ...]) -> Any:
    if _is_array(value):
        return visit(name, value)
    if isinstance(value, FunctionType) and value not in inside:
        return _rewrite_function(value, visit, (*inside, value))
    if type(value) in (tuple, list):
        parts = (_rewrite(f"{name}[{k}]", part, visit, inside) for k, part in enumerate(value))
        return type(value)(parts)
    if type(value) is dict:
        return {k: _rewrite(f"{name}[{k!r}]", part, visit, inside) for k, part in value.items()}
    return value


def _is_array(value: Any) -> bool:
    """Also the arrays of JAX and PyTorch that NumPy can read, without importing either."""
    if isinstance(value, ARRAYS):
        return True
    if type(value).__module__.split(".")[0] not in BACKENDS or not hasattr(value, "__array__"):
        return False
    on_device = getattr(getattr(value, "device", None), "type", "cpu") != "cpu"
    return not (on_device or getattr(value, "requires_grad", False))


def _rewrite_function(f: FunctionType, visit: Visit, inside: tuple[Any, ...]) -> FunctionType:
    closure = tuple(
        CellType(_rewrite(name, cell.cell_contents, visit, inside))
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
    )
    named = {
        name: _rewrite(name, f.__globals__[name], visit, inside)
        for name in _names(f.__code__)
        if _is_data_or_helper(f.__globals__.get(name), f)
    }
    defaults = _rewrite(f"defaults of {f.__name__}", f.__defaults__, visit, inside)
    copied = FunctionType(f.__code__, f.__globals__ | named, f.__name__, defaults, closure)
    copied.__kwdefaults__ = _rewrite("defaults", f.__kwdefaults__, visit, inside)
    return copied


def _is_data_or_helper(value: Any, f: FunctionType) -> bool:
    """Arrays, containers, and functions of the same module: a library's own are left alone."""
    if isinstance(value, FunctionType):
        return value.__globals__ is f.__globals__
    return _is_array(value) or isinstance(value, (tuple, list, dict))


def _names(code: CodeType) -> Iterator[str]:
    """The globals that a function may name, those of its inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
