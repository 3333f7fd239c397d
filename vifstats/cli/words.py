"""Errors and warnings in the words of the command: its options, and the columns of the table."""

import re
from typing import Any

__all__ = ["in_command_words"]

# Which option names the column that the package knows by another name.
COLUMNS = {
    "T": "time",
    "E": "event",
    "y": "outcome",
    "entry": "entry",
    "weights": "weights",
    "strata": "strata",
    "groups": "groups",
}
OPTIONS = ("top", "ties", "seconds", "penalizer", "method", "shard", "output")
# What the package says to those who call it from Python, and what it means to a reader of a table.
REMEDIES = {
    r"encode it, for example with pandas\.get_dummies\(.*?\)\.": (
        "name it in --categorical, make it --strata, or leave it out of --covariates."
    ),
    r"drop or impute them\.": "leave these rows out with --dropna, or fill the gaps in the file.",
    r"convert it to a number of days, for example with .*?\.days": (
        "make it a number of days in the file"
    ),
    r"pass E - 1 \(or E == 2\)": "add --of 2 if 2 is the event, as in R's Surv",
    r"pass a comparison such as E == code_of_event": (
        "name the code of the event with --of: all others are censored"
    ),
    r"^(`E` must be numeric, but .*?); .*": (
        r"\1; name the value that stands for an event with --of: all others are censored."
    ),
    r"^The Hessian must be positive definite, but its diagonal is \S+ at (\[.*?\]).*": (
        r"Every covariate must vary within some risk set, but \1 do not; leave them out of "
        "--covariates, or fit with --penalizer."
    ),
    r"^The Hessian must be positive definite, but .*? along (\[.*?\]).*": (
        r"Covariates must not be collinear, but \1 are; leave one of them out of --covariates, or "
        "fit with --penalizer."
    ),
    r"Drop these columns or penalise them\.": (
        "Leave them out of --covariates, or fit with --penalizer."
    ),
    r"use Firth's penalty or a penalizer\.": "use --penalty firth or --penalizer.",
    r"use Firth's penalty\.": "use --penalty firth.",
    r"or\s+fit\s+with\s+a\s+penalty,\s+such\s+as\s+Firth's\s+\(vifstats\.firth\)\.": (
        "or fit with --penalty firth."
    ),
    r"pass smaller groups, or none\.": "name another column in --groups, or leave out the option.",
    # lifelines', whose remedies are calls
    r"^Column (\S+) have very low variance.*": (
        r"Column '\1' hardly varies among the events, or among the censored rows: its hazard ratio "
        "may be infinite (separation); with --penalty firth it is finite."
    ),
    r"Instead a\) set `robust=True`.*": (
        "Take standard errors that do not rely on them: --robust, or --cluster."
    ),
    r"pass checkpoint=.*?(?=[;.]|$)": "run the same command again",
}


def in_command_words(message: str, args: Any = None) -> str:
    """An error about `T` as one about `week`, the column that was typed.

    `args`: what the options were, as far as they are known.

    Examples
    --------
    >>> in_command_words("`top` must be >= 0, but is -1.")
    '--top must be >= 0, but is -1.'
    """
    for said, meant in REMEDIES.items():
        message = re.sub(said, meant, message, flags=re.DOTALL)
    message = re.sub("`X`", "the covariates", message)
    message = re.sub("`treatment`", "--fragility", message)
    message = re.sub("`rows=False`", "--no-rows", message)
    message = re.sub(f"`({'|'.join(COLUMNS)})`", lambda part: _column(part[1], args), message)
    return re.sub(f"`({'|'.join(OPTIONS)})`", r"--\1", message)


def _column(name: str, args: Any) -> str:
    """The user's name of a column, or the option that would give it one."""
    option = COLUMNS[name]
    given = getattr(args, option, None)
    if not given and name == "groups":
        given = getattr(args, "cluster", None)
    if not given:
        return f"--{option}"
    return f"`{given if isinstance(given, str) else ', '.join(given)}`"
