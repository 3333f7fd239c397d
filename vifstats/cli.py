"""The command ``vifstats``: arguments in, text and files out, exit code 2 and one line on error."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn, TextIO

import pandas as pd

from vifstats.adapters import from_model
from vifstats.cox_table import CoxColumns, checked_frame, fit_frame
from vifstats.datasets import load_rossi, read_table
from vifstats.errors import InvalidInputError, VifError
from vifstats.reporting import METHODS, as_text, find, writable_folder, write_findings
from vifstats.versions import __version__

__all__ = ["main"]

WHAT = "Versatile Influence Function, not the variance inflation factor"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; default those of the process.

    Returns
    -------
    int
        The exit code: 0, 2 after an error in the input, 130 after an interrupt.

    Examples
    --------
    >>> main(["cox", "--top", "0"])  # doctest: +ELLIPSIS
    Cox model of rossi, ...
    0
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell_warning  # restored by catch_warnings
            args = _parser().parse_args(argv)
            args.run(args)
    except VifError as error:
        _tell(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _tell("interrupted; nothing half-written is left behind")
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    """Errors in arguments end as all others do: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("vifstats", description=f"{WHAT}: what if this row had not been in the data?")
    parser.add_argument("--version", action="version", version=f"vifstats {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cox = commands.add_parser(
        "cox",
        help="influence of every row on a Cox model",
        description=f"Fit a Cox model with lifelines and say which rows drive it ({WHAT}).",
    )
    cox.set_defaults(run=_cox)
    add = cox.add_argument
    add("file", nargs="?", help="CSV or Parquet; default: rossi, the data bundled with lifelines")
    add("--time", metavar="COL", help="time of event or censoring")
    add("--event", metavar="COL", help="1 event, 0 censored")
    add(
        "--covariates", metavar="A,B", type=_names, help="default: every column not named otherwise"
    )
    add("--strata", metavar="A,B", type=_names, default=(), help="a baseline hazard for each")
    add("--weights", metavar="COL", help="case weights, > 0")
    add("--entry", metavar="COL", help="delayed entry: at risk strictly after it")
    add("--groups", metavar="COL", help="rows with one value are removed together, as a subject's")
    add("--penalizer", metavar="L", type=float, default=0.0, help="ridge, as in lifelines")
    add("--method", choices=METHODS, default="vif", help="default: vif; refit is exact")
    add("--top", metavar="N", type=int, default=10, help="rows to show and refit; default 10")
    add("-o", "--output", metavar="DIR", help="write influence.csv and influence.json there")
    return parser


def _cox(args: argparse.Namespace) -> None:
    table, name, columns = _input(args)
    folder = None if args.output is None else writable_folder(args.output)
    frame = checked_frame(table, columns, penalizer=args.penalizer)
    groups = None if columns.groups is None else table[columns.groups]
    est = from_model(fit_frame(frame, columns, penalizer=args.penalizer), frame, groups=groups)
    found = find(est, args.method, top=args.top, progress=sys.stderr.isatty())
    events = int(frame[columns.event].sum())
    print(f"Cox model of {name}: {len(frame)} rows (numbered from 0), {events} events")
    print(f"({WHAT})\n")
    print(as_text(found, rows=columns.groups or "row"))
    if folder is not None:
        context = {"data": name, "n_rows": len(frame), "n_events": events, **vars(columns)}
        context["covariates"] = est.names
        paths = write_findings(found, folder, context)
        print(f"\nWritten: {' and '.join(map(str, paths))}")


def _input(args: argparse.Namespace) -> tuple[pd.DataFrame, str, CoxColumns]:
    """The table, what to call it, and which column plays which part."""
    if args.file is None:
        table, name = load_rossi(), "rossi, bundled with lifelines"
        time, event = args.time or "week", args.event or "arrest"
    elif args.time is None or args.event is None:
        raise InvalidInputError(
            "A file needs --time and --event: the columns of the time and of the event (1, or 0 "
            "for censored) with which follow-up ends."
        )
    else:
        table, name, time, event = read_table(args.file), args.file, args.time, args.event
    parts = (args.covariates, args.strata, args.weights, args.entry, args.groups)
    return table, name, CoxColumns(time, event, *parts)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _tell(message: str) -> None:
    """One line on standard error, however many the message had."""
    print("vifstats:", " ".join(message.split()), file=sys.stderr)


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _tell(f"warning: {message}")
