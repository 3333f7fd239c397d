"""The command ``python -m validation``: run what has no result yet, then write the page.

Exit codes: 0; 1 if a promise was not kept; 2 after an error in the arguments; 3 if data were
missing, of which the message says how to get them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from validation import documents, page
from validation.experiment import Experiment, Record
from validation.experiments import EXPERIMENTS
from validation.running import RESULTS, load, load_all, run
from vifstats.errors import MissingDataError

QUICK = Path("build") / "validation"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    options = _parser().parse_args(argv)
    if options.list:
        print("\n".join(f"{e.name:24s} {e.title}" for e in EXPERIMENTS.values()))
        return 0
    if options.write_docs:
        changed = documents.write(load_all(EXPERIMENTS))
        print("\n".join(f"written: {path}" for path in changed) or "nothing to change")
        return 0
    folder = options.out or (QUICK if options.quick else RESULTS)
    records, missing = run_all(_chosen(options), folder, force=options.force or options.quick)
    shown = records if options.quick else load_all(EXPERIMENTS, folder)
    print(f"\n{page.write(EXPERIMENTS, shown, folder / 'report.html')}")
    short = sum(_tell_bounds(EXPERIMENTS[name], record) for name, record in records.items())
    for message in dict.fromkeys(missing):
        print(f"missing: {message}", file=sys.stderr)
    return 3 if missing else 1 if short else 0


def run_all(
    experiments: list[Experiment], folder: Path, *, force: bool
) -> tuple[dict[str, Record], list[str]]:
    """Records of the experiments, by name; and what was said of data that are not there."""
    records, missing = {}, []
    for experiment in experiments:
        record = None if force else load(experiment.name, folder)
        if record is None:
            print(f"{experiment.name} ...", flush=True)
            try:
                record = run(experiment, folder)
            except MissingDataError as error:
                missing.append(str(error))
                continue
            print(f"{experiment.name}: {record.seconds['in all']:.1f} s", flush=True)
        records[experiment.name] = record
    return records, missing


def _tell_bounds(experiment: Experiment, record: Record) -> int:
    """Print what was promised, and return how much of it was not kept."""
    bounds = experiment.bounds(record)
    for bound in bounds:
        words = "at least" if bound.least else "at most"
        verdict = "met  " if bound.met else "SHORT"
        print(f"{verdict} {experiment.name}: {bound.what} {bound.value:.6g}, {words} {bound.limit}")
    return sum(not bound.met for bound in bounds)


def _chosen(options: argparse.Namespace) -> list[Experiment]:
    if options.only:
        return [EXPERIMENTS[name] for name in options.only]
    return [e for e in EXPERIMENTS.values() if e.quick or not options.quick]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m validation",
        description="Every experiment of the paper, and what its reviewers asked, against refits.",
    )
    add = parser.add_argument
    add("--only", metavar="NAME", action="append", choices=EXPERIMENTS, help="may be repeated")
    add("--force", action="store_true", help="run again what has a result")
    add(
        "--quick",
        action="store_true",
        help=f"what takes seconds and needs no data, afresh, into {QUICK}",
    )
    add("--out", metavar="FOLDER", type=Path, help=f"default: {RESULTS}")
    add("--list", action="store_true", help="name the experiments")
    add("--write-docs", action="store_true", help="write the numbers of README and docs/ anew")
    return parser


if __name__ == "__main__":
    sys.exit(main())
