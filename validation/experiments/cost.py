"""What each method costs, against n: closed kernels and plain automatic differentiation."""

from __future__ import annotations

from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Clock, Experiment, Figure, Record, Table
from validation.figures import lines
from vifstats.losses import Cox
from vifstats.losses.base import Loss

SIZES, COVARIATES = (250, 500, 1000, 2000, 4000), 5
# One gradient for each row, each of the whole loss: beyond this it takes too long.
MOST_BY_AUTODIFF = 1000
METHODS = {
    "if": vs.classical_if,
    "vif": vs.vif,
    "newton": vs.newton_step,
    "refits": vs.leave_one_out,
}
AUTODIFF = "vif by automatic differentiation"


def run(clock: Clock) -> dict[str, Any]:
    """Seconds, and whether automatic differentiation gives what the kernel does."""
    gaps = {}
    for n in SIZES:
        loss = fits.drawn(n, COVARIATES, seed=0)
        est = fits.minimum(loss)
        for name, method in METHODS.items():
            clock.best(
                f"{name}, {n}",
                lambda m=method, e=est: m(vs.Estimate(e.loss, e.theta)),
                runs=1 if name == "refits" else 5,
            )
        if n <= MOST_BY_AUTODIFF:
            with clock.timing(f"{AUTODIFF}, {n}"):
                slow = _by_autodiff(est)
            fast = vs.vif(est).values
            gaps[str(n)] = bool(np.abs(slow - fast).max() <= 1e-9 * np.abs(fast).max())
    return {"autodiff_equals_kernel_to_1e_9": gaps}


def _by_autodiff(est: vs.Estimate) -> np.ndarray:
    loss: Cox = est.loss
    H = Loss.hessian(loss, est.theta)
    return -np.linalg.solve(H, Loss.gradient_differences(loss, est.theta).T).T


def tables(record: Record) -> list[Table]:
    """Seconds, one line for each size."""
    names = [*METHODS, AUTODIFF]
    rows = [[n, *(record.seconds.get(f"{name}, {n}") for name in names)] for n in SIZES]
    return [
        Table(f"Seconds for all rows, {COVARIATES} covariates, one thread", ["rows", *names], rows)
    ]


def figures(record: Record) -> list[Figure]:
    """Log-log."""
    curves = {}
    for name in (*METHODS, AUTODIFF):
        sizes = [n for n in SIZES if f"{name}, {n}" in record.seconds]
        curves[name] = (sizes, [record.seconds[f"{name}, {n}"] for n in sizes])
    return [
        lines(
            curves,
            xlabel="rows",
            ylabel="seconds",
            alt="Refits and automatic differentiation cost far more than the kernels do.",
            how="Least of five runs, refits one; both axes are logarithmic.",
            logx=True,
            logy=True,
        )
    ]


EXPERIMENT = Experiment(
    name="cost",
    title="What does it cost?",
    text=(
        "Seconds for all rows of a Cox model of drawn data, from a loss whose data are sorted. The "
        "paper differentiates the loss without each row automatically, which is a gradient of the "
        "whole loss for each; the kernels share the sums over risk sets among all rows. Both give "
        "the same numbers."
    ),
    run=run,
    tables=tables,
    figures=figures,
    quick=True,
)
