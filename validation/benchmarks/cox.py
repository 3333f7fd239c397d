"""Time and memory of the influence of Cox models, side by side in one run on one thread.

    python validation/benchmarks/cox.py            # ten to twenty minutes, 2 GB
    python validation/benchmarks/cox.py --quick    # a minute, to see that it works

writes results/cox_benchmark.json and results/cox_benchmark.png, and prints what was promised beside
what was measured. METABRIC and SUPPORT are read from --data, or the folder VIFSTATS_DATA.
"""

from __future__ import annotations

import os

# before NumPy is imported: its BLAS reads them once
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from contenders import CONTENDERS, Contender, R, baseline, r_survival  # noqa: E402
from cox_figure import draw  # noqa: E402
from measuring import peak_memory, timed  # noqa: E402
from problems import Problem, drawn, metabric, support  # noqa: E402
from targets import targets  # noqa: E402

from vifstats.losses import Cox  # noqa: E402
from vifstats.versions import versions  # noqa: E402

RESULTS = Path(__file__).parents[1] / "results"
# What would take longer, by the last time and its growth, is left out.
SECONDS = 60.0
LARGE, MIDDLE = 1_000_000, 100_000


def main() -> None:
    options = _options()
    out = RESULTS if options.out is None else options.out
    out.mkdir(parents=True, exist_ok=True)
    scale = 50 if options.quick else 1
    lines = pd.DataFrame(measured(scale, options.data))
    promised = targets(lines, LARGE // scale, MIDDLE // scale)
    record = {
        "machine": machine(),
        "quick": options.quick,
        "lines": lines.replace({np.nan: None}).to_dict(orient="records"),
        "targets": promised.replace({np.nan: None}).to_dict(orient="records"),
        "profile": profile(drawn("n", LARGE // scale)),
    }
    (out / "cox_benchmark.json").write_text(json.dumps(record, indent=1) + "\n")
    draw(lines, out / "cox_benchmark.png")
    print(promised.to_string(index=False))
    print(f"\nwritten to {out}")


def problems(scale: int, data: Path | None) -> Iterator[Problem]:
    """One after the other: no two of the large ones in memory at once."""
    for n in (1_000, 10_000, MIDDLE, LARGE):
        yield drawn("n", n // scale if n > 1_000 else 1_000 // min(scale, 5))
    for p in (5, 20, 50):
        yield drawn("p", MIDDLE // scale, p)
    for family in ("ties", "entry"):
        for n in (10_000, MIDDLE, LARGE):
            yield drawn(family, n // scale)
    if data is not None:
        yield metabric(data)
        yield support(data)


def measured(scale: int, data: Path | None) -> Iterator[dict]:
    """One line for each contender and problem that it can do in reasonable time."""
    last: dict[str, tuple[int, float]] = {}
    for problem in problems(scale, data):
        base = baseline(problem).seconds
        for contender in CONTENDERS:
            if not _can(contender, problem) or _foreseen(contender, problem, last) > SECONDS:
                continue
            timing = contender.time(problem)
            last[contender.name] = (problem.n, timing.seconds)
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


def _foreseen(contender: Contender, problem: Problem, last: dict[str, tuple[int, float]]) -> float:
    if problem.family == "data" or contender.name not in last:
        return 0.0
    n, seconds = last[contender.name]
    return seconds * (problem.n / n) ** contender.order


def _memory(contender: Contender, problem: Problem) -> float:
    """Peak extra memory in units of X; nan for other libraries."""
    if contender.call is None:
        return float("nan")
    return peak_memory(contender.call(problem)) / problem.X.nbytes


def profile(problem: Problem) -> dict[str, float]:
    """Seconds of the steps of one vif, each a median; each step begins with the one before."""
    theta = problem.theta
    build = timed(lambda: Cox(problem.X, problem.time, problem.event)).seconds
    loss = Cox(problem.X, problem.time, problem.event)

    def fresh_sums() -> None:
        loss._last = None
        loss.sums(theta)

    sums = timed(fresh_sums).seconds
    return {
        "check, sort and gather": build,
        "sums over risk sets": sums,
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
    parser.add_argument("--quick", action="store_true", help="fifty times smaller")
    parser.add_argument("--out", type=Path, help="folder for the results")
    folder = os.environ.get("VIFSTATS_DATA")
    parser.add_argument("--data", type=Path, default=Path(folder) if folder else None)
    options = parser.parse_args()
    if options.quick and options.out is None:
        parser.error("--quick needs --out: its figures do not belong among the results")
    return options


if __name__ == "__main__":
    main()
