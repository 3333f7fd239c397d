"""The command ``vifstats``: arguments in, text and files out, exit code 2 and one line on error."""

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

import pandas as pd

from vifstats.adapters import from_model
from vifstats.checks.folders import reason, replacing_all, writable_folder
from vifstats.checks.text import inert, legible
from vifstats.cli.cox_table import (
    FIRST_UNNAMED,
    CoxColumns,
    checked_frame,
    finite_optimum,
    fit_frame,
)
from vifstats.cli.process import Terminated, open_descriptors, terminated_as_interrupted
from vifstats.cli.shards import merge_parts, parse_shard, write_part
from vifstats.cli.words import in_command_words
from vifstats.datasets import load_rossi, read_table
from vifstats.deletion.parallel import Shard
from vifstats.errors import InvalidInputError, VifError
from vifstats.reporting import (
    METHODS,
    SHARE_OF_SAMPLE,
    Findings,
    as_text,
    describe,
    find,
)
from vifstats.reporting.assemble import confirmed, report_texts
from vifstats.reporting.files import findings_texts
from vifstats.versions import __version__

__all__ = ["main"]

TABLES = ("influence.csv", "influence.json")
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
        The exit code: 0, 2 after an error in the input, 130 after an interrupt, 141 where the
        reader of the output went away, 143 where it was asked to end (SIGTERM).

    Examples
    --------
    >>> main(["cox", "--top", "0"])  # doctest: +ELLIPSIS
    Cox model of rossi, ...
    0
    """
    open_descriptors()
    args = None
    try:
        with terminated_as_interrupted(), warnings.catch_warnings():
            warnings.showwarning = _tell_warning  # restored by catch_warnings
            args = _parser().parse_args(argv)
            given = sys.argv[1:] if argv is None else argv
            args.run(args, _legible(shlex.join(["vifstats", *given])))
    except VifError as error:
        _tell(f"error: {in_command_words(str(error), args)}")
        return 2
    except KeyboardInterrupt as interrupt:
        notes = getattr(interrupt, "__notes__", ())
        _tell("; ".join(["interrupted; nothing half-written is left behind", *notes]))
        return 143 if isinstance(interrupt, Terminated) else 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _drop_output()
        return 141
    except OSError as error:  # of the system, such as a disk that is full; BrokenPipe is above
        _tell(f"error: The system must let this work, but does not ({reason(error)}).")
        return 2
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
    add("--robust", action="store_true", help="Lin and Wei's standard errors, by --groups if given")
    add("--cluster", metavar="COL", help="robust standard errors by the values of a column")
    add("--penalizer", metavar="L", type=float, default=0.0, help="ridge, as in lifelines")
    add("--method", choices=METHODS, default="vif", help="default: vif; refit is exact")
    add("--top", metavar="N", type=int, default=10, help="rows to show and refit; default 10")
    add("--id-col", metavar="COL", help="what rows are called; default their number, from 0")
    add("--seconds", metavar="S", type=float, default=20.0, help="time for refits; default 20")
    add("-o", "--output", metavar="DIR", help="write report.html and its numbers there")
    add("--no-rows", action="store_true", help="keep single rows to yourself: no label, no value")
    add("--shard", metavar="K/N", help="of a job array: only part K of N of the refits, into DIR")
    merge = commands.add_parser(
        "merge",
        help="put the parts of a job array together",
        description="Check that all parts of `vifstats cox --shard` are there, and join them.",
    )
    merge.set_defaults(run=_merge)
    merge.add_argument("folder", metavar="DIR", help="where the parts are: -o of the shards")
    merge.add_argument("-o", "--output", metavar="DIR", help="for influence.csv; default: DIR")
    return parser


def _cox(args: argparse.Namespace, command: str) -> None:
    shard = None if args.shard is None else _shard(args)
    table, name, columns = _input(args)
    folder = None if args.output is None else writable_folder(args.output)
    frame = checked_frame(table, columns, penalizer=args.penalizer)
    groups = None if columns.groups is None else table[columns.groups]
    fit = fit_frame(frame, columns, penalizer=args.penalizer)
    seconds, progress = SHARE_OF_SAMPLE * args.seconds, _watched()
    with finite_optimum():
        est = from_model(fit, frame, groups=groups)
        if args.robust or columns.cluster is not None:
            clusters = None if columns.cluster is None else table[columns.cluster]
            est = est.with_inference("robust", groups=clusters)
        if shard is not None and folder is not None:
            _say(f"Written: {write_part(est, shard, folder, progress=progress)}")
            return
        found = find(est, args.method, top=args.top, seconds=seconds, progress=progress)
        if folder is not None:
            found = confirmed(found, seconds=args.seconds, progress=progress)
    events = int(frame[columns.event].sum())
    numbered = " (numbered from 0)" if isinstance(table.index, pd.RangeIndex) else ""
    _say(f"Cox model of {name}: {len(frame)} rows{numbered}, {events} events")
    _say(f"({WHAT})\n")
    _say(as_text(found, rows=columns.groups or "row", named=not args.no_rows))
    if folder is not None:
        context = {"data": name, "n_rows": len(frame), "n_events": events, **vars(columns)}
        context["covariates"] = est.names
        paths = _write(args, command, found, folder, context)
        _say(f"\nWritten to {folder}: {', '.join(path.name for path in paths)}")


def _shard(args: argparse.Namespace) -> Shard:
    shard = parse_shard(args.shard)
    if args.method != "refit" or args.output is None or args.no_rows:
        raise InvalidInputError(
            "--shard is for a part of the refits, row by row, in a folder that all parts share: "
            "it needs --method refit and -o DIR, and goes without --no-rows."
        )
    return shard


def _merge(args: argparse.Namespace, command: str) -> None:
    merged = merge_parts(args.folder, args.output)
    counts = ", ".join(f"{n} {status}" for status, n in merged.statuses.items())
    _say(f"{merged.n_rows} rows of {merged.n_parts} parts: {counts}\nWritten to {merged.path}")


def _write(
    args: argparse.Namespace,
    command: str,
    found: Findings,
    folder: Path,
    context: dict[str, Any],
) -> list[Path]:
    rows = not args.no_rows
    document = describe(
        found,
        rows=rows,
        unit=context["groups"] or "row",
        seconds=args.seconds,
        progress=_watched(),
        command=command,
    )
    paths = [folder / name for name in ("report.html", "report.json", *TABLES)]
    with replacing_all(paths) as files:
        table, numbers = findings_texts(found, context, rows=rows)
        page = report_texts(document, json.loads(numbers)["run"])
        for file, text in zip(files, (*page, table, numbers), strict=True):
            file.write(text)
    _tell_quoted(found, rows)
    return paths


def _tell_quoted(found: Findings, rows: bool) -> None:
    """What is not in the table as it is."""
    names = [*found.influence.estimate.names, *(found.influence.index if rows else ())]
    if n := sum(inert(name) is not name for name in names):
        _tell(
            f"warning: {n} names would be formulas to a spreadsheet; in {TABLES[0]} they have a "
            "quote (') before them"
        )


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
        # a covariate is numbers, also where its values are groups as well
        numbers = (None, *(args.covariates or ()))
        labels = (args.id_col, args.groups, args.cluster, FIRST_UNNAMED)
        text = [column for column in labels if column not in numbers]
        table, name = read_table(args.file, text=text), _legible(args.file)
        time, event = args.time, args.event
    parts = (args.covariates, args.strata, args.weights, args.entry, args.groups, args.id_col)
    columns = CoxColumns(time, event, *parts, cluster=args.cluster)
    table = columns.labelled(table)
    for column in columns.like_identifiers(table):
        _tell(
            f"warning: {column!r} is taken for a covariate, but has another whole number in each "
            f"row; if it says who a row is, pass --id-col {shlex.quote(column)}, else name the "
            "covariates with --covariates"
        )
    return table, name, columns


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _legible(text: str, encoding: str = "utf-8") -> str:
    """What an encoding cannot say, and what would steer a terminal, escaped."""
    return legible(text, keep="\n").encode(encoding, "backslashreplace").decode(encoding)


def _watched() -> bool:
    """Whether somebody sees a progress bar."""
    return sys.stderr is not None and sys.stderr.isatty()


def _say(text: str) -> None:
    """Text on standard output, if there is any."""
    if sys.stdout is None:
        return
    try:
        print(_legible(text, sys.stdout.encoding or "utf-8"), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise InvalidInputError(
            f"Standard output must take what is written to it, but does not ({error.strerror}); "
            "write it elsewhere."
        ) from error


def _drop_output() -> None:
    """What is still buffered goes nowhere, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(message: str) -> None:
    """One line on standard error, if there is one, however many the message had."""
    if sys.stderr is None:
        return
    line = _legible(" ".join(message.split()), sys.stderr.encoding or "utf-8")
    with suppress(OSError):  # nowhere is left to tell it
        print("vifstats:", line, file=sys.stderr, flush=True)


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _tell(f"warning: {in_command_words(str(message))}")
