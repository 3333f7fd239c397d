"""Single numbers and words: the options of every call."""

import os
from collections.abc import Collection, Hashable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from vifstats.checks.arrays import numbers
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = [
    "among",
    "counting_number",
    "file_path",
    "flag",
    "non_negative_number",
    "one_number",
    "one_of",
    "positive_number",
    "proportion",
    "tolerance",
    "whole_number",
]


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


def flag(value: Any, name: str) -> bool:
    """True or False, and no number or word that Python would take for one."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidTypeError(f"`{name}` must be True or False, but is {value!r}.")
    return bool(value)


def among(value: Any, allowed: Collection[Any]) -> bool:
    """Whether a value is one of some; an array or a table is none of them, and has no truth."""
    return isinstance(value, Hashable) and value in allowed


def file_path(value: Any, name: str) -> Path:
    """A path from text, or a Path."""
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise InvalidTypeError(f"`{name}` must be a path as text or a Path, but is {value!r:.60}.")
    return Path(value)


def one_of(value: Any, allowed: Sequence[str], name: str) -> str:
    """One of a few words."""
    if not among(value, allowed):
        words = ", ".join(map(repr, allowed))
        close = get_close_matches(value, list(map(str, allowed))) if isinstance(value, str) else []
        meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
        raise InvalidInputError(f"`{name}` must be one of {words}, but is {value!r}{meant}")
    return value
