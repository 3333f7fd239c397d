"""The ranking experiments of the paper: influence of an item on held-out ranking loss.

    python validation/ranking.py [NAME ...] [--data FOLDER] [--again]

runs the experiments of `EXPERIMENTS`, or those named, and writes results/ranking.json after each:
an experiment that is in it is not run again. Data are looked for in the folder, or in that of
VIFSTATS_DATA; Mediamill is left out where it is not there. Each needs up to 2 GB.

As in the paper: features reduced to 8 dimensions by an uncentred singular value decomposition of
all rows; fitted on the first three quarters of the official training part, on rows with more than
one label; held out are the first 500 such rows of the last quarter; linear scores with a bias, a
ridge of 5e-4 a query (there, weight decay). Objects are the items, or the first 100 of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import svds

import vifstats as vs
from vifstats.datasets import MultiLabel, load_delicious, load_mediamill, load_rcv1_subset
from vifstats.errors import MissingDataError
from vifstats.targets import HeldOutLoss

RESULTS = Path(__file__).parent / "results" / "ranking.json"
DIMENSIONS, HELD_OUT, RIDGE_PER_QUERY = 8, 500, 5e-4


@dataclass(frozen=True)
class Experiment:
    """One data set with one loss.

    Attributes
    ----------
    load : callable
    loss : callable
        ``loss(X, Y, ridge=...)``.
    objects : int
        How many items are removed, one at a time.
    methods : tuple of str
        What is compared with refits.
    most_queries : int, optional
    """

    load: Callable[[Path | None], MultiLabel]
    loss: Callable[..., vs.losses.Loss]
    objects: int
    methods: tuple[str, ...] = ("vif",)
    most_queries: int | None = None


def _softmax(weights: str) -> Callable[..., vs.losses.Loss]:
    def loss(X: Any, Y: Any, **options: Any) -> vs.losses.Loss:
        return vs.losses.SoftmaxCrossEntropy(X, Y, weights=weights, **options)

    return loss


LOSSES = {
    "ListMLE": vs.losses.ListMLE,
    "softmax fixed": _softmax("fixed"),
    "softmax renormalised": _softmax("renormalised"),
}
BOTH = ("vif", "newton")
EXPERIMENTS = {
    f"{data}, {name}": Experiment(load, loss, objects, methods, most)
    for data, load, objects, methods, most in [
        ("RCV1 subset 1", load_rcv1_subset, 101, BOTH, None),
        ("Mediamill", load_mediamill, 101, BOTH, 5000),
        ("Delicious", load_delicious, 100, ("vif",), None),
    ]
    for name, loss in LOSSES.items()
    if (data, name) != ("Delicious", "softmax renormalised")
}
METHODS = {"vif": vs.vif, "newton": vs.newton_step}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {list(EXPERIMENTS)}; default all")
    parser.add_argument("--data", type=Path, help="folder of the data")
    parser.add_argument("--again", action="store_true", help="run what has a result too")
    options = parser.parse_args()
    for name in options.names or EXPERIMENTS:
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if name in results and not options.again:
            continue
        try:
            results[name] = _in_a_fresh_process(name, options.data)
        except MissingDataError as error:
            print(f"{name}: {error}")
            continue
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        print(name, json.dumps(results[name], indent=2), flush=True)


def _in_a_fresh_process(name: str, folder: Path | None) -> dict[str, Any]:
    """So that the peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(run, name, folder).result()


def run(name: str, folder: Path | None) -> dict[str, Any]:
    """Fit, approximate, refit and compare."""
    experiment = EXPERIMENTS[name]
    fitted, held_out = _losses(experiment, experiment.load(folder))
    clock = Clock()
    theta = vs.minimize(fitted, np.zeros(fitted.n_params)).theta
    clock.lap("fit")
    est = vs.Estimate(fitted, theta)  # a new one: it has no Hessian yet
    objects = fitted.labels[: experiment.objects]
    removals = est.removals(objects=objects)
    approximations = {}
    for method in experiment.methods:
        approximations[method] = METHODS[method](est, objects=objects)
        clock.lap(method)
    memory = _peak_gigabytes()
    exact = vs.leave_one_out(est, objects=objects, progress=True)
    clock.lap("refits")
    target = HeldOutLoss(held_out)
    stay = np.broadcast_to(est.theta, (len(removals), len(est.theta)))
    full = target.value(est.theta, fitted.everyone(), fitted)
    direct = full - target.values_without(fitted, stay, removals)
    reference = exact.on(target)
    return {
        "queries": len(fitted.queries),
        "held_out": len(held_out.queries),
        "parameters": len(est.theta),
        "objects": len(removals),
        "refits_that_did_not_converge": int(exact.failed.sum()),
        **{m: figures(a.on(target), reference, direct) for m, a in approximations.items()},
        "direct_term_alone": _figures(direct, reference.influence),
        "seconds": clock.wall,
        "processor_seconds": clock.processor,
        "peak_gigabytes": {"until vif": memory, "with refits": _peak_gigabytes()},
        "machine": machine(),
    }


def figures(
    approximation: vs.TargetInfluence, reference: vs.TargetInfluence, direct: np.ndarray
) -> dict[str, Any]:
    """Agreement in all, and of what is left of both without the direct term."""
    a, r = approximation.influence, reference.influence
    return {"all": _figures(a, r), "indirect": _figures(a - direct, r - direct)}


def _figures(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    """One query a column: means over queries, and the largest error of all."""
    centred = a - a.mean(axis=0), r - r.mean(axis=0)
    size = [np.linalg.norm(side, axis=0) for side in centred]
    pearson = (centred[0] * centred[1]).sum(axis=0) / (size[0] * size[1])
    return {
        "mean_pearson": float(pearson.mean()),
        "least_pearson": float(pearson.min()),
        "slope": float((a * r).sum() / (a * a).sum()),
        "mean_slope": float(((a * r).sum(axis=0) / (a * a).sum(axis=0)).mean()),
        "largest_relative_error": float(np.abs(a - r).max() / np.abs(r).max()),
        "mean_largest_relative_error": float(
            (np.abs(a - r).max(axis=0) / np.abs(r).max(axis=0)).mean()
        ),
    }


def _losses(experiment: Experiment, data: MultiLabel) -> tuple[vs.losses.Loss, vs.losses.Loss]:
    X = _reduced(data.X)
    train = np.arange(len(X)) if data.is_test is None else np.flatnonzero(~data.is_test)
    cut = int(0.75 * len(train))
    ranks = np.flatnonzero(data.Y.sum(axis=1) > 1)
    first = np.intersect1d(train[:cut], ranks)[: experiment.most_queries]
    last = np.intersect1d(train[cut:], ranks)[:HELD_OUT]

    def loss(rows: np.ndarray) -> vs.losses.Loss:
        return experiment.loss(X[rows], data.Y[rows], ridge=RIDGE_PER_QUERY * len(first))

    return loss(first), loss(last)


def _reduced(X: scipy.sparse.csr_array) -> np.ndarray:
    """The first singular directions of all rows, signs so that loadings sum to more than 0."""
    start = np.random.default_rng(0).normal(size=min(X.shape))
    _, s, Vt = svds(X, DIMENSIONS, v0=start)
    Vt = Vt[np.argsort(-s)]
    return X @ (Vt * np.sign(Vt.sum(axis=1))[:, None]).T


class Clock:
    """Wall and processor seconds of the steps of a run."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.processor: dict[str, float] = {}
        self._last = perf_counter(), process_time()

    def lap(self, name: str) -> None:
        now = perf_counter(), process_time()
        self.wall[name] = round(now[0] - self._last[0], 2)
        self.processor[name] = round(now[1] - self._last[1], 2)
        self._last = now


def _peak_gigabytes() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        # seconds of the wall on a machine with other work mean little: see processor_seconds
        "load_average": round(os.getloadavg()[1], 1),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "vifstats": vs.__version__,
    }


if __name__ == "__main__":
    main()
