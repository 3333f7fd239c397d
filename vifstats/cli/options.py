"""What may be typed: the commands, their options, and one line on a mistake in them."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from vifstats.errors import InvalidInputError
from vifstats.reporting import METHODS
from vifstats.versions import __version__

__all__ = ["REGRESSIONS", "WHAT", "command_parser"]

WHAT = "Versatile Influence Function, not the variance inflation factor"
# Regressions by the name of their command, and what their outcome is.
REGRESSIONS = {
    "logit": "1 or 0",
    "poisson": "a count",
    "ols": "a number",
}
TIES = ("efron", "breslow", "exact")
NOTHING: Mapping[str, None] = dict.fromkeys(("cox", "regression", "merge"))
# Regressions that can have Firth's penalty, and what it does.
WITH_FIRTH = ("logit", "poisson")
FIRTH = "Firth's: estimates are finite where covariates separate the outcomes, too"


class Parser(argparse.ArgumentParser):
    """Errors in arguments end as all others do: one line, exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """What was typed; each command itself refuses options that it does not have."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise InvalidInputError(f"{message}; see {self.prog} --help")


def command_parser(run: Mapping[str, Callable[..., Any] | None] = NOTHING) -> Parser:
    """The parser of `vifstats`; `run`: what a command calls, by "cox", "regression", "merge".

    By default nothing, for programs that only ask which options there are: completion in a shell.
    """
    parser = Parser("vifstats", description=f"{WHAT}: what if this row had not been in the data?")
    parser.add_argument("--version", action="version", version=f"vifstats {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    cox = commands.add_parser(
        "cox",
        help="influence of every row on a Cox model",
        description=f"Fit a Cox model with lifelines and say which rows drive it ({WHAT}).",
    )
    cox.set_defaults(run=run["cox"])
    _of_cox(cox)
    for name, outcome in REGRESSIONS.items():
        regression = commands.add_parser(
            name,
            help=f"the same of a regression whose outcome is {outcome}",
            description=f"Fit it with statsmodels and say which rows drive it ({WHAT}).",
        )
        regression.set_defaults(run=run["regression"], command=name)
        add = regression.add_argument
        add("file", help="CSV or Parquet")
        add("--outcome", metavar="COL", required=True, help=outcome)
        _of_columns(regression)
        if name in WITH_FIRTH:
            add("--penalty", choices=("firth",), help=FIRTH)
        _of_all(regression)
    merge = commands.add_parser(
        "merge",
        help="put the parts of a job array together",
        description="Check that all parts of `vifstats cox --shard` are there, and join them.",
    )
    merge.set_defaults(run=run["merge"])
    merge.add_argument("folder", metavar="DIR", help="where the parts are: -o of the shards")
    merge.add_argument("-o", "--output", metavar="DIR", help="for influence.csv; default: DIR")
    return parser


def _of_cox(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", nargs="?", help="CSV or Parquet; default: rossi, the data bundled with lifelines")
    add("--time", metavar="COL", help="time of event or censoring")
    add("--event", metavar="COL", help="1 event, 0 censored; other codes with --of")
    causes = "instead of --event: what ended follow-up, 0 (or censored) for none of the causes"
    add("--cause", metavar="COL", help=causes)
    add(
        "--of",
        metavar="LEVEL",
        help="level of --event or --cause that is the event; the others are censored",
    )
    fine_gray = "Fine and Gray's model of that cause, with robust standard errors"
    add("--fine-gray", action="store_true", help=fine_gray)
    _of_columns(parser)
    add("--strata", metavar="A,B", type=_names, default=(), help="a baseline hazard for each")
    add("--weights", metavar="COL", help="case weights, > 0")
    add("--entry", metavar="COL", help="delayed entry: at risk strictly after it")
    add("--ties", choices=TIES, default="efron", help="of events at one time; default: efron")
    add("--penalizer", metavar="L", type=float, default=0.0, help="ridge, as in lifelines")
    add("--penalty", choices=("firth",), help=FIRTH)
    _of_all(parser)
    treated = "how few rows recorded otherwise would change the significance of this covariate"
    add("--fragility", metavar="COL", help=treated)
    add("--shard", metavar="K/N", help="of a job array: only part K of N of the refits, into DIR")


def _of_columns(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    others = "default: every column not named otherwise"
    add("--covariates", metavar="A,B", type=_names, help=others)
    add("--formula", metavar="F", help="instead of --covariates: 'age + C(site) * dose'")
    levels = "covariates that are levels, the first of them the reference"
    add("--categorical", metavar="A,B", type=_names, default=(), help=levels)
    add("--groups", metavar="COL", help="rows with one value are removed together, as a subject's")
    add("--robust", action="store_true", help="Lin and Wei's standard errors, by --groups if given")
    add("--cluster", metavar="COL", help="robust standard errors by the values of a column")
    add("--id-col", metavar="COL", help="what rows are called; default their number, from 0")
    add("--dropna", action="store_true", help="leave out rows with missing values, and count them")
    add("--sep", metavar="S", help="between fields of a CSV file; default: comma, ; or TAB, as is")


def _of_all(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    auto = "default: auto, which is refit where --seconds are enough for it, else vif"
    add("--method", choices=METHODS, default="auto", help=auto)
    add("--top", metavar="N", type=int, default=10, help="rows to show and refit; default 10")
    add("--seconds", metavar="S", type=float, default=20.0, help="time for refits; default 20")
    add("--jobs", metavar="N", type=int, help="processes that refit; -1: one on each core")
    add("--seed", metavar="N", type=int, default=0, help="of the random rows; default 0")
    add("--level", metavar="P", type=float, default=0.95, help="of intervals in text and JSON")
    add("--unit", metavar="WORD", help="what a row is called, such as patient")
    add("-o", "--output", metavar="DIR", help="write report.html and its numbers there")
    add("--no-rows", action="store_true", help="keep single rows to yourself: no label, no value")
    add("--json", action="store_true", help="print influence.json instead of text")
    add("--quiet", action="store_true", help="print nothing but errors and warnings")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
