"""Table 2: seconds for all influences and for all refits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import vifstats as vs
from validation import fits, paper
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least
from vifstats.losses import Cox

DATA = {"METABRIC": fits.metabric, "SUPPORT": fits.support}
# What the others are too slow for is timed on some rows, and counted up.
SAMPLE = 20


def run(clock: Clock) -> dict[str, Any]:
    """Each way on the training rows; beginning with arrays and coefficients, or with the data."""
    return {data: _one(clock, data, load()) for data, load in DATA.items()}


def _one(clock: Clock, data: str, survival: fits.Survival) -> dict[str, Any]:
    X, time, event = survival.X.to_numpy(), survival.time, survival.event
    est = fits.minimum(Cox(X, time, event))
    theta = est.theta
    clock.best(f"{data}: vif", lambda: vs.vif_cox(theta, X, time, event), runs=15)
    clock.best(f"{data}: if", lambda: vs.vif_cox(theta, X, time, event, method="if"), runs=15)
    clock.best(f"{data}: newton", lambda: vs.vif_cox(theta, X, time, event, method="newton"))
    with clock.timing(f"{data}: refits"):
        vs.leave_one_out(est)
    some = {
        "warm-started Newton refits, one by one": lambda i: _warm(survival, theta, i),
        "lifelines refits": lambda i: _lifelines(survival, i),
    }
    for name, refit in some.items():
        clock.seconds[f"{data}: {name}"] = _counted_up(clock, refit, len(X))
    return {"rows": len(X), "covariates": X.shape[1]}


def _counted_up(clock: Clock, refit: Callable[[int], Any], n: int) -> float:
    with clock.timing("sample"):
        for i in range(SAMPLE):
            refit(i)
    return clock.seconds.pop("sample") / SAMPLE * n


def _warm(survival: fits.Survival, theta: np.ndarray, i: int) -> np.ndarray:
    """A refit as anyone would write it, with the kernels of the package, from the full fit."""
    stay = np.arange(len(survival.X)) != i
    loss = Cox(survival.X.to_numpy()[stay], survival.time[stay], survival.event[stay])
    for _ in range(20):
        step = np.linalg.solve(loss.hessian(theta), loss.gradient(theta))
        theta = theta - step
        if np.abs(step).max() < 1e-9:
            break
    return theta


def _lifelines(survival: fits.Survival, i: int) -> Any:
    from lifelines import CoxPHFitter

    frame = survival.X.assign(time=survival.time, event=survival.event)
    return CoxPHFitter().fit(frame.drop(index=frame.index[i]), "time", "event")


def ratios(record: Record, data: str) -> dict[str, float]:
    """How many times vif is faster than each other way."""
    seconds = record.seconds
    vif = seconds[f"{data}: vif"]
    return {
        "published vif": paper.SECONDS_VIF[data] / vif,
        "published refits": paper.SECONDS_REFITS[data] / vif,
        "our own refits": seconds[f"{data}: refits"] / vif,
    }


def tables(record: Record) -> list[Table]:
    """One line for each way."""
    ways = (
        *("vif", "if", "newton", "refits"),
        *("warm-started Newton refits, one by one", "lifelines refits"),
    )
    rows = [[way, *(record.seconds[f"{data}: {way}"] for data in DATA)] for way in ways]
    rows += [
        ["paper: vif", *(paper.SECONDS_VIF[data] for data in DATA)],
        ["paper: refits", *(paper.SECONDS_REFITS[data] for data in DATA)],
    ]
    faster = [
        [name, *(ratios(record, data)[name] for data in DATA)] for name in ratios(record, "SUPPORT")
    ]
    return [
        Table("Seconds for all rows; refits one by one counted up from twenty", ["", *DATA], rows),
        Table("How many times vif is faster than", ["", *DATA], faster),
    ]


def bounds(record: Record) -> list[Bound]:
    """Against the published seconds of vif itself."""
    return [
        at_least(
            f"{data}, published seconds of vif over ours",
            ratios(record, data)["published vif"],
            400,
        )
        for data in DATA
    ]


EXPERIMENT = Experiment(
    name="table2_seconds",
    title="Table 2: time, Cox regression",
    text=(
        "From plain arrays and coefficients to the influence of every training row, checks "
        "included, least of several runs on one thread; Efron's ties. The paper's seconds are of "
        "another machine. The fair baseline of vif is not the paper's refits but the fastest exact "
        "ones known here, all rows at once from their Newton steps; and Newton refits one by one "
        "from the full fit, which is what a careful user would write."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    data=("METABRIC", "SUPPORT"),
)
