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
OPTIONS = (
    *("top", "ties", "seconds", "penalizer", "method", "shard", "output", "level", "seed", "sep"),
)
FILL = ("leave these rows out with --dropna", "fill the gaps in the file")
# What the package says to those who call it from Python, and what it means to a reader of a table:
# text, or a beginning and alternatives, of which those stay whose options the command has.
REMEDIES: dict[str, str | tuple[str, ...]] = {
    r"(?<=; )encode it, for example with pandas\.get_dummies\(.*?\)\.": (
        "",
        "name it in --categorical",
        "make it --strata",
        "leave it out of --covariates",
    ),
    r"convert it, for example with pandas\.to_numeric": "write it as numbers in the file",
    r"(?<=; )correct such values or drop their rows\.": (
        "",
        "correct such cells in the file, whose first row is 0",
        "empty them and pass --dropna",
    ),
    r"(\bis nan (?:in .*)?\(\d+ such rows?\); )drop or (?:impute|fix) them\.": (r"\1", *FILL),
    r"drop or (?:impute|fix) them\.": "correct them in the file.",
    r"(must not be missing, but is in .*; )give such rows a label of their own.*": (
        r"\1",
        "give such rows a label of their own",
        "leave them out with --dropna",
    ),
    r"convert it to a number of days, for example with .*?\.days\)?": (
        "make it a number of days in the file"
    ),
    r"pass E - 1 \(or E == 2\)": "add --of 2 if 2 is the event, as in R's Surv",
    r"pass a comparison such as E == code_of_event": (
        "name the code of the event with --of: all others are censored"
    ),
    r"^(`E` must be numeric, but holds .*?); .*": (
        r"\1; name the value that stands for an event with --of: all others are censored."
    ),
    r"^The Hessian must be positive definite, but its diagonal is \S+ at (\[.*?\]).*": (
        r"Every covariate must vary (in a Cox model, within some risk set), but \1 do not; ",
        "leave them out of --covariates",
        "fit with --penalizer",
    ),
    r"^The Hessian must be positive definite, but .*? along (\[.*?\]).*": (
        r"Covariates must not be collinear, but \1 are; ",
        "leave one of them out of --covariates",
        "fit with --penalizer",
    ),
    r"Drop these columns or penalise them\.": (
        "",
        "Leave them out of --covariates",
        "fit with --penalizer",
    ),
    r", or use Firth's penalty or a penalizer\.": (
        ", or ",
        "use --penalty firth",
        "use --penalizer",
    ),
    r", or use Firth's penalty\.": (", or ", "use --penalty firth"),
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
        remedy = meant if isinstance(meant, str) else _alternatives(*meant, args=args)
        message = re.sub(said, remedy, message, flags=re.DOTALL)
    message = re.sub("`X`", "the covariates", message)
    message = re.sub("`treatment`", "--fragility", message)
    message = re.sub("`rows=False`", "--no-rows", message)
    message = re.sub("`n_jobs`", "--jobs", message)
    message = re.sub(f"`({'|'.join(COLUMNS)})`", lambda part: _column(part[1], args), message)
    return re.sub(f"`({'|'.join(OPTIONS)})`", r"--\1", message)


def _alternatives(beginning: str, *remedies: str, args: Any) -> str:
    """The remedies whose options the command has, as one clause."""
    kept = [remedy for remedy in remedies if args is None or _has_options(args, remedy)]
    return (beginning + ", or ".join(kept) if kept else "") + "."


def _has_options(args: Any, remedy: str) -> bool:
    return all(hasattr(args, name) for name in re.findall(r"--(\w+)", remedy))


def _column(name: str, args: Any) -> str:
    """The user's name of a column, or the option that would give it one."""
    option = COLUMNS[name]
    given = getattr(args, option, None)
    if not given and name == "groups":
        given = getattr(args, "cluster", None)
    if not given:
        return f"--{option}"
    return f"`{given if isinstance(given, str) else ', '.join(given)}`"
