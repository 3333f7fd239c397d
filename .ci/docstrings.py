"""Validate the docstring of every public name with numpydoc, by the rules in pyproject.toml.

Public is what a user can reach: the names in ``__all__`` of the modules below, and the public
methods and properties of their classes. numpydoc's own ``lint`` reads the source instead of the
objects, so it would ask closures, overrides and private helpers for sections of their own, too.
"""

import dataclasses
import inspect
import sys
import tomllib
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from numpydoc.validate import validate

MODULES = (
    "vifstats",
    "vifstats.adapters",
    "vifstats.closed_form",
    "vifstats.datasets",
    "vifstats.errors",
    "vifstats.losses",
    "vifstats.losses.row_losses",
    "vifstats.plots",
    "vifstats.reporting",
    "vifstats.solvers",
    "vifstats.streaming",
    "vifstats.targets",
)
NOT_ASKED = set(
    tomllib.loads(Path("pyproject.toml").read_text())["tool"]["numpydoc_validation"]["checks"]
)
# The example of a method is that of its class; its one sentence may say what it takes and gives.
NOT_ASKED_OF_MEMBERS = {"EX01", "PR01", "RT01"}
# Attributes are the parameters of a dataclass.
NOT_ASKED_OF_DATACLASSES = {"PR01"}
# An error is shown where it is raised, an abstract class by its subclasses.
NO_EXAMPLE = {"EX01"}


def public_names() -> Iterator[tuple[str, set[str]]]:
    """Full name of each public object, and the checks that make no sense for it."""
    for module_name in MODULES:
        module = import_module(module_name)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield f"{module_name}.{name}", set()
            elif inspect.isclass(thing):
                yield f"{module_name}.{name}", not_asked_of(thing)
                for base in bases_of_ours(thing):
                    for member in documented_members(base):
                        where = f"{base.__module__}.{base.__qualname__}"
                        yield f"{where}.{member}", NOT_ASKED_OF_MEMBERS


def not_asked_of(cls: type) -> set[str]:
    """The checks that make no sense for a class."""
    if issubclass(cls, Exception) or inspect.isabstract(cls):
        return NO_EXAMPLE
    return NOT_ASKED_OF_DATACLASSES if dataclasses.is_dataclass(cls) else set()


def bases_of_ours(cls: type) -> list[type]:
    """A class and its bases in the package: what it inherits its reader calls all the same."""
    return [base for base in cls.__mro__ if base.__module__.startswith("vifstats.")]


def documented_members(cls: type) -> Iterator[str]:
    """Public methods and properties that a class defines; an override inherits its docstring."""
    for name, thing in vars(cls).items():
        if name.startswith("_") or not is_method_or_property(thing):
            continue
        if inspect.getdoc(getattr(cls, name)) is None or thing.__doc__ is not None:
            yield name


def is_method_or_property(thing: Any) -> bool:
    """Whether a class attribute is code."""
    return inspect.isfunction(thing) or isinstance(thing, property | cached_property | classmethod)


def problems(name: str, not_asked: set[str]) -> list[str]:
    """What numpydoc finds in one docstring."""
    found = validate(name)
    place = f"{found['file']}:{found['file_line']}"
    return [
        f"{place}: {name}: {code} {text}"
        for code, text in found["errors"]
        if code not in NOT_ASKED | not_asked
    ]


names = dict(public_names())  # each once: a base has many subclasses
found = [line for name, not_asked in names.items() for line in problems(name, not_asked)]
print("\n".join(dict.fromkeys(found)))
sys.exit(bool(found))
