"""CPU time and memory of the influence of Cox models, side by side in one run on one thread.

    python validation/benchmarks/cox.py                       # a quarter of an hour, 2 GB
    python validation/benchmarks/cox.py --quick --out FOLDER  # a minute, to see that it works

writes results/cox_benchmark.json and results/cox_benchmark.png, and prints what was promised beside
what was measured. METABRIC and SUPPORT are read from --data, or the folder VIFSTATS_DATA.
"""

from __future__ import annotations

import os

# before NumPy is imported: its BLAS reads them once
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402  after the threads are set
import json  # noqa: E402  after the threads are set
from collections.abc import Iterator  # noqa: E402  after the threads are set
from itertools import cycle  # noqa: E402  after the threads are set
from pathlib import Path  # noqa: E402  after the threads are set

import numpy as np  # noqa: E402  after the threads are set
import pandas as pd  # noqa: E402  after the threads are set
from contenders import CONTENDERS, Contender, R, baseline, r_survival  # noqa: E402  after the threads are set
from cox_figure import draw  # noqa: E402  after the threads are set
from measuring import peak_memory, timed  # noqa: E402  after the threads are set
from problems import Problem, drawn, metabric, support  # noqa: E402  after the threads are set
from targets import targets  # noqa: E402  after the threads are set

from vifstats.losses import Cox  # noqa: E402  after the threads are set
from vifstats.versions import versions  # noqa: E402  after the threads are set

RESULTS = Path(__file__).parents[1] / "results"
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (200, 2_000, 20_000)
# What would take longer, by the last time and its growth, is left out.
SECONDS, QUICK_SECONDS = 20.0, 2.0


def main() -> None:
    options = _options()
    out = RESULTS if options.out is None else options.out
    out.mkdir(parents=True, exist_ok=True)
    sizes, seconds = (QUICK_SIZES, QUICK_SECONDS) if options.quick else (SIZES, SECONDS)
    lines = pd.DataFrame(measured(sizes, options.data, seconds))
    promised = targets(lines, sizes[-1], sizes[-2])
    record = {
        "machine": machine(),
        "quick": options.quick,
        "lines": lines.replace({np.nan: None}).to_dict(orient="records"),
        "targets": promised.replace({np.nan: None}).to_dict(orient="records"),
        "profiles": profiles(sizes[-1], options.data),
    }
    (out / "cox_benchmark.json").write_text(json.dumps(record, indent=1) + "\n")
    draw(lines, out / "cox_benchmark.png")
    print("\nSizes are fifty times smaller than named." if options.quick else "")
    print(promised.to_string(index=False))
    print(f"\nwritten to {out}")


def problems(sizes: tuple[int, ...], data: Path | None) -> Iterator[Problem]:
    """One after the other: no two of the large ones in memory at once."""
    for n in sizes:
        yield drawn("n", n)
    for p in (5, 20, 50):
        yield drawn("p", sizes[-2], p)
    for family in ("ties", "entry"):
        for n in sizes:
            yield drawn(family, n)
    if data is not None:
        yield metabric(data)
        yield support(data)


def measured(sizes: tuple[int, ...], data: Path | None, seconds: float) -> Iterator[dict]:
    """One line for each contender and problem that it can do in so many seconds."""
    last: dict[tuple[str, str], tuple[int, float]] = {}
    for problem in problems(sizes, data):
        base = baseline(problem).seconds
        for contender in CONTENDERS:
            if not _can(contender, problem) or _foreseen(contender, problem, last) > seconds:
                continue
            timing = contender.time(problem)
            last[contender.name, problem.family] = (problem.n, timing.seconds)
            line = {
                "problem": problem.name,
                "family": problem.family,
                "n": problem.n,
                "p": problem.X.shape[1],
                "method": contender.name,
                "seconds": timing.seconds,
                "runs": timing.runs,
                "baseline": base,
                "times_baseline": timing.seconds / base,
                "memory_times_X": _memory(contender, problem),
            }
            print(f"{problem.name:20s} {contender.name:28s} {timing.seconds:10.4f} s", flush=True)
            yield line


def _can(contender: Contender, problem: Problem) -> bool:
    return contender.entry or problem.entry is None


def _foreseen(
    contender: Contender, problem: Problem, last: dict[tuple[str, str], tuple[int, float]]
) -> float:
    """From the last time in the family, or else among those without ties; 0 for real data."""
    name, family = contender.name, problem.family
    known = last.get((name, family)) or last.get((name, "n"))
    if family == "data" or known is None:
        return 0.0
    n, seconds = known
    return seconds * (problem.n / n) ** contender.order


def _memory(contender: Contender, problem: Problem) -> float:
    """Peak extra memory in units of X; nan for other libraries."""
    if contender.call is None:
        return float("nan")
    return peak_memory(contender.call(problem)) / problem.X.nbytes


def profiles(n: int, data: Path | None) -> dict[str, dict[str, float]]:
    """Where the time of one vif goes."""
    found = [drawn("n", n)] + ([] if data is None else [metabric(data), support(data)])
    return {problem.name: profile(problem) for problem in found}


def profile(problem: Problem) -> dict[str, float]:
    """Seconds of each step, a median; each step finds what the one before has left."""

    def build() -> Cox:
        return Cox(problem.X, problem.time, problem.event)

    theta, loss = problem.theta, build()
    # a loss keeps the sums of the last theta: with another one each time, none are found
    thetas = cycle([theta, theta * (1 + 1e-12)])
    return {
        "check, sort and gather": timed(build).seconds,
        "sums over risk sets": timed(lambda: loss.sums(next(thetas))).seconds,
        "gradient": timed(lambda: loss.gradient(theta)).seconds,
        "Hessian": timed(lambda: loss.hessian(theta)).seconds,
        "gradient differences D": timed(lambda: loss.gradient_differences(theta)).seconds,
    }


def machine() -> dict[str, object]:
    """Versions, and what they ran on."""
    cpu = [line for line in _lines_of("/proc/cpuinfo") if line.startswith("model name")]
    found: dict[str, object] = {
        **versions(),
        "cpu": cpu[0].partition(":")[2].strip() if cpu else "unknown",
        "cores": os.cpu_count(),
        "blas_threads": 1,
    }
    return found | {"R survival": r_survival(drawn("n", 200))[1] if R else "not there"}


def _lines_of(file: str) -> list[str]:
    return Path(file).read_text().splitlines() if Path(file).exists() else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fifty times smaller; nothing above 2 s",
    )
    parser.add_argument("--out", type=Path, help="folder for the results")
    folder = os.environ.get("VIFSTATS_DATA")
    parser.add_argument("--data", type=Path, default=Path(folder) if folder else None)
    options = parser.parse_args()
    if options.quick and options.out is None:
        parser.error("--quick needs --out: its figures do not belong among the results")
    return options


if __name__ == "__main__":
    main()
