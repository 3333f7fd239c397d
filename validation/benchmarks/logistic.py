"""Time of all influences of a logistic regression, beside one Hessian and the peers.

    python validation/benchmarks/logistic.py [--rows 1000000] [--columns 20] [--repeats 7]

The yardstick is one evaluation of the Hessian plus one pass over the data that writes a row of
scores; the bound to keep is 3. Each time is the fastest of the repeats, since other work on the
machine only adds to it, after one that is not counted: first touches of fresh memory cost as
much as the arithmetic. Writes validation/results/logistic_benchmark.json.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import statsmodels
import statsmodels.api as sm

import vifstats as vs
from vifstats.adapters import from_model
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Logistic

OUTPUT = Path(__file__).parents[1] / "results" / "logistic_benchmark.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    X, y = simulated(options.rows, options.columns)
    few = slice(0, options.peer_rows)
    report = {
        "rows": options.rows,
        "columns": options.columns,
        "ours": ours(X, y, options.repeats),
        "peer_rows": options.peer_rows,
        "statsmodels": statsmodels.__version__,
        "load_average": os.getloadavg()[0],
        "peers": peers(X[few], y[few], options.repeats),
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def simulated(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """A design with an intercept, and outcomes of a logistic model."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    X[:, 0] = 1.0
    theta = rng.normal(size=p) * 0.2
    return X, (rng.random(n) < 1 / (1 + np.exp(-X @ theta))).astype(float)


def ours(X: np.ndarray, y: np.ndarray, repeats: int) -> dict[str, float]:
    """Seconds of the yardstick and of every method on all rows."""
    loss = LinearPredictor(Logistic(), X, y)
    theta = vs.minimize(loss, np.zeros(X.shape[1])).theta

    def one_pass() -> np.ndarray:
        return (1 / (1 + np.exp(-(X @ theta))) - y)[:, None] * X

    def fresh() -> vs.Estimate:
        return vs.Estimate(loss, theta, tol=np.inf)

    times = {
        "hessian": seconds(lambda: loss.hessian(theta), repeats),
        "pass": seconds(one_pass, repeats),
        "vif": seconds(lambda: vs.vif(fresh()), repeats),
        "newton": seconds(lambda: vs.newton_step(fresh()), repeats),
    }
    return times | {"vif_over_yardstick": times["vif"] / (times["hessian"] + times["pass"])}


def peers(X: np.ndarray, y: np.ndarray, repeats: int) -> dict[str, float]:
    """Seconds for one step without every row, from fitted statsmodels results."""
    logit = sm.Logit(y, X).fit(disp=0)
    glm = sm.GLM(y, X, family=sm.families.Binomial()).fit()
    return {
        "vifstats newton, Logit": seconds(lambda: vs.newton_step(from_model(logit)), repeats),
        "MLEInfluence d_params": seconds(lambda: logit.get_influence().d_params, repeats),
        "vifstats newton, GLM": seconds(lambda: vs.newton_step(from_model(glm)), repeats),
        "GLMInfluence d_params": seconds(lambda: glm.get_influence().d_params, repeats),
    }


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Fastest wall time of repeats, after one that warms up."""
    times = []
    for _ in range(repeats + 1):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return round(min(times[1:]), 4)


if __name__ == "__main__":
    main()
