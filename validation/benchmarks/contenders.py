"""Who is timed: the four methods of vifstats, and the influence of three other libraries.

Each contender prepares its fit outside the clock and returns the call to time. A call of vifstats
begins with plain arrays and coefficients (but for "vif of a loss"); the others begin with their own
fitted model.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from measuring import Timing, timed
from problems import Problem

import vifstats as vs
from vifstats.losses import Cox

__all__ = ["CONTENDERS", "Contender", "R", "baseline", "r_survival", "yard"]

R = shutil.which("Rscript")


@dataclass(frozen=True)
class Contender:
    """One method.

    Attributes
    ----------
    name : str
    time : callable
        From a problem to its `Timing`.
    call : callable or None
        From a problem to the call that is timed, whose memory can be measured.
    order : int
        Time grows about as n to this power: to foresee what would take too long.
    entry : bool
        Whether it takes delayed entry.
    """

    name: str
    time: Callable[[Problem], Timing]
    call: Callable[[Problem], Callable[[], Any]] | None = None
    order: int = 2
    entry: bool = False


def ours(method: str, order: int) -> Contender:
    """`vs.vif_cox` from arrays to the result, with all its checks."""

    def call(problem: Problem) -> Callable[[], Any]:
        theta = problem.theta
        return lambda: vs.vif_cox(
            theta, problem.X, problem.time, problem.event, entry=problem.entry, method=method
        )

    return Contender(method, lambda problem: timed(call(problem)), call, order, entry=True)


def of_a_loss(problem: Problem) -> Callable[[], Any]:
    """Without checking, sorting and gathering the data: an estimate with its loss at hand."""
    loss = Cox(problem.X, problem.time, problem.event, entry=problem.entry)
    # a loss keeps the sums of the last theta: with another one each time, none are found
    thetas = cycle([problem.theta, problem.theta * (1 + 1e-12)])
    return lambda: vs.vif(vs.Estimate(loss, next(thetas)))


def lifelines(problem: Problem) -> Timing:
    """`compute_residuals(df, "delta_beta")`."""
    from lifelines import CoxPHFitter

    columns = [f"x{k}" for k in range(problem.X.shape[1])]
    data = pd.DataFrame(problem.X, columns=columns).assign(time=problem.time, event=problem.event)
    fit = CoxPHFitter().fit(data, "time", "event")
    return timed(lambda: fit.compute_residuals(data, "delta_beta"))


def statsmodels(problem: Problem) -> Timing:
    """PHReg's score residuals through the inverse Hessian."""
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(problem.time, problem.X, status=problem.event, ties="efron")
    params = model.fit().params

    def call() -> np.ndarray:
        return -np.linalg.solve(model.hessian(params), model.score_residuals(params).T).T

    return timed(call)


def r_survival(problem: Problem) -> tuple[Timing, str]:
    """`residuals(fit, "dfbeta")`, and the version of the package survival."""
    columns = [*problem.X.T, problem.time, problem.event]
    if problem.entry is not None:
        columns.append(problem.entry)
    script = Path(__file__).with_name("dfbeta.R")
    with tempfile.TemporaryDirectory() as folder:
        np.concatenate(columns).astype(float).tofile(Path(folder) / "data")
        size = [str(problem.n), str(problem.X.shape[1]), "5"]
        done = subprocess.run(
            [str(R), str(script), folder, *size], capture_output=True, text=True, check=True
        )
    version, *seconds = done.stdout.split()
    return Timing(median(map(float, seconds)), len(seconds)), version


def baseline(problem: Problem) -> Timing:
    """The median time of the yard."""
    return timed(yard(problem))


def yard(problem: Problem) -> Callable[[], np.ndarray]:
    """What no method can do without: sort by time, gather X, one running sum of it."""

    def call() -> np.ndarray:
        order = np.argsort(problem.time, kind="stable")
        return np.cumsum(problem.X.take(order, axis=0), axis=0)

    return call


CONTENDERS = [
    ours("vif", 1),
    ours("if", 1),
    ours("newton", 1),
    ours("refit", 2),
    Contender("vif of a loss", lambda problem: timed(of_a_loss(problem)), of_a_loss, 1, entry=True),
    Contender("lifelines delta_beta", lifelines),
    Contender("statsmodels score residuals", statsmodels),
]
if R:
    CONTENDERS.append(
        Contender("R survival dfbeta", lambda problem: r_survival(problem)[0], entry=True)
    )
