"""Functions, names, labels and other things of a known kind, as arguments of every call."""

import os
from collections.abc import Hashable, Iterable, Sized
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["file_target", "function", "instance", "object_labels", "plain_text", "unique_names"]


def function(value: Any, name: str, call: str = "") -> Any:
    """A function; a class is refused, although it may be called.

    `call`: the call that it must accept, such as "f(theta, b)".
    """
    if callable(value) and not isinstance(value, type):
        if call:
            _require_arguments(value, name, call)
        return value
    form = f" {call}" if call else ""
    raise InvalidTypeError(
        f"`{name}` must be a function{form}, but is {value!r:.60}; pass the function itself."
    )


def _require_arguments(value: Any, name: str, call: str) -> None:
    try:
        known = signature(value)
    except (ValueError, TypeError):  # functions in C have none
        return
    try:
        known.bind(*call[call.index("(") + 1 : -1].split(", "))
    except TypeError as error:
        raise InvalidTypeError(
            f"`{name}` must be a function that can be called as {call}, but its arguments are "
            f"{known} ({error}); write it with these."
        ) from error


def instance(value: Any, kind: type | tuple[type, ...], name: str, such_as: str) -> Any:
    """An object of a class.

    `such_as`: what the remedy proposes.
    """
    if isinstance(value, kind):
        return value
    found = f"the class {value.__name__}" if isinstance(value, type) else f"{value!r:.60}"
    raise InvalidTypeError(
        f"`{name}` must be an object such as {such_as}, but is {found}; pass one of these."
    )


def plain_text(value: Any, name: str) -> str:
    """A text; values that could only be converted to one are refused."""
    if not isinstance(value, str):
        raise InvalidTypeError(f"`{name}` must be text, but is {value!r:.60}; pass a str.")
    return value


def unique_names(values: Any, name: str, n: int | None = None) -> tuple[str, ...]:
    """Different names, as many as are needed: a sequence, not one text.

    `n`: how many; None where that is not known.
    """
    listed = _listed(values, name)
    if n is not None and len(listed) != n:
        raise InvalidInputError(
            f"`{name}` must have one entry per parameter, {n}, but has {len(listed)}; pass as many."
        )
    named = tuple(map(str, listed))
    if twice := [each for k, each in enumerate(named) if each in named[:k]]:
        raise InvalidInputError(
            f"`{name}` must be different from each other, but {twice[0]!r} occurs more often; "
            "rename one of them."
        )
    return named


def object_labels(labels: Any, n: int | None) -> pd.Index:
    """One label for each object; they may occur more than once.

    `n`: how many objects; None where that is not known.
    """
    if isinstance(labels, pd.Index):
        found = labels
    else:
        listed = _listed(labels, "labels")
        found = pd.Index(labels) if isinstance(labels, np.ndarray) else pd.Index(listed)
    if n is not None and len(found) != n:
        raise InvalidInputError(
            f"`labels` must have one entry per object, {n}, but has {len(found)}; pass one for "
            "each."
        )
    return found


def file_target(value: Any, name: str) -> Any:
    """A path as text or a Path, or an open file; where something is written."""
    is_path = isinstance(value, str | os.PathLike) and not isinstance(os.fspath(value), bytes)
    if is_path and "\0" in os.fspath(value):
        raise InvalidInputError(
            f"`{name}` must be a path, but {value!r:.60} has a null byte; remove it."
        )
    # a class has a method to write as well, and no object to call it on
    if is_path or (callable(getattr(value, "write", None)) and not isinstance(value, type)):
        return value
    raise InvalidTypeError(
        f"`{name}` must be a path as text, a Path or an open file, but is {value!r:.60}; pass one "
        "of these."
    )


def _listed(values: Any, name: str) -> list[Any]:
    """The entries of a sequence of names."""
    many = isinstance(values, Iterable) and isinstance(values, Sized)
    flat = not isinstance(values, np.ndarray) or values.ndim == 1
    if not (many and flat) or isinstance(values, str | bytes | pd.DataFrame):
        raise InvalidTypeError(
            f"`{name}` must be a sequence of names, but is {values!r:.60}; pass a list."
        )
    listed = list(values)
    if odd := [entry for entry in listed if not isinstance(entry, Hashable)]:
        raise InvalidTypeError(
            f"`{name}` must be names, such as numbers or text, but one is {odd[0]!r:.60}; "
            "replace it."
        )
    return listed
