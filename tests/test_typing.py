"""Public signatures say what to pass: hardly any of their parameters is `Any`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import public

from vifstats import typing as named

# Of all parameters of public functions and methods. What stays has no narrower name: options
# handed on, what a row loss makes of its outcomes, a loss that must be of one class.
SHARE_OF_ANY = 0.06


def functions(thing: object) -> Iterator[Callable]:
    """What a user calls of a public object: itself, or its methods."""
    if inspect.isfunction(thing):
        yield thing
    if inspect.isclass(thing):
        # what is inherited is called all the same
        for name, member in inspect.getmembers_static(thing):
            function = member.__func__ if isinstance(member, classmethod) else member
            if inspect.isfunction(function) and (name == "__init__" or name[0] != "_"):
                yield function


def parameters() -> list[tuple[str, str]]:
    """Each public parameter and its type, once."""
    found = {}
    for module in public.MODULES:
        for name in module.__all__:
            for function in functions(getattr(module, name)):
                place = f"{function.__module__}.{function.__qualname__}"
                for parameter in inspect.signature(function).parameters.values():
                    if place.startswith("vifstats.") and parameter.name not in {"self", "cls"}:
                        found[f"{place}({parameter.name})"] = str(parameter.annotation)
    return list(found.items())


def test_few_public_parameters_are_any():
    every = parameters()
    vague = [place for place, annotation in every if "typing.Any" in annotation]
    assert len(every) > 800
    assert len(vague) <= SHARE_OF_ANY * len(every), "\n".join(vague)


def test_each_public_parameter_has_a_type():
    assert [place for place, annotation in parameters() if "inspect._empty" in annotation] == []


def test_a_named_type_says_more_than_any():
    aliases = {name: value for name, value in vars(named).items() if name in named.__all__}
    assert set(aliases) == set(named.__all__)
    assert [name for name, value in aliases.items() if "typing.Any" in str(value)] == []
