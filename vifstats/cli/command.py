"""The command ``vifstats``: arguments in, text and files out, exit code 2 and one line on error."""

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from vifstats.checks.folders import reason, replacing_all, writable_folder
from vifstats.checks.text import inert, legible
from vifstats.cli.cox_table import finite_optimum
from vifstats.cli.models import Model, cox_model, regression_model
from vifstats.cli.options import WHAT, command_parser
from vifstats.cli.process import Terminated, open_descriptors, terminated_as_interrupted
from vifstats.cli.shards import merge_parts, parse_shard, write_part
from vifstats.cli.words import in_command_words
from vifstats.deletion.in_time import duration, forecast
from vifstats.deletion.parallel import Shard
from vifstats.errors import InvalidInputError, VifError
from vifstats.estimate import Estimate
from vifstats.reporting import SHARE_OF_SAMPLE, Findings, as_text, describe, find
from vifstats.reporting.assemble import SHARE_OF_SETS, confirmed, report_texts
from vifstats.reporting.files import findings_texts
from vifstats.reporting.sections.fragility import fragility_of, require_treatment
from vifstats.reporting.text import edits_as_text

__all__ = ["main"]

TABLES = ("influence.csv", "influence.json")
# Refits of more rows, or of more seconds, than this are announced.
MANY, LONG = 1000, 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    The exit code is 0, 2 after an error in the input, 130 after an interrupt, 141 where the reader
    of the output went away, 143 where it was asked to end (SIGTERM).

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
            parser = command_parser(RUN)
            args = parser.parse_args(argv)
            given = sys.argv[1:] if argv is None else argv
            if "run" not in args:
                _say(parser.format_help().rstrip("\n"))
                return 0
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


def _cox(args: argparse.Namespace, command: str) -> None:
    shard = None if args.shard is None else _shard(args)
    folder = None if args.output is None else writable_folder(args.output)
    model = cox_model(args, _tell)
    if shard is None or folder is None:
        _say_and_write(args, command, model, folder)
        return
    with finite_optimum():
        path = write_part(model.estimate, shard, folder, progress=_watched(args))
    _say(f"Written: {path}")


def _regression(args: argparse.Namespace, command: str) -> None:
    folder = None if args.output is None else writable_folder(args.output)
    _say_and_write(args, command, regression_model(args, _tell), folder)


def _say_and_write(
    args: argparse.Namespace, command: str, model: Model, folder: Path | None
) -> None:
    unit = args.unit or model.groups or "row"
    treatment = getattr(args, "fragility", None)
    if treatment is not None:
        require_treatment(model.estimate, treatment)
    with finite_optimum():
        found = _found(args, model.estimate)
        edits = None if treatment is None else _fragility(args, found, treatment)
        if folder is not None:
            found = confirmed(found, seconds=args.seconds, progress=_watched(args))
    model = model if edits is None else replace(model, context=model.context | {"fragility": edits})
    if args.json:
        _say(findings_texts(found, model.context, rows=not args.no_rows)[1].rstrip("\n"))
    elif not args.quiet:
        _say(f"{model.title}\n({WHAT})\n")
        _say(in_command_words(as_text(found, rows=unit, named=not args.no_rows), args))
        if edits is not None:
            _say(f"\n{edits_as_text(edits, unit if model.groups is None else 'row')}")
    if folder is not None:
        paths = _write(args, command, found, folder, model.context, unit)
        if not (args.quiet or args.json):
            _say(f"\nWritten to {folder}: {', '.join(path.name for path in paths)}")


def _fragility(args: argparse.Namespace, found: Findings, treatment: str) -> dict[str, Any]:
    seconds = SHARE_OF_SETS * args.seconds
    return fragility_of(found, treatment, rows=not args.no_rows, seconds=seconds)


def _found(args: argparse.Namespace, est: Estimate) -> Findings:
    if args.method == "refit" and not args.quiet:
        _tell_duration(est, args.jobs)
    return find(
        est,
        args.method,
        top=args.top,
        seconds=SHARE_OF_SAMPLE * args.seconds,
        progress=_watched(args),
        n_jobs=args.jobs,
        seed=args.seed,
        level=args.level,
    )


def _tell_duration(est: Estimate, jobs: int | None) -> None:
    """What refits of many rows will take, before they begin."""
    removals = est.removals()
    if len(removals) < MANY:
        return
    n = (os.cpu_count() or 1) if jobs == -1 else max(1, jobs or 1)
    seconds = forecast(est, removals, 0.0).seconds / n
    if LONG < seconds < float("inf"):
        by = f" with {n} jobs" if n > 1 else ""
        _tell(f"note: refits of {len(removals):,} rows will take about {duration(seconds)}{by}")


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
    unit: str,
) -> list[Path]:
    rows = not args.no_rows
    document = describe(
        found,
        rows=rows,
        unit=unit,
        fragility=context.get("fragility"),
        seconds=args.seconds,
        progress=_watched(args),
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


def _legible(text: str, encoding: str = "utf-8") -> str:
    """What an encoding cannot say, and what would steer a terminal, escaped."""
    return legible(text, keep="\n").encode(encoding, "backslashreplace").decode(encoding)


def _watched(args: argparse.Namespace) -> bool:
    """Whether somebody sees a progress bar, and wants to."""
    return not args.quiet and sys.stderr is not None and sys.stderr.isatty()


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


RUN = {"cox": _cox, "regression": _regression, "merge": _merge}
