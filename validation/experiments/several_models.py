"""Several models of the same people: competing risks, and one fit less another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import vifstats as vs
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most

ORACLES = Path(__file__).parents[1] / "oracles"
METHODS = {"IF": vs.classical_if, "VIF": vs.vif, "Newton": vs.newton_step}
# A man of 80 with a monoclonal spike of 1.5, at 5, 10 and 20 years.
INCIDENCE = vs.targets.CumulativeIncidence([1.0, 8.0, 1.5], [60.0, 120.0, 240.0], cause=1)
BOOTSTRAPS = 1000


def run(clock: Clock) -> dict[str, Any]:
    """Fine and Gray's model against R's refits, the others against our own."""
    mgus2 = pd.read_csv(ORACLES / "fine_gray" / "mgus2.csv").drop(columns=["hgb", "weights"])
    return {
        "fine and gray": {
            "Melanoma": _fine_gray("melanoma", "melanoma.breslow"),
            "mgus2": _fine_gray("mgus2", "mgus2.efron"),
        },
        "incidence": {
            "mgus2, the first 500": _incidence(clock, mgus2[:500]),
            "mgus2": _incidence(clock, mgus2),
        },
        "difference": _difference(clock),
    }


def _fine_gray(data: str, refits: str) -> dict[str, Any]:
    """Against R's finegray and coxph without each row, or without each of those that it left out.

    The figures are of those rows that are censored, too, which move the fit by the weights alone
    where they leave before the first event.
    """
    d = pd.read_csv(ORACLES / "fine_gray" / f"{data}.csv")
    stored = pd.read_csv(ORACLES / "fine_gray" / f"{refits}.csv", float_precision="round_trip")
    without = stored.iloc[:, 1:].to_numpy(dtype=float)
    rows = stored["without"][1:].astype(int).tolist()
    X = d.drop(columns=["time", "cause", "weights"])
    ties = refits.rsplit(".", 1)[1]
    est = vs.minimize(vs.losses.FineGray(X, d.time, d.cause, ties=ties), np.zeros(X.shape[1]))
    ours = vs.leave_one_out(est, objects=rows).params_without.to_numpy()
    exact = without[0] - without[1:]
    censored = d.cause.to_numpy()[rows] == 0
    found = {
        "rows": len(d),
        "refits": len(rows),
        "coefficients": float(np.abs(est.theta - without[0]).max()),
        "largest difference of refits": float(np.abs(ours - without[1:]).max()),
    }
    unit = exact.std(axis=0)
    for name, method in METHODS.items():
        values = method(est, objects=rows).values
        found[name] = {
            "all": _agreed(values / unit, exact / unit),
            "censored": _agreed(values[censored] / unit, exact[censored] / unit),
        }
    return found


def _incidence(clock: Clock, d: pd.DataFrame) -> dict[str, Any]:
    """Every refit of both causes, and what is lost without a part of the influence."""
    est = vs.competing_risks(d, "time", "cause")
    with clock.timing(f"refits of both causes, {len(d)} rows"):
        refits = vs.leave_one_out(est)
    exact = refits.on(INCIDENCE).influence
    unit = exact.std(axis=0)
    found = {
        name: _agreed(method(est).on(INCIDENCE).influence / unit, exact / unit)
        for name, method in METHODS.items()
    }
    everyone, target, steps = est.loss.everyone(), INCIDENCE.bind(est), vs.vif(est).values
    one_cause = np.where(np.char.startswith(est.names, "1:"), steps, 0.0)
    whole = target.value(est.theta, everyone, est.loss)

    def moved(steps: np.ndarray, leaves: float) -> np.ndarray:
        presences = everyone - leaves * np.eye(len(d))
        each = zip(steps, presences, strict=True)
        return whole - np.stack([target.value(est.theta - s, b, est.loss) for s, b in each])

    held = {
        "VIF without the direct term": moved(steps, 0.0),
        "VIF of the model of cause 1 alone": moved(one_cause, 1.0),
    }
    found |= {name: _agreed(values / unit, exact / unit) for name, values in held.items()}
    return {"rows": len(d), **found}


def _difference(clock: Clock) -> dict[str, Any]:
    """The effect of hormones in GBSG2: adjusted less unadjusted."""
    d = pd.read_csv(ORACLES / "iptw" / "gbsg2.csv")
    n = len(d)
    fits = _both(d, np.ones(n))
    both = vs.joint(**fits)
    places = [both.names.index(f"{name}: treated") for name in ("unadjusted", "adjusted")]
    contrast = np.zeros(len(both.names))
    contrast[places] = -1.0, 1.0
    with clock.timing(f"refits of two models, {n} rows"):
        exact = vs.leave_one_out(both).values @ contrast
    found: dict[str, Any] = {
        name: _agreed(method(both).values @ contrast, exact) for name, method in METHODS.items()
    }
    covariances = {
        "robust, IF": both.cov_params("robust"),
        "HC3, Newton": both.cov_params("HC3"),
    }
    apart = sum(float(est.covariance[0, 0]) for est in fits.values())
    with clock.timing(f"{BOOTSTRAPS} bootstrap fits of two models"):
        drawn = _drawn(d)
    return {
        "rows": n,
        "value": float(both.theta @ contrast),
        **found,
        "standard errors": {
            **{name: float(np.sqrt(contrast @ C @ contrast)) for name, C in covariances.items()},
            "jackknife, refits": float(np.sqrt((n - 1) / n * (exact**2).sum())),
            "bootstrap": float(drawn.std(ddof=1)),
            "as if independent": float(np.sqrt(apart)),
        },
    }


def _both(d: pd.DataFrame, weights: np.ndarray) -> dict[str, vs.Estimate]:
    """The effect of treatment by itself, and among covariates; `treated` is the first column."""
    X = d.drop(columns=["time", "event"])
    designs = {"unadjusted": X[["treated"]], "adjusted": X}
    losses = {
        name: vs.losses.Cox(some, d.time, d.event, weights=weights)
        for name, some in designs.items()
    }
    return {name: vs.minimize(loss, np.zeros(loss.n_params or 0)) for name, loss in losses.items()}


def _drawn(d: pd.DataFrame) -> np.ndarray:
    """Differences of the two fits of rows drawn with replacement, (BOOTSTRAPS,)."""
    rng = np.random.default_rng(23)
    out = np.empty(BOOTSTRAPS)
    for k in range(BOOTSTRAPS):
        rows, counts = np.unique(rng.integers(0, len(d), len(d)), return_counts=True)
        # a row drawn twice is one with twice the weight, not a tie of two
        fits = _both(d.iloc[rows], counts.astype(float))
        out[k] = fits["adjusted"].params["treated"] - fits["unadjusted"].params["treated"]
    return out


def _agreed(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    """Over all rows and columns, which are in units of their own spread."""
    return {
        "slope": float((a * r).sum() / (a * a).sum()),
        "pearson": float(np.corrcoef(a.ravel(), r.ravel())[0, 1]),
        "distance": float(np.linalg.norm(a - r) / np.linalg.norm(r)),
    }


def tables(record: Record) -> list[Table]:
    """Fine and Gray, incidences, and the difference with its errors."""
    numbers = record.numbers
    heads = ["slope", "Pearson", "distance"]
    models = [
        [data, found["refits"], name, *_shown(found[name]["all"]), *_shown(found[name]["censored"])]
        for data, found in numbers["fine and gray"].items()
        for name in METHODS
    ]
    incidences = [
        [data, name, *_shown(figures)]
        for data, found in numbers["incidence"].items()
        for name, figures in found.items()
        if name != "rows"
    ]
    difference = numbers["difference"]
    return [
        Table(
            "Fine and Gray's model against R's refits, of all rows or of those that R left out; "
            "then of the censored rows among them. Coefficients are in units of their spread",
            ["data", "refits", "", *heads, *(f"{head}, censored" for head in heads)],
            models,
        ),
        Table(
            "Cumulative incidence of the first cause at three times, against refits",
            ["data", "", *heads],
            incidences,
        ),
        Table(
            "The adjusted minus the unadjusted effect, against refits of both models",
            ["", *heads],
            [[name, *_shown(difference[name])] for name in METHODS],
        ),
        Table(
            "Its standard error",
            ["", "standard error"],
            [[name, f"{value:.4f}"] for name, value in difference["standard errors"].items()],
        ),
    ]


def _shown(found: dict[str, float]) -> list[str]:
    return [f"{found['slope']:.3f}", f"{found['pearson']:.5f}", f"{found['distance']:.4f}"]


def bounds(record: Record) -> list[Bound]:
    """What was promised of each."""
    melanoma, mgus2 = record.numbers["fine and gray"].values()
    incidences = record.numbers["incidence"]["mgus2"]
    difference = record.numbers["difference"]
    errors = difference["standard errors"]
    apart = abs(errors["HC3, Newton"] / errors["bootstrap"] - 1)
    out = []
    for name, found in (("Melanoma", melanoma), ("mgus2", mgus2)):
        # the figure promised has four digits
        pearson, far = round(found["VIF"]["all"]["pearson"], 4), found["Newton"]["all"]["distance"]
        refits = found["largest difference of refits"]
        out += [
            at_most(f"{name}, coefficients against R", found["coefficients"], 1e-8),
            at_most(f"{name}, refits against R", refits, 1e-8),
            at_least(f"{name}, VIF, Pearson", pearson, 0.9994),
            at_most(f"{name}, Newton, distance", far, 0.01),
        ]
    censored = mgus2["VIF"]["censored"]["pearson"]
    undirected = incidences["VIF without the direct term"]["pearson"]
    return [
        *out,
        at_least("mgus2, censored rows, VIF, Pearson", censored, 0.9999),
        at_least("incidence, VIF, Pearson", incidences["VIF"]["pearson"], 0.9998),
        at_most("incidence, Newton, distance", incidences["Newton"]["distance"], 0.003),
        at_most("incidence without the direct term, Pearson", undirected, 0.8),
        at_least("difference, Newton, Pearson", difference["Newton"]["pearson"], 0.9999),
        at_most("difference, HC3 error against bootstrap", apart, 0.05),
    ]


EXPERIMENT = Experiment(
    name="several_models",
    title="Several models of the same people",
    text=(
        "Fine and Gray's model, whose weights are estimated again without each row, against R's "
        "finegray and coxph. The cumulative incidence from two cause-specific Cox models: a row "
        "leaves both, and the denominators of both hazards. Without that direct term, or with one "
        "of the models held, much of the influence is missed. And an effect that is adjusted for "
        "covariates less the one that is not (GBSG2): the errors of two fits of the same rows are "
        "far from independent. The joint HC3 error of their difference is about the bootstrap's; "
        "the sandwich, of IF, is a tenth too small here."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
)
