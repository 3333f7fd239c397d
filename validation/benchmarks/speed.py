"""How many times the yard Cox's work takes: a column for each commit, so that a slower one shows.

    python validation/benchmarks/speed.py            # minutes: 100 000 rows
    python validation/benchmarks/speed.py --large    # 1 000 000 rows besides, 2 GB
    python validation/benchmarks/speed.py --quick --out FOLDER

adds a column to results/speed.csv, with --r R's time besides; with --data FOLDER (or VIFSTATS_DATA)
the refits of METABRIC and SUPPORT. Where numba is there, each line is measured without and with the
extra fast, once it is loaded. The yard is what no method can do
without: sort by time, gather X, one running sum of it. Both are CPU time, the best of several runs
that take turns, so that what else the machine does matters little.
"""

from __future__ import annotations

import os

# before NumPy is imported: its BLAS reads them once
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402  after the threads are set
import subprocess  # noqa: E402  after the threads are set
from collections.abc import Callable, Iterator  # noqa: E402  after the threads are set
from pathlib import Path  # noqa: E402  after the threads are set
from time import process_time  # noqa: E402  after the threads are set
from typing import Any  # noqa: E402  after the threads are set

import numpy as np  # noqa: E402  after the threads are set
import pandas as pd  # noqa: E402  after the threads are set
from contenders import R, r_survival, yard  # noqa: E402  after the threads are set
from problems import Problem, drawn, metabric, support  # noqa: E402  after the threads are set

import vifstats as vs  # noqa: E402  after the threads are set
from vifstats.losses.cox import fast  # noqa: E402  after the threads are set

RESULTS = Path(__file__).parents[1] / "results"
Works = dict[str, Callable[[], Any]]


def main() -> None:
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    n = 2_000 if options.quick else 100_000
    sizes = [(n, 10), (n, 50)] + [(10 * n, 10)] * options.large
    found = {}
    for problem, works in _all_works(sizes):
        yards = _in_yards(yard(problem), works, runs=5)
        if options.r and R and problem.family in ("n", "entry"):
            yards["R survival dfbeta (elapsed)"] = _r_yards(problem)
        _tell({f"{name}, {problem.name}": value for name, value in yards.items()}, found)
    if options.data is not None:
        base = yard(drawn("n", n, 10))
        for problem in (metabric(options.data), support(options.data)):
            yards = _in_yards(base, _refits(problem), runs=2)
            _tell({f"{name}, {problem.name}": value for name, value in yards.items()}, found)
    _add_column(options.out / "speed.csv", pd.Series(found, name=_commit()))


def _tell(yards: dict[str, float], found: dict[str, float]) -> None:
    for name, value in yards.items():
        found[name] = round(value, 1)
        print(f"{name:55s} {value:8.1f}", flush=True)


def _all_works(sizes: list[tuple[int, int]]) -> Iterator[tuple[Problem, Works]]:
    """Each problem with its calls, one at a time: no two of the large ones in memory."""
    for n, p in sizes:
        plain = drawn("n", n, p)
        yield plain, _of(plain) | _fits(plain)
        if p == 10:
            for family in ("ties", "entry"):
                yield (problem := drawn(family, n, p)), _of(problem, entry=problem.entry)
            rng = np.random.default_rng(0)
            strata, weights = rng.integers(0, max(1, n // 100), n), rng.uniform(0.5, 2, n)
            more = {"strata of 100": {"strata": strata}, "weights": {"weights": weights}}
            for name, options in more.items():
                problem = Problem(name, f"{name}: {n} x {p}", plain.X, plain.time, plain.event)
                yield problem, _of(problem, **options)


def _of(problem: Problem, **options: Any) -> Works:
    """From raw arrays, at the minimum."""
    data = (problem.X, problem.time, problem.event)
    start = np.zeros(problem.X.shape[1])
    theta = vs.minimize(vs.losses.Cox(*data, **options), start).theta
    return {"vif_cox": lambda: vs.vif_cox(theta, *data, **options)}


def _fits(problem: Problem) -> Works:
    """What the plain problem shows besides."""
    if problem.X.shape[1] > 10:
        return {}
    loss = vs.losses.Cox(problem.X, problem.time, problem.event)
    est = vs.minimize(loss, np.zeros(problem.X.shape[1]))
    works: Works = {
        "vif": lambda: vs.vif(est),
        "minimize": lambda: vs.minimize(
            vs.losses.Cox(problem.X, problem.time, problem.event), np.zeros(problem.X.shape[1])
        ),
    }
    return works | ({"newton_step": lambda: vs.newton_step(est)} if problem.n < 10**6 else {})


def _refits(problem: Problem) -> Works:
    loss = vs.losses.Cox(problem.X, problem.time, problem.event)
    est = vs.minimize(loss, np.zeros(problem.X.shape[1]))
    return {"leave_one_out": lambda: vs.leave_one_out(est)}


def _both_ways(works: Works) -> Works:
    """Each without the extra fast, and with it where it is there."""

    def without(work: Callable[[], Any]) -> Callable[[], Any]:
        def call() -> None:
            large, fast.LARGE = fast.LARGE, np.inf
            try:
                work()
            finally:
                fast.LARGE = large

        return call

    if fast.loops(10**9) is None:
        return works
    plain = {name: without(work) for name, work in works.items()}
    return plain | {f"{name} (fast)": work for name, work in works.items()}


def _in_yards(base: Callable[[], Any], works: Works, runs: int) -> dict[str, float]:
    """The best CPU time of each over the best of the yard; all take turns."""
    best = dict.fromkeys(["", *_both_ways(works)], np.inf)
    for _ in range(runs):
        for name, work in {"": base, **_both_ways(works)}.items():
            begin = process_time()
            work()
            best[name] = min(best[name], process_time() - begin)
    return {name: seconds / best[""] for name, seconds in best.items() if name}


def _r_yards(problem: Problem) -> float:
    """R tells elapsed time only."""
    begin = process_time()
    yard(problem)()
    return r_survival(problem)[0].seconds / (process_time() - begin)


def _add_column(file: Path, column: pd.Series) -> None:
    before = pd.read_csv(file, index_col="work") if file.exists() else pd.DataFrame()
    before = before.drop(columns=str(column.name), errors="ignore")
    after = pd.concat([before, column], axis=1)
    after.rename_axis("work").to_csv(file)


def _commit() -> str:
    """The day and the first letters of the commit of the package at work."""
    words = ["git", "log", "-1", "--format=%cs %h"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(vs.__file__).parent)
    return done.stdout.strip() or "unknown"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--large", action="store_true", help="also 1 000 000 rows")
    parser.add_argument("--r", action="store_true", help="R's dfbeta beside, whose fits take long")
    parser.add_argument("--quick", action="store_true", help="fifty times smaller")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the table")
    folder = os.environ.get("VIFSTATS_DATA")
    parser.add_argument("--data", type=Path, default=Path(folder) if folder else None)
    options = parser.parse_args()
    if options.quick and options.out == RESULTS:
        parser.error("--quick needs --out: its figures do not belong among the results")
    return options


if __name__ == "__main__":
    main()
