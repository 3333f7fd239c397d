"""Single numbers and words: the options of every call."""

import os
from collections.abc import Collection, Hashable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from vifstats.checks.arrays import numbers
from vifstats.checks.text import quoted
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = [
    "among",
    "counting_number",
    "file_path",
    "finite_number",
    "flag",
    "non_negative_number",
    "one_number",
    "one_of",
    "pair",
    "positive_number",
    "proportion",
    "seconds",
    "small_number",
    "times",
    "tolerance",
    "whole_number",
]


def one_number(value: Any, name: str) -> float:
    """A number of any size; True is refused, although Python counts with it."""
    if isinstance(value, bool | np.bool_):
        raise InvalidTypeError(
            f"`{name}` must be one number, but is {quoted(value)}; pass the number itself."
        )
    number = numbers(value, f"`{name}`")
    if number.size != 1:
        raise InvalidInputError(
            f"`{name}` must be one number, but has shape {number.shape}; call once for each."
        )
    return float(number.ravel()[0])


def finite_number(value: Any, name: str) -> float:
    """A finite number."""
    number = one_number(value, name)
    if not np.isfinite(number):
        raise InvalidInputError(
            f"`{name}` must be finite, but is {quoted(value)}; pass a finite number."
        )
    return number


def proportion(value: Any, name: str, such_as: float = 0.95) -> float:
    """A number between 0 and 1, both excluded; an error says which share a percentage is.

    `such_as`: what the remedy proposes for other numbers.
    """
    number = one_number(value, name)
    if not 0 < number < 1:
        remedy = f"pass a share, such as {such_as:g}"
        if 1 < number < 100:
            remedy = f"pass {number / 100:g} for {number:g} %"
        raise InvalidInputError(
            f"`{name}` must be between 0 and 1, but is {quoted(value)}; {remedy}."
        )
    return number


def small_number(value: Any, name: str) -> float:
    """A tolerance between 0 and 1, both excluded, which is no share of anything."""
    number = one_number(value, name)
    if not 0 < number < 1:
        raise InvalidInputError(
            f"`{name}` must be between 0 and 1, but is {quoted(value)}; pass a small number, such "
            "as 1e-6."
        )
    return number


def positive_number(value: Any, name: str) -> float:
    """A finite number above 0."""
    number = one_number(value, name)
    if not (np.isfinite(number) and number > 0):
        raise InvalidInputError(
            f"`{name}` must be positive and finite, but is {quoted(value)}; pass a number above 0."
        )
    return number


def tolerance(value: Any, name: str) -> float:
    """A number above 0; inf accepts every result."""
    number = one_number(value, name)
    if not number > 0:
        raise InvalidInputError(
            f"`{name}` must be above 0, inf for no check, but is {quoted(value)}; pass a number "
            "above 0."
        )
    return number


def seconds(value: Any, name: str) -> float:
    """A time of at least 0; inf means no limit."""
    number = one_number(value, name)
    if not number >= 0:
        raise InvalidInputError(
            f"`{name}` must be >= 0, inf without an end, but is {quoted(value)}; pass a number of "
            "them."
        )
    return number


def non_negative_number(value: Any, name: str) -> float:
    """A finite number of at least 0."""
    number = one_number(value, name)
    if not (np.isfinite(number) and number >= 0):
        raise InvalidInputError(
            f"`{name}` must be >= 0 and finite, but is {quoted(value)}; pass 0 or a number above "
            "it."
        )
    return number


def pair(values: Any, name: str) -> tuple[float, float]:
    """Two positive numbers, such as width and height."""
    if not isinstance(values, Sequence | np.ndarray) or len(values) != 2:
        raise InvalidTypeError(
            f"`{name}` must be two numbers, but is {values!r:.60}; pass width and height."
        )
    first, second = (positive_number(value, name) for value in values)
    return first, second


def times(values: Any, name: str, earliest: float = 0.0) -> np.ndarray:
    """Finite times, at least one, in one dimension, none earlier than the earliest allowed.

    Returns (m,).
    """
    if isinstance(values, bool | np.bool_):
        raise InvalidTypeError(f"`{name}` must be times, but is {values!r}; pass numbers.")
    wanted = np.atleast_1d(numbers(values, f"`{name}`"))
    if wanted.ndim != 1 or not len(wanted) or not np.isfinite(wanted).all():
        raise InvalidInputError(
            f"`{name}` must be finite numbers in one dimension, at least one, but is "
            f"{values!r:.60}; pass a number or a list of them."
        )
    if wanted.min() < earliest:
        raise InvalidInputError(
            f"`{name}` must be >= {earliest:g}, but one is {wanted.min():g}; pass times of "
            "follow-up."
        )
    return wanted


def counting_number(value: Any, name: str) -> int:
    """An integer of at least 1."""
    if (number := whole_number(value, name)) == 0:
        raise InvalidInputError(f"`{name}` must be 1 or more, but is 0; pass a larger one.")
    return number


def whole_number(value: Any, name: str) -> int:
    """An integer of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidTypeError(
            f"`{name}` must be a whole number, but is {quoted(value):.60}; pass an int, such as 10."
        )
    if value < 0:
        raise InvalidInputError(f"`{name}` must be 0 or more, but is {value}; pass a larger one.")
    return int(value)


def flag(value: Any, name: str) -> bool:
    """True or False; numbers and words that Python would take for one are refused."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidTypeError(
            f"`{name}` must be True or False, but is {quoted(value):.60}; pass one of the two."
        )
    return bool(value)


def among(value: Any, allowed: Collection[Any]) -> bool:
    """Whether a value is one of the options; an array or table never is, and has no truth value."""
    return isinstance(value, Hashable) and value in allowed


def file_path(value: Any, name: str) -> Path:
    """A path from text, or a Path."""
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise InvalidTypeError(
            f"`{name}` must be a path as text or a Path, but is {value!r:.60}; pass one of these."
        )
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise InvalidInputError(
            f"`{name}` must be a path, but {value!r:.60} is empty or has a null byte; name a file "
            "or folder."
        )
    return Path(value)


def one_of(value: Any, allowed: Sequence[str], name: str) -> str:
    """One of a few words."""
    if not among(value, allowed):
        words = ", ".join(map(repr, allowed))
        close = get_close_matches(value, list(map(str, allowed))) if isinstance(value, str) else []
        meant = (
            f"; did you mean {' or '.join(map(repr, close))}?" if close else "; pass one of these."
        )
        raise InvalidInputError(f"`{name}` must be one of {words}, but is {value!r:.60}{meant}")
    return value
