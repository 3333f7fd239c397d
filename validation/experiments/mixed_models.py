"""Linear mixed models: every method against refits, refits against lme4's, and the time of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import vifstats as vs
from validation import figures
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most
from vifstats.targets import FixedEffects, VarianceComponents

LME4 = Path(__file__).parents[1] / "oracles" / "mixed"
METHODS = {
    "VIF": vs.vif,
    "Newton": vs.newton_step,
    "two truncated steps": vs.truncated_refits,
    "refits": vs.leave_one_out,
}
CASES = {"orthodont": "subject", "sleepstudy": "subject", "oats": "block"}
ROWS, GROUPS = 10_000, 1_000


def run(clock: Clock) -> dict[str, Any]:
    """Three published data sets by REML, and the time of a large simulated one."""
    out = {name: _compared(clock, name) for name in CASES}
    _timed(clock)
    return out


def _compared(clock: Clock, name: str) -> dict[str, Any]:
    d = pd.read_csv(LME4 / f"{name}.csv")
    theirs = pd.read_csv(LME4 / f"{name}_lme4.csv", keep_default_na=False)
    theirs = theirs[theirs["reml"] == 1]
    loss, by = _loss(name, d), d[CASES[name]].to_numpy()
    est = vs.minimize(loss, loss.start())
    full = theirs.iloc[0, 3:].to_numpy(dtype=float)
    out: dict[str, Any] = {"rows": len(d), "groups": len(np.unique(by))}
    for kind, groups in {"row": None, "group": by}.items():
        lme4 = full - theirs.loc[theirs["kind"] == kind].iloc[:, 3:].to_numpy(dtype=float)
        for method, call in METHODS.items():
            found = clock.best(
                f"{name}, {kind}, {method}", lambda c=call, g=groups: c(est, groups=g), 2
            )
            out[f"{kind}, {method}"] = _agreement(found, lme4, full, loss.n_fixed)
    return out


def _loss(name: str, d: pd.DataFrame) -> vs.losses.MixedModel:
    d = d.assign(one=1.0)
    if name == "oats":
        components = {"plot": d["plot"]}
        X, Z = d[["one", "nitro"]], d[["one"]]
        return vs.losses.MixedModel(X, d["yield"], d["block"], Z, components=components)
    if name == "sleepstudy":
        X = d[["one", "days"]]
        return vs.losses.MixedModel(X, d["reaction"], d["subject"], X)
    X = d[["one", "age", "male"]].assign(both=d["age"] * d["male"])
    return vs.losses.MixedModel(X, d["distance"], d["subject"], d[["one", "age"]])


def _agreement(found: vs.Influence, lme4: np.ndarray, full: np.ndarray, p: int) -> dict[str, float]:
    """Over all removals and values, each in units of its own spread; and the largest errors."""
    ours = np.hstack([found.on(t).influence for t in (FixedEffects(), VarianceComponents())])
    known, unit = np.isfinite(ours).all(axis=1), lme4.std(axis=0)
    a, r, errors = ours[known] / unit, lme4[known] / unit, np.abs(ours - lme4)[known]
    parts = {"fixed effects": slice(p), "components": slice(p, None)}
    out = {
        name: float(np.corrcoef(a[:, part].ravel(), r[:, part].ravel())[0, 1])
        for name, part in parts.items()
    }
    out["error of fixed effects"] = float(errors[:, :p].max())
    out["relative error of components"] = float((errors[:, p:] / np.abs(full[p:])).max())
    out["left out"] = int((~known).sum())
    return out


def _timed(clock: Clock) -> None:
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, GROUPS, ROWS), rng.normal(size=ROWS)
    X = np.column_stack([np.ones(ROWS), x, rng.normal(size=ROWS)])
    u = rng.normal(size=(GROUPS, 2)) * [1.0, 0.5]
    y = X @ [1.0, 0.5, 0.0] + u[g, 0] + u[g, 1] * x + rng.normal(size=ROWS)
    loss = vs.losses.MixedModel(X, y, g, X[:, :2])
    est = vs.minimize(loss, loss.start())
    clock.best("10,000 rows, vif", lambda: vs.vif(est), 2)
    clock.best("1,000 groups, vif", lambda: vs.vif(est, groups=g), 2)


def tables(record: Record) -> list[Table]:
    """One line for each data set, kind of removal and method; then seconds."""
    rows = []
    for name, found in record.numbers.items():
        for kind in ("row", "group"):
            for method in METHODS:
                f = found[f"{kind}, {method}"]
                fixed, components = (f"{f[part]:.5f}" for part in ("fixed effects", "components"))
                largest = f"{f['relative error of components']:.1e}"
                rows.append([name, kind, method, fixed, components, largest])
    heads = ["data", "without each", "", "fixed effects, r", "components, r", "largest error"]
    lme4 = pd.read_csv(LME4 / "seconds.csv").query("reml").set_index("case")["seconds"]
    seconds = [
        [
            name,
            record.numbers[name]["rows"],
            f"{record.seconds[f'{name}, row, VIF']:.3f}",
            f"{record.seconds[f'{name}, row, refits']:.2f}",
            f"{lme4[name]:.1f}",
        ]
        for name in CASES
    ]
    large = [f"{record.seconds[key]:.2f}" for key in ("10,000 rows, vif", "1,000 groups, vif")]
    return [
        Table("REML: the change without each row, or group, against lme4's refits", heads, rows),
        Table(
            "Seconds for all rows; the loop over lme4's lmer on the machine of its script",
            ["data", "rows", "VIF", "our refits", "lme4"],
            seconds,
        ),
        Table("Seconds of VIF, 10,000 rows in 1,000 groups", ["all rows", "all groups"], [large]),
    ]


def pictures(record: Record) -> list[Any]:
    """Correlations of the components, by method."""
    approximations = [name for name in METHODS if name != "refits"]
    curves = {
        name: (
            [1, 2, 3],
            [record.numbers[name][f"row, {method}"]["components"] for method in approximations],
        )
        for name in CASES
    }
    return [
        figures.lines(
            curves,
            xlabel="1 VIF, 2 Newton, 3 two truncated steps",
            ylabel="correlation with lme4's refits, components",
            alt="Variance components by VIF and Newton correlate by 0.97 to 1 with refits, by two "
            "truncated steps by 1.0000",
            how="Fixed effects are told to four digits by VIF already. Variances curve: a Newton "
            "step does no better than VIF, two steps of limited length do.",
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """Of Orthodont and sleepstudy, and of time."""
    out = []
    for name in ("orthodont", "sleepstudy"):
        numbers = record.numbers[name]
        for kind in ("row", "group"):
            vif, two, refits = (
                numbers[f"{kind}, {method}"] for method in ("VIF", "two truncated steps", "refits")
            )
            what = f"{name}, without each {kind}"
            out += [
                at_least(f"{what}: VIF of fixed effects", vif["fixed effects"], 0.9999),
                at_least(f"{what}: two steps, components", two["components"], 0.9998),
                at_most(f"{what}: refits, fixed effects", refits["error of fixed effects"], 1e-5),
                at_most(
                    f"{what}: refits, components", refits["relative error of components"], 1e-3
                ),
            ]
    lme4 = pd.read_csv(LME4 / "seconds.csv").query("reml").set_index("case")["seconds"]
    ours = record.seconds["orthodont, row, refits"]
    return [
        *out,
        at_most("Orthodont, seconds of VIF", record.seconds["orthodont, row, VIF"], 0.5),
        at_least("Orthodont, refits faster than lme4's loop", lme4["orthodont"] / ours, 10),
        at_most("10,000 rows, seconds of VIF", record.seconds["10,000 rows, vif"], 5),
        at_most("1,000 groups, seconds of VIF", record.seconds["1,000 groups, vif"], 1),
    ]


EXPERIMENT = Experiment(
    name="mixed_models",
    title="Linear mixed models: fixed effects by VIF, variances by two steps",
    text=(
        "Orthodont, sleepstudy and Oats (blocks and plots within blocks) by REML, without each row "
        "and each group, against lmer refitted with tightened steps. Fixed effects are found by "
        "generalised least squares on the rows that are left, so that a method's error is only in "
        "the variances; these curve, and their covariance may reach its boundary without a row."
    ),
    run=run,
    tables=tables,
    figures=pictures,
    bounds=bounds,
)
