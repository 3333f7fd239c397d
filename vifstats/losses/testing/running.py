"""Rules run one after the other, and what they found as text; for losses and for targets."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from vifstats.errors import InvalidInputError

__all__ = ["as_text", "found_by"]

Trial = TypeVar("Trial")


def found_by(
    rules: Mapping[str, Callable[[Trial], str]], trial: Trial, skip: Collection[str]
) -> dict[str, str]:
    """One sentence per rule; the first that is broken raises."""
    if unknown := set(skip) - set(rules):
        raise InvalidInputError(
            f"`skip` names rules of {list(rules)}, but has {sorted(unknown)}; correct the names."
        )
    return {name: "skipped" if name in skip else rule(trial) for name, rule in rules.items()}


def as_text(title: str, findings: Mapping[str, str]) -> str:
    """A title, and a line for each rule."""
    width = max(map(len, findings))
    return "\n".join([title, *(f"  {rule:<{width}}  {text}" for rule, text in findings.items())])
