"""Influence on rows that are never in memory together: time, memory and agreement.

    python validation/benchmarks/streaming.py rows --sizes 1000000 5000000 20000000

writes Parquet files of random rows into the folder, sorted by time, reads them in a process of
its own for each size, and keeps the figures in validation/results/streaming.json, and for the
documentation in streaming.csv. Memory is the largest resident set above that of the interpreter
with vifstats imported. All rows in memory, and two Dask processes, are compared at the smallest
size. Use one BLAS thread (OPENBLAS_NUM_THREADS=1).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetFile, ParquetWriter

import vifstats as vs

RESULTS = Path(__file__).parents[1] / "results"
N_COLUMNS, ROW_GROUP = 10, 200_000
NAMES = [f"x{k}" for k in range(N_COLUMNS)]
PARTS = {"time": "time", "event": "event", "columns": NAMES}
THETA = np.linspace(-0.3, 0.3, N_COLUMNS)


def write_rows(path: Path, n_rows: int) -> None:
    """Rows sorted by time, with a few ties, an event more likely the larger x'theta."""
    rng, start, writer = np.random.default_rng(0), 0.0, None
    for first in range(0, n_rows, ROW_GROUP):
        n = min(ROW_GROUP, n_rows - first)
        X = rng.normal(size=(n, N_COLUMNS))
        time = np.round(start + np.cumsum(rng.exponential(size=n)), 2)
        event = rng.random(n) < 1 / (1 + np.exp(-X @ THETA))
        start = float(time[-1])
        table = pa.table(dict(zip(NAMES, X.T, strict=True)) | {"time": time, "event": event})
        writer = writer or ParquetWriter(path, table.schema, compression="none")
        writer.write_table(table)
    writer.close()


def streamed(path: Path, start: list[float]) -> dict:
    """Fit by Newton steps, then all rows written; what one process needed."""
    before = _resident("VmRSS")
    chunks = vs.streaming.row_groups(path)
    begin = perf_counter()
    theta = vs.streaming.cox(
        start, chunks, **PARTS, newton_steps=2 if any(start) else 4, tol=1e-4
    ).theta
    fitted, cpu = perf_counter(), process_time()
    out = path.with_suffix(".influence")
    found = vs.streaming.cox(theta, chunks, **PARTS, to=out, top=10)
    seconds, cpu = perf_counter() - fitted, process_time() - cpu
    written = sum(ParquetFile(part).metadata.num_rows for part in sorted(out.iterdir()))
    return {
        "rows": found.n_rows,
        "chunks": found.n_chunks,
        "fit_seconds": round(fitted - begin, 2),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "cpu_microseconds_a_row": round(1e6 * cpu / found.n_rows, 3),
        "peak_mb_above_interpreter": round((_resident("VmHWM") - before) / 1000),
        "rows_written": written,
        "theta": theta.tolist(),
    }


def in_memory(path: Path, theta: np.ndarray) -> dict:
    """The same of all rows at once, and the largest difference."""
    rows = pd.read_parquet(path)
    times, cpu_times = [], []
    for _ in range(3):
        begin, cpu = perf_counter(), process_time()
        loss = vs.losses.Cox(rows[NAMES], rows["time"], rows["event"])
        values = vs.vif(vs.Estimate(loss, theta)).values
        times.append(perf_counter() - begin)
        cpu_times.append(process_time() - cpu)
    stream = pd.read_parquet(path.with_suffix(".influence")).to_numpy()
    return {
        "rows": len(rows),
        "seconds": round(min(times), 2),
        "cpu_seconds": round(min(cpu_times), 2),
        "cpu_microseconds_a_row": round(1e6 * min(cpu_times) / len(rows), 3),
        "largest_relative_difference": float(np.abs(stream - values).max() / np.abs(values).max()),
    }


def on_dask(path: Path, theta: np.ndarray) -> dict:
    """The same on two Dask processes, by the lines of the documentation."""
    from dask.distributed import Client, LocalCluster

    out = path.with_suffix(".dask")
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster) as client:
        begin = perf_counter()
        vs.streaming.cox(theta, vs.streaming.row_groups(path), **PARTS, to=out, map=client.map)
        seconds = perf_counter() - begin
    one = pd.read_parquet(path.with_suffix(".influence"))
    same = one.equals(pd.read_parquet(out))
    return {"processes": 2, "seconds": round(seconds, 2), "same_bits": bool(same)}


def main() -> None:
    """Write, read, compare, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="room for the rows and their influence")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)  # a file, and where to start
    options = parser.parse_args()
    if options.only:
        path, start = options.only
        print(json.dumps(streamed(Path(path), json.loads(start))))
        return
    options.folder.mkdir(parents=True)
    result = {
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "covariates": N_COLUMNS,
        "rows_a_chunk": ROW_GROUP,
        "load_average": os.getloadavg()[0],
        "streamed": [],
    }
    # as it was before Dask, which makes malloc give memory back at once: twice the processor time
    environment = dict(os.environ)
    theta = np.zeros(N_COLUMNS)
    for size in sorted(options.sizes):
        path = options.folder / f"{size}.parquet"
        write_rows(path, size)
        command = [sys.executable, __file__, str(options.folder), "--only", str(path)]
        command.append(json.dumps(theta.tolist()))
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found = json.loads(run.stdout)
        theta = np.array(found.pop("theta"))
        if not result["streamed"]:
            result["in_memory"] = in_memory(path, theta)
            result["dask"] = on_dask(path, theta)
            shutil.rmtree(path.with_suffix(".dask"))
        shutil.rmtree(path.with_suffix(".influence"))
        path.unlink()
        result["streamed"].append(found)
        print(json.dumps(found))
    options.folder.rmdir()
    (RESULTS / "streaming.json").write_text(json.dumps(result, indent=2) + "\n")
    write_table(result)


def write_table(result: dict) -> None:
    """The figures as the documentation shows them."""
    memory, dask = result["in_memory"], result["dask"]
    difference = f"at most {memory['largest_relative_difference']:.0e} apart"
    how = ["stream, one process"] * len(result["streamed"])
    lines = [("in memory", memory, "")]
    lines += list(zip(how, result["streamed"], [difference, *[""] * len(how)], strict=False))
    lines.insert(2, ("stream, 2 Dask processes", dask | {"rows": memory["rows"]}, "same bits"))
    with (RESULTS / "streaming.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["", "rows", "seconds", "processor, \u00b5s a row", "memory, MB", ""])
        for name, found, remark in lines:
            cpu = found.get("cpu_microseconds_a_row", "")
            megabytes = found.get("peak_mb_above_interpreter", "")
            table.writerow([name, f"{found['rows']:,}", found["seconds"], cpu, megabytes, remark])


def _resident(what: str) -> int:
    """Kilobytes of this process in memory now (VmRSS), or at most so far (VmHWM); on Linux."""
    # not ru_maxrss, which begins with what the parent had
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0])


if __name__ == "__main__":
    main()
