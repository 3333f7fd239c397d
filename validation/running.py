"""Run an experiment and keep its record: numbers in one place, seconds and machine in another."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from validation.experiment import Clock, Experiment, Record
from vifstats.checks.folders import replacing
from vifstats.reporting.files import plain
from vifstats.versions import versions

__all__ = ["RESULTS", "load", "load_all", "machine", "run", "save"]

RESULTS = Path(__file__).parent / "results"
# Sums of the same numbers in another order, as on another machine, differ behind these digits.
DIGITS = 8


def run(experiment: Experiment, folder: Path) -> Record:
    """Run an experiment, and write its record, whole or not at all."""
    clock = Clock()
    before, began = machine(), perf_counter()
    numbers = rounded(plain(experiment.run(clock)))
    found = versions()
    found.pop("platform")  # of the machine
    seconds = {**clock.seconds, "in all": perf_counter() - began}
    record = Record(numbers, {name: _short(s) for name, s in seconds.items()}, before, found)
    save(experiment.name, record, folder)
    return record


def save(name: str, record: Record, folder: Path) -> None:
    """Write a record as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{name}.json") as file:
        json.dump(asdict(record), file, indent=1, allow_nan=False)
        file.write("\n")


def load(name: str, folder: Path = RESULTS) -> Record | None:
    """The record of an experiment, if there is one."""
    file = folder / f"{name}.json"
    return Record(**json.loads(file.read_text())) if file.is_file() else None


def load_all(names: Any, folder: Path = RESULTS) -> dict[str, Record]:
    """The records that there are."""
    found = {name: load(name, folder) for name in names}
    return {name: record for name, record in found.items() if record is not None}


def machine() -> dict[str, Any]:
    """What a figure of seconds depends on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
        # above 1 other work shared the cores
        "load_average": round(os.getloadavg()[0], 1),
    }


def rounded(value: Any) -> Any:
    """Every number to the digits that are kept."""
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _short(seconds: float) -> float:
    return float(f"{seconds:.3g}")


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
