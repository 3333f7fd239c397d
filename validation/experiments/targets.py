"""Targets, sets and cross-validation: what clinicians and reviewers ask, predicted and refitted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from validation import targets as measured
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most

WAYS = ("vif, plugged in", "newton, plugged in")
# Of the fifth fit nothing was: in it three patients carry a coefficient, to see what fails then.
PROMISED = ("lung", "rossi", "heart, entry, by patient", "lung, weights, strata")


def run(clock: Clock) -> dict[str, Any]:
    """Agreement of every target with refits, sets that flip significance, a grid of penalties."""
    flips = [_timed(clock, line) for line in measured.flips()]
    crossed = measured.cross_validation()
    clock.seconds |= {f"cross-validation: {k}": s for k, s in crossed.pop("seconds").items()}
    speed = measured.speed()
    errors = {name: value for name, value in speed.items() if "error" in name}
    clock.seconds |= {f"1e5 rows: {k}": s for k, s in speed.items() if k not in errors}
    return {
        "agreement": [line for fit in measured.fits() for line in measured.agreement(fit)],
        "off_in_scale": list(measured.off_in_scale()),
        "flips": flips,
        "cross_validation": crossed,
        "errors_at_1e5_rows": errors,
    }


def _timed(clock: Clock, line: dict[str, Any]) -> dict[str, Any]:
    """The line without its seconds, which go to the clock."""
    seconds = line.pop("seconds", None)
    if seconds is not None:
        clock.seconds[f"{line['fit']} {line['parameter']}, {line['method']}"] = seconds
    return line


def tables(record: Record) -> list[Table]:
    """Worst of each kind of target; then sets."""
    lines = measured.worst(pd.DataFrame(record.numbers["agreement"]))
    keys = ["fit", "target", "way", "pearson", "slope_min", "slope_max", "error"]
    rows = lines.loc[lines["way"].isin(WAYS), keys].to_numpy().tolist()
    keys = ("fit", "parameter", "method", "size", "status", "p", "p_joint", "p_refitted")
    sets = [[line[key] for key in keys] for line in record.numbers["flips"]]
    return [
        Table(
            "Targets against exact refits of all rows",
            ["fit", "target", "", "Pearson", "slope, least", "slope, most", "largest error"],
            rows,
        ),
        Table(
            "Slopes of refits on newton more than 3 % from 1, and what mends them",
            list(record.numbers["off_in_scale"][0]),
            [list(line.values()) for line in record.numbers["off_in_scale"]],
        ),
        Table("Sets without which significance flips, predicted and refitted", keys, sets),
    ]


def bounds(record: Record) -> list[Bound]:
    """Agreement where it was promised; cross-validated partial likelihood by newton."""
    return [*_of_agreement(record), *_of_scale(record), *_of_cross_validation(record)]


def _of_agreement(record: Record) -> list[Bound]:
    lines = pd.DataFrame(record.numbers["agreement"])
    lines = lines[lines["fit"].isin(PROMISED)]
    way, target = lines["way"], lines["target"]
    newton, vif = (way == f"{method}, plugged in" for method in ("newton", "vif"))
    smooth, concordance = ~target.isin(measured.NOT_SMOOTH), target == "concordance"
    median_of_lung = (target == "median") & (lines["fit"] == "lung")

    def least(what: str, which: pd.Series) -> float:
        return float(lines.loc[which, what].min())

    return [
        at_least("Pearson of newton, smooth targets", least("pearson", newton & smooth), 0.999),
        at_least("Pearson of vif, smooth targets", least("pearson", vif & smooth), 0.99),
        at_least("Pearson of newton, concordance", least("pearson", newton & concordance), 0.98),
        at_least(
            "share of lung's rows with the same median",
            least("equal", newton & median_of_lung),
            0.99,
        ),
    ]


def _of_scale(record: Record) -> list[Bound]:
    lines = pd.DataFrame(record.numbers["off_in_scale"])
    off = (lines.drop(columns=["fit", "target"]) - 1).abs()
    promised = off[lines["fit"].isin(PROMISED)].max()
    refitted = f"newton, {measured.REFITTED} rows refitted"
    return [
        at_most("|slope - 1| of newton, smooth targets", promised["newton"], measured.OFF),
        at_most(f"|slope - 1| of {refitted}, all fits", off[refitted].max(), measured.OFF),
    ]


def _of_cross_validation(record: Record) -> list[Bound]:
    crossed, seconds = record.numbers["cross_validation"], record.seconds
    ours = seconds["cross-validation: newton"]
    return [
        at_most(
            "cross-validated likelihood by newton, largest error",
            crossed["largest_error_newton"],
            0.01,
        ),
        at_least(
            "times faster than lifelines",
            seconds["cross-validation: lifelines, from 20 refits"] / ours,
            100,
        ),
        at_least("times faster than our refits", seconds["cross-validation: refit"] / ours, 10),
    ]


EXPERIMENT = Experiment(
    name="targets",
    title="Targets, conclusions and sets",
    text=(
        "Survival probabilities, restricted means, medians, standard errors, p-values and "
        "concordance of five Cox fits, without each row: plugged in from newton and vif, against "
        "refits. Scales that are more than 3 % off stand in a table of their own: there a "
        "coefficient rests on a handful of events, and one Newton step falls short of the refit. "
        "Refits of the ten rows of largest Cook's distance mend them all (refit_top). Then the "
        "smallest sets found whose removal flips the significance of a coefficient, predicted and "
        "refitted; and the cross-validated partial likelihood of METABRIC over a grid of penalties."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    data=("METABRIC",),
)
