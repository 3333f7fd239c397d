"""Where the error is: few rows, and few rows in the last risk sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Bound, Clock, Experiment, Figure, Record, Table, at_least
from validation.figures import lines
from vifstats.losses import Cox

SIZES, COVARIATES, SEEDS = (50, 100, 200, 400, 800), 4, range(5)
# How many rows are still at risk at the last event, of 400 rows.
LAST, ROWS = (1, 2, 5, 10, 20, 50, 100), 400
METHODS = {"if": vs.classical_if, "vif": vs.vif, "newton": vs.newton_step}


def run(clock: Clock) -> dict[str, Any]:
    """Medians over seeds of the relative error of all dfbeta."""
    by_size = {str(n): _median(fits.drawn(n, COVARIATES, seed) for seed in SEEDS) for n in SIZES}
    by_last = {str(m): _median(_ended(seed, m) for seed in SEEDS) for m in LAST}
    growth = {
        method: float(
            np.polyfit(np.log(SIZES), np.log([by_size[str(n)][method] for n in SIZES]), 1)[0]
        )
        for method in METHODS
    }
    return {"by_size": by_size, "by_last_risk_set": by_last, "power_of_n": growth}


def _ended(seed: int, m: int) -> Cox:
    """Follow-up ends with the last event that has m rows at risk."""
    loss = fits.drawn(ROWS, COVARIATES, seed)
    data = loss.data
    at_risk = (data.time[:, None] <= data.time).sum(axis=1)
    return Cox(data.X, data.time, data.event & (at_risk >= m))


def _median(losses: Iterable[Cox]) -> dict[str, float]:
    errors = [_errors(loss) for loss in losses]
    return {method: float(np.median([e[method] for e in errors])) for method in METHODS}


def _errors(loss: Cox) -> dict[str, float]:
    est = fits.minimum(loss)
    refits = vs.leave_one_out(est)
    return {name: vs.compare(method(est), refits).frobenius for name, method in METHODS.items()}


def tables(record: Record) -> list[Table]:
    """Errors by n, and by the last risk set."""
    numbers = record.numbers
    power = [f"{numbers['power_of_n'][m]:.2f}" for m in METHODS]
    return [
        Table(
            f"Relative error against the number of rows, {COVARIATES} covariates, median of "
            f"{len(SEEDS)} data sets",
            ["rows", *METHODS],
            [
                *([n, *errors.values()] for n, errors in numbers["by_size"].items()),
                ["fitted power of n", *power],
            ],
        ),
        Table(
            f"Relative error against the rows at risk at the last event, {ROWS} rows",
            ["at risk at the last event", *METHODS],
            [[m, *errors.values()] for m, errors in numbers["by_last_risk_set"].items()],
        ),
    ]


def figures(record: Record) -> list[Figure]:
    """Two log-log pictures."""
    shown = (
        ("by_size", "rows", "The error falls with n, and that of newton faster."),
        (
            "by_last_risk_set",
            "rows at risk at the last event",
            "The longer follow-up goes on, the further if is from vif.",
        ),
    )
    return [
        lines(
            {
                method: (
                    [int(n) for n in record.numbers[key]],
                    [errors[method] for errors in record.numbers[key].values()],
                )
                for method in METHODS
            },
            xlabel=xlabel,
            ylabel="relative error",
            alt=alt,
            how="Median relative error of all dfbeta against refits; both axes are logarithmic.",
            logx=True,
            logy=True,
        )
        for key, xlabel, alt in shown
    ]


def bounds(record: Record) -> list[Bound]:
    """Newton gains an order of n over vif."""
    power = record.numbers["power_of_n"]
    return [at_least("power of n that newton gains on vif", power["vif"] - power["newton"], 0.5)]


EXPERIMENT = Experiment(
    name="sample_size",
    title="Error against the number of rows, and against the size of the last risk sets",
    text=(
        "Cox models of drawn data: every row leaves, and the dfbeta of all rows are compared with "
        "exact refits. First the number of rows grows. Then it is 400 and follow-up is ended "
        "earlier and earlier, so that more and more rows are at risk at the last event: the "
        "difference between if and vif, eps/(1 - eps) of each term, is in the late risk sets only."
    ),
    run=run,
    tables=tables,
    figures=figures,
    bounds=bounds,
    quick=True,
)
