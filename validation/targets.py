"""What clinicians and reviewers ask, predicted and refitted: targets, sets, cross-validation.

Agreement of every target with exact refits of all rows, the sets without which significance flips,
cross-validation of METABRIC over a grid of penalties, and the time of 1e5 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd

import vifstats as vs
from validation import fits as shared
from vifstats import targets as vt

QUARTILES = (0.25, 0.5, 0.75)
# Of slopes, beyond which a target is looked at again.
OFF = 0.03
# Rows of largest Cook's distance that are refitted then.
REFITTED = 10
NOT_SMOOTH = ("median", "concordance")
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
    c = shared.oracle_case(case)
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
            if "linear" in way and name in NOT_SMOOTH:
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


def off_in_scale() -> Iterator[dict[str, object]]:
    """Smooth targets whose slope by newton is more than `OFF` from 1; and what mends it."""
    for fit in fits():
        newton, exact = vs.newton_step(fit.est), vs.leave_one_out(fit.est)
        ways = {
            "newton": newton,
            f"newton, {REFITTED} rows refitted": vs.refit_top(newton, REFITTED),
            "vif and one step": vs.truncated_refits(fit.est, max_steps=1),
        }
        for name, target in fit.targets():
            if name in NOT_SMOOTH:
                continue
            reference = exact.on(target)
            slopes = {way: vs.compare(a.on(target), reference).slope for way, a in ways.items()}
            farthest = np.abs(slopes["newton"] - 1).argmax()
            if abs(slopes["newton"].iloc[farthest] - 1) > OFF:
                found = {way: float(slope.iloc[farthest]) for way, slope in slopes.items()}
                yield {"fit": fit.name, "target": name, **found}


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
    data = shared.metabric()
    X, time, event = data.X, data.time, data.event
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


def lifelines_seconds(X: pd.DataFrame, time: np.ndarray, event: np.ndarray) -> float:
    """Seconds of lifelines refits without each row in turn, from twenty of them."""
    from lifelines import CoxPHFitter

    frame = X.assign(time=time, event=event)
    begin = perf_counter()
    for row in range(20):
        CoxPHFitter(penalizer=0.01).fit(frame.drop(index=frame.index[row]), "time", "event")
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
        "median, 5 profiles": lambda exact: vt.MedianSurvival(X[:5], exact=exact),
    }.items():
        begin = perf_counter()
        found = influence.on(make(None)).influence
        seconds[name] = perf_counter() - begin
        exact = few.on(make(True)).influence
        largest = np.abs(exact).max(axis=0, initial=np.finfo(float).tiny)
        error = np.abs(found[some] - exact).max(axis=0) / largest
        seconds[f"{name}: largest error"] = float(error.max())
    return seconds


def worst(agree: pd.DataFrame) -> pd.DataFrame:
    """One line for each kind of target: its worst figures; se and p of the worst parameter."""
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
