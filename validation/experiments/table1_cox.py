"""Table 1, Cox regression: influence of every training row on every prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

import vifstats as vs
from validation import fits, paper
from validation.agreement import agreement
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most
from vifstats.losses import Cox
from vifstats.targets import RelativeRisk

DATA = {"METABRIC": fits.metabric, "SUPPORT": fits.support}
TIES = ("efron", "breslow")
METHODS = {"if": vs.classical_if, "vif": vs.vif, "newton": vs.newton_step}
PRINTED = "vif, Eq. 5 as printed"


def run(clock: Clock) -> dict[str, Any]:
    """Every data set and treatment of ties."""
    found = {f"{data}, {ties}": _one(clock, data, ties) for data in DATA for ties in TIES}
    return found | {"another start": _another_start()}


def _one(clock: Clock, data: str, ties: str) -> dict[str, Any]:
    survival = DATA[data]()
    est = fits.minimum(Cox(survival.X, survival.time, survival.event, ties=ties))
    target = RelativeRisk(survival.X_test)
    name = f"{data}, {ties}"
    with clock.timing(f"{name}: refits"):
        refits = vs.leave_one_out(est)
    exact = refits.on(target).influence
    found = {}
    for method, influence in METHODS.items():
        rows = clock.best(f"{name}: {method}", lambda f=influence: f(_fresh(est)))
        found[method] = agreement(rows.on(target).influence, exact)
        if method == "vif":
            found[PRINTED] = agreement(rows.on(target, linear=True).influence, exact)
    return {
        "rows": len(survival.X),
        "predictions": len(survival.X_test),
        "refits_that_did_not_converge": int(refits.failed.sum()),
        "methods": found,
    }


def _fresh(est: vs.Estimate) -> vs.Estimate:
    """Without H, which an estimate keeps."""
    return vs.Estimate(est.loss, est.theta)


def _another_start() -> float:
    """How far METABRIC's refits are apart if the fit starts elsewhere, over the largest."""
    survival = fits.metabric()
    loss = Cox(survival.X, survival.time, survival.event)
    starts = (np.zeros(loss.n_params), np.random.default_rng(0).uniform(-1, 1, loss.n_params))
    one, other = (vs.leave_one_out(vs.minimize(loss, start)).values for start in starts)
    # to the power of ten: what is behind it is rounding
    return float(10.0 ** np.ceil(np.log10(np.abs(one - other).max() / np.abs(one).max())))


def tables(record: Record) -> list[Table]:
    """One line for each method."""
    rows = []
    for name, one in record.numbers.items():
        if not isinstance(one, dict):
            continue
        for method, figures in one["methods"].items():
            rows.append(
                [
                    name,
                    method,
                    *(f"{figures[key]:.6f}" for key in ("pearson", "least_pearson", "spearman")),
                    f"{figures['slope']:.4f}",
                    f"{figures['largest_relative_error']:.4f}",
                    f"{paper.PEARSON[name.partition(',')[0]]:.3f}" if method == PRINTED else "",
                ]
            )
    heads = ["data, ties", "method", "Pearson", "least", "Spearman", "slope", "largest error"]
    return [
        Table(
            "Influence on the relative risk of the test rows against exact refits: means over test "
            "rows, and the least Pearson",
            [*heads, "paper, Pearson"],
            rows,
        ),
        Table(
            "The ceiling",
            ["", "at most"],
            [
                [
                    "METABRIC, all refits after a fit from another start: largest difference, over "
                    "the largest dfbeta",
                    f"{record.numbers['another start']:g}",
                ]
            ],
        ),
    ]


def bounds(record: Record) -> list[Bound]:
    """What was promised of the published splits."""
    found = []
    for ties in TIES:
        methods = record.numbers[f"METABRIC, {ties}"]["methods"]
        name = f"METABRIC, {ties}, Pearson of"
        slope = abs(methods["vif"]["slope"] - 1)
        found += [
            at_least(f"{name} vif", methods["vif"]["pearson"], 0.9998),
            at_most(f"METABRIC, {ties}, |slope of vif - 1|", slope, 0.02),
            at_least(f"{name} newton", methods["newton"]["pearson"], 0.99999),
        ]
        methods = record.numbers[f"SUPPORT, {ties}"]["methods"]
        found.append(
            at_least(f"SUPPORT, {ties}, Pearson of vif", methods["vif"]["pearson"], 0.9999)
        )
    return found


EXPERIMENT = Experiment(
    name="table1_cox",
    title="Table 1: Cox regression, METABRIC and SUPPORT",
    text=(
        "Each row of the training part of the published split leaves in turn; what is compared is "
        "the change of exp(x'theta) for every row of the test part, approximated by if, vif and "
        "newton, plugged in, and by vif through the derivative, which is Eq. 5 of the paper as "
        "printed, with that of a refit to convergence. Ties are treated as by Efron and by Breslow."
        " Its ceiling, the agreement of two refits with "
        "different seeds, is 1 here: converged refits do not depend on where they start."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    data=("METABRIC", "SUPPORT"),
)
