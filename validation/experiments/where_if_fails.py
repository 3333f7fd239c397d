"""Where the classical influence function is enough, and where it is not: a line for each model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifelines.datasets import load_rossi

import vifstats as vs
from validation import figures
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most
from vifstats.losses.row_losses import Logistic
from vifstats.targets import FixedEffects, VarianceComponents

ORACLES = Path(__file__).parents[1] / "oracles"
METHODS = {
    "IF": vs.classical_if,
    "VIF": vs.vif,
    "Newton": vs.newton_step,
    "truncated": vs.truncated_refits,
}
# Nearer than this to refits all dots are at the edge of the picture.
NEAREST = 1e-6
TOGETHER = "\N{NO-BREAK SPACE}"  # a correlation and its slope stay on one line


@dataclass(frozen=True)
class Model:
    """A fit, what leaves it, and what is looked at.

    Attributes
    ----------
    title : str
    make : callable
        The estimate, and the group of each row; None where rows leave.
    target : callable, optional
        ``target()``: of what the influence is compared; default the parameters.
    """

    title: str
    make: Callable[[], tuple[vs.Estimate, Any]]
    target: Callable[[], Any] | None = None


def run(clock: Clock) -> dict[str, Any]:
    """Each method against refits, over all removals and parameters together."""
    return {model.title: _compared(clock, model) for model in MODELS}


def _compared(clock: Clock, model: Model) -> dict[str, Any]:
    est, groups = model.make()

    def seen(influence: vs.Influence) -> np.ndarray:
        return influence.values if model.target is None else influence.on(model.target()).influence

    with clock.timing(f"refits, {model.title}"):
        exact = seen(vs.leave_one_out(est, groups=groups))
    found: dict[str, Any] = {"removals": len(exact), "parameters": exact.shape[1]}
    for name, method in METHODS.items():
        if name == "IF" and not est.loss.fractional:
            continue
        with clock.timing(f"{name}, {model.title}"):
            values = seen(method(est, groups=groups))
        found[name] = _together(values, exact)
    return found


def _together(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    """Each parameter in units of its own spread; what vanishes with an object is left out."""
    unit = np.nanstd(r, axis=0)
    a, r = a / unit, r / unit
    known = np.isfinite(a) & np.isfinite(r)
    a, r = a[known], r[known]
    return {
        "slope": float(a @ r / (a @ a)),
        "pearson": float(np.corrcoef(a, r)[0, 1]),
        "largest error": float(np.abs(a - r).max() / np.abs(r).max()),
    }


def _logistic() -> tuple[vs.Estimate, Any]:
    rossi = load_rossi()
    X = rossi[["fin", "age", "prio"]].assign(intercept=1.0)
    loss = vs.losses.LinearPredictor(Logistic(), X, rossi["arrest"])
    return vs.minimize(loss, np.zeros(4)), None


def _cox() -> tuple[vs.Estimate, Any]:
    rossi = load_rossi()
    X = rossi.drop(columns=["week", "arrest"])
    return vs.minimize(vs.losses.Cox(X, rossi["week"], rossi["arrest"]), np.zeros(7)), None


def _matched_sets() -> tuple[vs.Estimate, Any]:
    d = pd.read_csv(ORACLES / "exact_ties" / "infert.csv")
    loss = vs.losses.ConditionalLogistic(d[["spontaneous", "induced"]], d["case"], d["stratum"])
    return vs.minimize(loss, np.zeros(2)), None


def _fine_gray() -> tuple[vs.Estimate, Any]:
    d = pd.read_csv(ORACLES / "fine_gray" / "melanoma.csv")
    loss = vs.losses.FineGray(d[["sex", "age", "logthick", "ulcer"]], d["time"], d["cause"])
    return vs.minimize(loss, np.zeros(4)), None


def _firth() -> tuple[vs.Estimate, Any]:
    few = load_rossi().iloc[:150]
    X = few[["fin", "age", "mar", "prio"]]
    loss = vs.losses.Cox(X, few["week"], few["arrest"], ties="breslow", penalty="firth")
    return vs.minimize(loss, np.zeros(4)), None


def _frailty() -> tuple[vs.Estimate, Any]:
    d = pd.read_csv(ORACLES / "frailty" / "kidney.csv")
    loss = vs.losses.SharedFrailty(d[["age", "female"]], d["time"], d["status"], groups=d["id"])
    return vs.minimize(loss, [0.0, -1.0, 1.0, 0.0, -1.0]), d["id"]


def _reml() -> tuple[vs.Estimate, Any]:
    d = pd.read_csv(ORACLES / "mixed" / "orthodont.csv").assign(one=1.0)
    X = d[["one", "age", "male"]].assign(both=d["age"] * d["male"])
    loss = vs.losses.MixedModel(X, d["distance"], d["subject"], d[["one", "age"]])
    return vs.minimize(loss, loss.start()), d["subject"]


def _lists(items: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    strength = rng.normal(size=items)
    return [np.argsort(-(strength + rng.gumbel(size=items)))[:5] for _ in range(60)]


def _list_mle() -> tuple[vs.Estimate, Any]:
    X = np.random.default_rng(1).normal(size=(60, 1))
    loss = vs.losses.ListMLE(X, _lists(10), items=10, ridge=1.0)
    return vs.minimize(loss, np.zeros(loss.n_params)), None


def _plackett_luce() -> tuple[vs.Estimate, Any]:
    loss = vs.losses.PlackettLuce(_lists(10), items=10, ridge=1.0)
    return vs.minimize(loss, np.zeros(loss.n_params)), None


def _embedding() -> tuple[vs.Estimate, Any]:
    loss = vs.losses.NodeEmbedding(vs.datasets.load_karate(), dim=2, length=6, window=3, ridge=3.0)
    return vs.minimize(loss, loss.start()), None


MODELS = [
    Model("logistic regression, rows", _logistic),
    Model("Cox, rows", _cox),
    Model("Fine-Gray, rows", _fine_gray),
    Model("Firth's Cox, 35 events, rows", _firth),
    Model("matched sets 1:2, rows", _matched_sets),
    Model("gamma frailty, patients", _frailty),
    Model("REML, fixed effects, subjects", _reml, FixedEffects),
    Model("REML, components, subjects", _reml, VarianceComponents),
    Model("ListMLE, items", _list_mle),
    Model("Plackett-Luce, items", _plackett_luce),
    Model("node embedding, nodes", _embedding, vs.targets.PairLoss),
]


def tables(record: Record) -> list[Table]:
    """Pearson and slope of each method."""
    rows = []
    for title, found in record.numbers.items():
        cells = []
        for name in METHODS:
            pair = found.get(name)
            cells.append(f"{pair['pearson']:.4f}{TOGETHER}({pair['slope']:.2f})" if pair else "–")
        rows.append([title, found["removals"], *cells])
    heads = ["model, what leaves", "removals", *METHODS]
    return [Table("Pearson with refits, and in brackets the slope, of each method", heads, rows)]


def pictures(record: Record) -> list[Any]:
    """1 - Pearson, by model and method."""
    errors = {
        name: [
            max(1 - found[name]["pearson"], NEAREST) if name in found else None
            for found in record.numbers.values()
        ]
        for name in METHODS
    }
    return [
        figures.dots(
            list(record.numbers),
            errors,
            xlabel="1 - Pearson correlation with refits",
            alt="In models that are sums over rows all methods are near refits; for matched sets, "
            "frailty and variance components the classical influence function is far off, and "
            "truncated refits are near everywhere",
            how="Further left is nearer to refits, by powers of ten, to one in a million. Where "
            "the dots of IF and VIF fall together the classical influence function is enough.",
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """Of frailty, and of Firth's penalty."""
    frailty = record.numbers["gamma frailty, patients"]
    firth = record.numbers["Firth's Cox, 35 events, rows"]
    return [
        at_most("frailty, Pearson of IF", frailty["IF"]["pearson"], 0.80),
        at_least("frailty, Pearson of VIF", frailty["VIF"]["pearson"], 0.93),
        at_least("frailty, Pearson of truncated refits", frailty["truncated"]["pearson"], 0.998),
        at_least("Firth, Pearson of VIF", firth["VIF"]["pearson"], 0.996),
    ]


EXPERIMENT = Experiment(
    name="where_if_fails",
    title="IF, VIF, Newton, truncated refits and refits: which model needs which",
    text=(
        "Every removal from eleven fits, against exact refits. In a logistic regression IF and VIF "
        "are the same; in a Cox model with many rows at risk they differ little. The classical "
        "influence function is a derivative in the weight of what leaves. It is not enough where "
        "one object holds a large share of a term that others are in: a matched set, a cluster "
        "with a frailty, an item that is ranked. Where parameters curve, as variances do, two "
        "steps of limited length after VIF (truncated) do what a single step cannot. A graph "
        "without a node is another graph: there presence has no derivative, and there is no IF."
    ),
    run=run,
    tables=tables,
    figures=pictures,
    bounds=bounds,
)
