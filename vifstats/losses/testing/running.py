"""Rules run one after the other, and what they found as text; for losses and for targets."""

from collections.abc import Callable, Collection, Mapping
from textwrap import fill
from typing import TypeVar

import pandas as pd

from vifstats.errors import InvalidInputError

__all__ = ["as_table", "as_text", "found_by"]

WIDTH = 100
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


def as_table(findings: Mapping[str, str]) -> pd.DataFrame:
    """A line for each rule: its name as the label, and what was found."""
    rules = pd.Index(list(findings), name="rule")
    return pd.DataFrame({"finding": list(findings.values())}, index=rules)


def as_text(title: str, findings: Mapping[str, str]) -> str:
    """A title, and a line for each rule, or more where it is long."""
    width = max(map(len, findings))
    lines = [
        fill(f"  {rule:<{width}}  {text}", WIDTH, subsequent_indent=" " * (width + 4))
        for rule, text in findings.items()
    ]
    return "\n".join([title, *lines])
