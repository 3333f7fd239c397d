"""Tables of issue "targets": what clinicians and reviewers ask, predicted and refitted.

    VIFSTATS_DATA=folder python validation/targets.py

writes results/targets.json and results/targets.md: agreement of every target with exact refits of
all rows, the sets without which significance flips, cross-validation over a grid of penalties
(needs metabric.csv in the folder), and the time of 1e5 rows. Single-threaded BLAS.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import vifstats as vs
from vifstats import targets as vt

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "validation" / "results"
sys.path.insert(0, str(ROOT / "tests"))

from oracles import load_case  # noqa: E402  the tests are no package

QUARTILES = (0.25, 0.5, 0.75)
PENALTIES = (0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
FLIPS = (
    ("lung", "age"),
    ("lung", "sex"),
    ("rossi", "fin"),
    ("rossi", "age"),
    ("rossi", "prio"),
    ("heart", "year"),
    ("cgd_strata_weights", "treat"),
    ("pbc", "log_albumin"),
)


@dataclass(frozen=True, eq=False)
class Fit:
    """One real fit and the targets asked of it.

    Attributes
    ----------
    name : str
    est : Estimate
    stratum : object
        Whose curve is meant; None without strata.
    """

    name: str
    est: vs.Estimate
    stratum: object

    def targets(self) -> Iterator[tuple[str, object]]:
        """Every target, with a name."""
        loss = self.est.loss
        times = loss.data.time[loss.data.event]
        when = np.quantile(times, QUARTILES, method="nearest")
        low, high = np.quantile(loss.data.X, [0.25, 0.75], axis=0, method="nearest")
        high = np.where(high > low, high, low + 1.0)
        where = {"stratum": self.stratum}
        yield "S(t|x), three times", vt.SurvivalProbability(low, when, **where)
        yield "baseline hazard, three times", vt.BaselineHazard(when, **where)
        yield "RMST", vt.RMST(low, float(when[-1]), **where)
        yield "RMST difference", vt.RMSTDifference(high, low, float(when[-1]), **where)
        yield "median", vt.MedianSurvival(high, **where)
        yield "log hazard ratio", vt.LogHazardRatio(high, low)
        yield "relative risk", vt.RelativeRisk(high - low)
        for name in self.est.names:
            yield f"se({name})", vt.StandardError(name)
            yield f"p({name})", vt.PValue(name)
        yield "log likelihood", vt.LogLikelihood()
        yield "concordance", vt.Concordance()


def fits() -> list[Fit]:
    """lung, rossi, heart with entry by patient, and a weighted stratified fit."""
    return [
        Fit("lung", estimate("lung"), None),
        Fit("rossi", estimate("rossi"), None),
        Fit("heart, entry, by patient", estimate("heart"), None),
        Fit("lung, weights, strata", estimate("lung_strata_weights"), 1),
        Fit("cgd, entry, weights, strata, by patient", estimate("cgd_strata_weights"), 2),
    ]


def estimate(case: str) -> vs.Estimate:
    """A converged fit to one of the oracle data sets."""
    c = load_case(case, "efron")
    loss = vs.losses.Cox(
        c.X, c.time, c.event, entry=c.entry, weights=c.weights, strata=c.strata, ties="efron"
    )
    return vs.minimize(loss, np.zeros(c.X.shape[1]), groups=c.id)


def agreement(fit: Fit) -> Iterator[dict[str, object]]:
    """Each target by newton, vif and linearised, against exact refits of all rows."""
    newton, vif, refits = vs.newton_step(fit.est), vs.vif(fit.est), vs.leave_one_out(fit.est)
    ways = {
        "newton, plugged in": lambda t: newton.on(t),
        "vif, plugged in": lambda t: vif.on(t),
        "newton, linear, with direct term": lambda t: newton.on(t, linear=True),
        "newton, linear, without": lambda t: without_direct_term(newton, t),
    }
    for name, target in fit.targets():
        exact = refits.on(target)
        if np.isnan(exact.influence).all():
            yield {"fit": fit.name, "target": name, "way": exact.status.iloc[0], "rows": 0}
            continue
        for way, influence in ways.items():
            if "linear" in way and name in ("median", "concordance"):
                continue
            table = vs.compare(influence(target), exact).table
            both = influence(target).influence, exact.influence
            finite = np.isfinite(both[0]) & np.isfinite(both[1])
            yield {
                "fit": fit.name,
                "target": name,
                "way": way,
                "pearson": table.pearson.min(),
                "slope_min": table.slope.min(),
                "slope_max": table.slope.max(),
                "error": table.largest_relative_error.max(),
                "equal": float(np.isclose(*both, rtol=0, atol=1e-9)[finite].mean()),
                "rows": int(table.n.min()),
                "left_out": int(table.left_out.max()),
            }


def without_direct_term(influence: vs.Influence, target: object) -> vs.TargetInfluence:
    """Eq. 5 as printed: the derivative times dfbeta only."""
    linear = influence.on(target, linear=True)
    est = influence.estimate
    held = np.broadcast_to(est.theta, influence.values.shape)
    bound = target.bind(est)
    direct = linear.value - bound.values_without(est.loss, held, influence.removals)
    return vs.TargetInfluence(influence, bound, linear.value, linear.influence - direct)


def flips() -> Iterator[dict[str, object]]:
    """Sets without which significance flips, by each method, refitted."""
    for case, name in FLIPS:
        est = estimate(case)
        for method in ("sorted", "greedy", "adaptive"):
            begin = perf_counter()
            found = vs.influential_set(est, name, flip="significance", method=method, max_size=30)
            yield {
                "fit": case,
                "parameter": name,
                "method": method,
                "size": len(found),
                "status": found.status,
                "p": found.value,
                "p_added": found.additive,
                "p_joint": found.joint,
                "p_refitted": found.actual,
                "seconds": perf_counter() - begin,
            }
    est = estimate("rossi")
    found = vs.influential_set(est, "mar", change=-1.1, max_size=10)
    yield {
        "fit": "rossi",
        "parameter": "mar, change -1.1",
        "method": "sorted",
        "size": len(found),
        "status": found.status,
        "p": found.value,
        "p_added": found.additive,
        "p_joint": found.joint,
        "p_refitted": found.actual,
    }


def cross_validation() -> dict[str, object]:
    """METABRIC training data over a grid of penalties, by newton, vif, refits and lifelines."""
    folder = os.environ.get("VIFSTATS_DATA")
    if folder is None:
        return {"left out": "VIFSTATS_DATA names no folder with metabric.csv"}
    X, time, event = metabric(Path(folder) / "metabric.csv")
    est = vs.minimize(vs.losses.Cox(X, time, event), np.zeros(X.shape[1]))
    tables, seconds = {}, {}
    for method in ("newton", "vif", "refit"):
        begin = perf_counter()
        choice = vs.choose_penalty(est, PENALTIES, method=method)
        seconds[method] = perf_counter() - begin
        tables[method] = choice
    refit = tables["refit"].table["loglik"]
    seconds["lifelines, from 20 refits"] = len(PENALTIES) * lifelines_seconds(X, time, event)
    return {
        "rows": len(X),
        "penalties": list(PENALTIES),
        **{f"loglik_{m}": choice.table["loglik"].tolist() for m, choice in tables.items()},
        **{f"chosen_{m}": choice.penalty for m, choice in tables.items()},
        **{
            f"concordance_{m}": choice.table["concordance"].tolist() for m, choice in tables.items()
        },
        "largest_error_newton": float(
            ((tables["newton"].table["loglik"] - refit) / refit).abs().max()
        ),
        "error_of_differences_newton": float(
            (tables["newton"].table["loglik"] - refit).pipe(np.ptp) / np.ptp(refit)
        ),
        "seconds": seconds,
    }


def metabric(path: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The training rows of the published split, scaled as published."""
    frame = pd.read_csv(path)
    frame = frame[frame["split_pycox_seed0"] == "train"].reset_index(drop=True)
    X = frame[[name for name in frame if name.startswith("x")]].copy()
    scaled = X.columns[[0, 1, 2, 3, 8]]
    X[scaled] = (X[scaled] - X[scaled].mean()) / X[scaled].std(ddof=0)
    return X, frame["time"].to_numpy(), frame["event"].to_numpy()


def lifelines_seconds(X: pd.DataFrame, time: np.ndarray, event: np.ndarray) -> float:
    """Seconds of lifelines refits without each row in turn, from twenty of them."""
    from lifelines import CoxPHFitter

    frame = X.assign(time=time, event=event)
    begin = perf_counter()
    for row in range(20):
        CoxPHFitter(penalizer=0.01).fit(frame.drop(index=row), "time", "event")
    return (perf_counter() - begin) / 20 * len(X)


def speed() -> dict[str, float]:
    """1e5 x 10: S(t|x) of all rows at 10 times for 5 profiles, and its error on 250 rows."""
    rng = np.random.default_rng(0)
    n, p = 100_000, 10
    X = rng.normal(size=(n, p))
    time = rng.exponential(np.exp(-X @ rng.normal(scale=0.3, size=p)))
    censored = rng.exponential(1.5, size=n)
    loss = vs.losses.Cox(X, np.minimum(time, censored), time <= censored)
    est = vs.minimize(loss, np.zeros(p))
    begin = perf_counter()
    influence = vs.vif(est)
    seconds = {"vif": perf_counter() - begin}
    when = np.quantile(loss.data.time, np.linspace(0.05, 0.9, 10))
    some = np.zeros(n, dtype=bool)
    some[rng.choice(n, 200, replace=False)] = True
    some[np.argsort(-influence.cooks_distance.to_numpy())[:50]] = True
    few = vs.vif(est, objects=some)
    for name, make in {
        "S(t|x), 10 times, 5 profiles": lambda exact: vt.SurvivalProbability(
            X[:5], when, exact=exact
        ),
        "RMST, 5 profiles": lambda exact: vt.RMST(X[:5], 1.5, exact=exact),
    }.items():
        begin = perf_counter()
        found = influence.on(make(None)).influence
        seconds[name] = perf_counter() - begin
        exact = few.on(make(True)).influence
        error = np.abs(found[some] - exact).max(axis=0) / np.abs(exact).max(axis=0)
        seconds[f"{name}: largest error"] = float(error.max())
    return seconds


def markdown(tables: dict[str, object]) -> str:
    """The tables for people."""
    agree = pd.DataFrame(tables["agreement"])
    parts = [
        "# Targets against exact refits",
        "Made by `validation/targets.py`. Worst value of each target; se and p: worst parameter. "
        "`equal`: share of rows whose influence equals that of the refit.",
        _table(_worst(agree)),
        "# Sets without which significance flips (rossi mar: without which the coefficient falls)",
        _table(pd.DataFrame(tables["flips"])),
        "# Cross-validated partial likelihood, METABRIC training data",
        "```\n" + json.dumps(tables["cross_validation"], indent=1) + "\n```",
        "# 1e5 rows, 10 covariates: seconds, and largest errors against exact values of 250 rows",
        "```\n" + json.dumps(tables["speed"], indent=1) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _worst(agree: pd.DataFrame) -> pd.DataFrame:
    kind = agree["target"].str.replace(r"^(se|p)\(.*\)$", r"\1", regex=True)
    how: dict[str, str | Callable] = {
        "pearson": "min",
        "slope_min": "min",
        "slope_max": "max",
        "error": "max",
        "equal": "min",
        "rows": "min",
        "left_out": "max",
    }
    return agree.groupby(["fit", kind, "way"], sort=False).agg(how).reset_index()


def _table(frame: pd.DataFrame) -> str:
    cells = frame.map(lambda v: f"{v:.4g}" if isinstance(v, float) else str(v).replace("|", "\\|"))
    lines = [list(cells.columns), ["---"] * len(cells.columns), *cells.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    tables: dict[str, object] = {
        "agreement": [line for fit in fits() for line in agreement(fit)],
        "flips": list(flips()),
        "cross_validation": cross_validation(),
        "speed": speed(),
    }
    (RESULTS / "targets.json").write_text(json.dumps(tables, indent=1) + "\n")
    text = markdown(tables)
    (RESULTS / "targets.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
