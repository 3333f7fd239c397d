"""Targets, sets and cross-validation: what clinicians and reviewers ask, predicted and refitted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from validation import targets as measured
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most

WAYS = ("vif, plugged in", "newton, plugged in")


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
            "Slopes of refits more than 3 % from 1, and after one step more",
            list(record.numbers["off_in_scale"][0]),
            [list(line.values()) for line in record.numbers["off_in_scale"]],
        ),
        Table("Sets without which significance flips, predicted and refitted", keys, sets),
    ]


def bounds(record: Record) -> list[Bound]:
    """Cross-validated partial likelihood by newton."""
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
        "coefficient rests on a handful of events, and one Newton step falls short of the refit, "
        "which a further step shows. Then the smallest sets found whose removal flips the "
        "significance of a coefficient, predicted and refitted; and the cross-validated partial "
        "likelihood of METABRIC over a grid of penalties."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    data=("METABRIC",),
)
