"""The memory that each verb needs at its peak, for Cox models of many rows or many covariates.

    python validation/benchmarks/memory.py                       # some minutes, 2 GB
    python validation/benchmarks/memory.py --quick --out FOLDER  # seconds, to see that it works

writes results/memory.json and results/memory.csv. Each verb runs in a process of its own, so that
its peak is its own; it is the largest resident set above that of the interpreter with vifstats
imported, in units of the data: X, times and events.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from problems import drawn

import vifstats as vs
from vifstats.losses.cox import fast

RESULTS = Path(__file__).parents[1] / "results"
SIZES = ((20_000, 200), (1_000_000, 10))
QUICK_SIZES = ((500, 5),)
MEGABYTE = 2**20

Verb = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]


def _estimate(X: np.ndarray, T: np.ndarray, E: np.ndarray) -> vs.Estimate:
    return vs.minimize(vs.losses.Cox(X, T, E), np.zeros(X.shape[1]))


VERBS: dict[str, Verb] = {
    "minimize": _estimate,
    "minimize, then vif": lambda *data: vs.vif(_estimate(*data)),
    "minimize, then classical_if": lambda *data: vs.classical_if(_estimate(*data)),
    "minimize, then newton_step of 10 rows": lambda *data: vs.newton_step(
        _estimate(*data), objects=range(10)
    ),
    "minimize, then leave_one_out of 1 row": lambda *data: vs.leave_one_out(
        _estimate(*data), objects=[0]
    ),
    "minimize, then leave_one_out of 64 rows": lambda *data: vs.leave_one_out(
        _estimate(*data), objects=range(64)
    ),
    "minimize, then vif on a survival probability": lambda *data: vs.vif(_estimate(*data)).on(
        vs.targets.SurvivalProbability(np.zeros(data[0].shape[1]), 0.5)
    ),
}


def main() -> None:
    options = _options()
    if options.measure:
        verb, n, p = options.measure
        print(json.dumps(measured(verb, int(n), int(p))))
        return
    out = RESULTS if options.out is None else options.out
    out.mkdir(parents=True, exist_ok=True)
    lines = [
        _in_a_process(verb, n, p)
        for n, p in (QUICK_SIZES if options.quick else SIZES)
        for verb in VERBS
    ]
    (out / "memory.json").write_text(json.dumps(lines, indent=1) + "\n")
    table = pd.DataFrame(lines)
    table = table.pivot(index="verb", columns="problem", values="times_data")
    table = table.reindex(
        index=list(VERBS), columns=list(dict.fromkeys(x["problem"] for x in lines))
    )
    table.round(1).to_csv(out / "memory.csv")
    print(table.round(1).to_string())


def measured(verb: str, n: int, p: int) -> dict:
    """One verb, in this process, by NumPy: numba takes 100 MB for itself, whatever the data."""
    fast.LARGE = np.inf
    before = _peak()
    problem = drawn("n", n, p)
    X, T, E = problem.X, problem.time, problem.event
    data = X.nbytes + T.nbytes + E.nbytes
    VERBS[verb](X, T, E)
    above = _peak() - before
    return {
        "verb": verb,
        "problem": f"{n} x {p}",
        "data_megabytes": data / MEGABYTE,
        "megabytes_above_the_interpreter": above / MEGABYTE,
        "interpreter_megabytes": before / MEGABYTE,
        "times_data": above / data,
    }


def _in_a_process(verb: str, n: int, p: int) -> dict:
    command = [sys.executable, __file__, "--measure", verb, str(n), str(p)]
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **threads}
    )
    line = json.loads(done.stdout)
    print(f"{line['problem']:14s} {verb:46s} {line['times_data']:6.1f} x the data", flush=True)
    return line


def _peak() -> int:
    """The largest resident set of this process so far, in bytes."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small problem only")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--measure", nargs=3, metavar=("VERB", "N", "P"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick and options.out is None:
        parser.error("--quick needs --out: its figures do not belong among the results")
    return options


if __name__ == "__main__":
    main()
