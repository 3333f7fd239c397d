"""Learning to rank: influence of an item on the ranking loss of queries that were held out.

As in the paper: features reduced to 8 dimensions by an uncentred singular value decomposition of
all rows; fitted on the first three quarters of the official training part, on rows with more than
one label; held out are the first 500 such rows of the last quarter; linear scores with a bias, a
ridge of 5e-4 a query (there, weight decay). Objects are the items, or the first 100 of them.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import svds

import vifstats as vs
from validation import paper
from validation.agreement import agreement
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most
from vifstats.datasets import MultiLabel, load_delicious, load_mediamill, load_rcv1
from vifstats.targets import HeldOutLoss

DIMENSIONS, HELD_OUT, RIDGE_PER_QUERY = 8, 500, 5e-4


@dataclass(frozen=True)
class Ranking:
    """One data set.

    Attributes
    ----------
    title : str
    load : callable
    losses : tuple of str
        Of `LOSSES`.
    objects : int
        How many items are removed, one at a time.
    methods : tuple of str
        What is compared with refits.
    most_queries : int, optional
    """

    title: str
    load: Callable[[], MultiLabel]
    losses: tuple[str, ...]
    objects: int
    methods: tuple[str, ...] = ("vif",)
    most_queries: int | None = None


def _softmax(weights: str) -> Callable[..., vs.losses.Loss]:
    def loss(X: Any, Y: Any, **options: Any) -> vs.losses.Loss:
        return vs.losses.SoftmaxCrossEntropy(X, Y, weights=weights, **options)

    return loss


LOSSES = {
    "ListMLE": vs.losses.ListMLE,
    "softmax fixed": _softmax("fixed"),
    "softmax renormalised": _softmax("renormalised"),
}
METHODS = {"vif": vs.vif, "newton": vs.newton_step}
ALL, BOTH = tuple(LOSSES), tuple(METHODS)
RANKINGS = {
    "rcv1": Ranking("RCV1 subset 1", load_rcv1, ALL, 101, BOTH),
    "delicious": Ranking("Delicious", load_delicious, ALL[:2], 100),
    "mediamill": Ranking("Mediamill", load_mediamill, ALL, 101, BOTH, 5000),
}


def run(clock: Clock, name: str) -> dict[str, Any]:
    """Every loss, each in a process of its own, so that the peak of memory is its own."""
    found = {}
    for loss in RANKINGS[name].losses:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            numbers, seconds = process.submit(_one, name, loss).result()
        found[loss] = numbers
        clock.seconds |= {f"{loss}: {what}": value for what, value in seconds.items()}
    return found


def _one(name: str, loss_name: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit, approximate, refit and compare."""
    ranking, clock = RANKINGS[name], Clock()
    fitted, held_out = _losses(ranking, LOSSES[loss_name])
    with clock.timing("fit"):
        theta = vs.minimize(fitted, np.zeros(fitted.n_params)).theta
    objects = fitted.labels[: ranking.objects]
    est = vs.Estimate(fitted, theta)  # a new one: it has no Hessian yet
    removals = est.removals(objects=objects)
    approximations = {}
    for method in ranking.methods:
        with clock.timing(method):
            approximations[method] = METHODS[method](est, objects=objects)
    # memory varies from run to run, like seconds
    clock.seconds["peak gigabytes until here"] = _peak_gigabytes()
    with clock.timing("refits"):
        exact = vs.leave_one_out(est, objects=objects)
    target = HeldOutLoss(held_out)
    stay = np.broadcast_to(est.theta, (len(removals), len(est.theta)))
    full = target.value(est.theta, fitted.everyone(), fitted)
    direct = full - target.values_without(fitted, stay, removals)
    reference = exact.on(target)
    return {
        "queries": len(fitted.queries),
        "held_out": len(held_out.queries),
        "parameters": len(est.theta),
        "objects": len(removals),
        "refits_that_did_not_converge": int(exact.failed.sum()),
        **{m: figures(a.on(target), reference, direct) for m, a in approximations.items()},
        "direct_term_alone": _figures(direct, reference.influence),
    }, clock.seconds


def figures(
    approximation: vs.TargetInfluence, reference: vs.TargetInfluence, direct: np.ndarray
) -> dict[str, Any]:
    """Agreement in all, and of what is left of both without the direct term."""
    a, r = approximation.influence, reference.influence
    return {"all": _figures(a, r), "indirect": _figures(a - direct, r - direct)}


def _figures(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    """Of each query; and of all queries as one."""
    return agreement(a, r) | {
        "slope_of_all": float((a * r).sum() / (a * a).sum()),
        "largest_error_of_all": float(np.abs(a - r).max() / np.abs(r).max()),
    }


def _losses(
    ranking: Ranking, make: Callable[..., vs.losses.Loss]
) -> tuple[vs.losses.Loss, vs.losses.Loss]:
    """Of the queries that are fitted, and of those that are held out."""
    data = ranking.load()
    X = _reduced(data.X)
    train = np.arange(len(X)) if data.is_test is None else np.flatnonzero(~data.is_test)
    cut = int(0.75 * len(train))
    ranks = np.flatnonzero(data.Y.sum(axis=1) > 1)
    first = np.intersect1d(train[:cut], ranks)[: ranking.most_queries]
    last = np.intersect1d(train[cut:], ranks)[:HELD_OUT]

    def loss(rows: np.ndarray) -> vs.losses.Loss:
        return make(X[rows], data.Y[rows], ridge=RIDGE_PER_QUERY * len(first))

    return loss(first), loss(last)


def _reduced(X: scipy.sparse.csr_array) -> np.ndarray:
    """The first singular directions of all rows, signs so that loadings sum to more than 0."""
    start = np.random.default_rng(0).normal(size=min(X.shape))
    _, s, Vt = svds(X, DIMENSIONS, v0=start)
    Vt = Vt[np.argsort(-s)]
    return X @ (Vt * np.sign(Vt.sum(axis=1))[:, None]).T


def _peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def tables(record: Record) -> list[Table]:
    """Agreement, then seconds."""
    rows, seconds = [], []
    for loss, found in record.numbers.items():
        for method in (*METHODS, "direct_term_alone"):
            if method not in found:
                continue
            of = found[method].get("all", found[method])
            indirect = found[method].get("indirect", {}).get("pearson")
            rows.append(
                [
                    loss,
                    method.replace("_", " "),
                    *(f"{of[key]:.6f}" for key in ("pearson", "least_pearson", "spearman")),
                    f"{of['slope_of_all']:.4f}",
                    f"{of['largest_error_of_all']:.4f}",
                    "" if indirect is None else f"{indirect:.6f}",
                ]
            )
        steps = ("fit", *METHODS, "refits", "peak gigabytes until here")
        seconds.append([loss, *(record.seconds.get(f"{loss}: {step}") for step in steps)])
    first = next(iter(record.numbers.values()))
    heads = [
        "loss",
        "",
        "Pearson",
        "least",
        "Spearman",
        "slope",
        "largest error",
        "indirect part, Pearson",
    ]
    return [
        Table(
            f"Influence of {first['objects']} items on {first['held_out']} held-out queries "
            f"against exact refits; fitted on {first['queries']} queries, "
            f"{first['parameters']} parameters",
            heads,
            rows,
        ),
        Table("Seconds, and peak memory before the refits", ["loss", *steps], seconds),
    ]


def bounds(record: Record, name: str) -> list[Bound]:
    """What was promised of each data set and loss."""
    return [
        bound for loss, found in record.numbers.items() for bound in _bounds(record, name, loss)
    ]


def _bounds(record: Record, name: str, loss: str) -> list[Bound]:
    found = record.numbers[loss]
    vif, indirect = found["vif"]["all"], found["vif"]["indirect"]["pearson"]
    pearson, slope = vif["pearson"], abs(vif["slope_of_all"] - 1)
    if name == "delicious":
        seconds = record.seconds[f"{loss}: vif"]
        return [
            at_least(f"{loss}, Pearson of vif", pearson, 0.9999),
            at_most(f"{loss}, |slope of vif - 1|", slope, 0.005),
            at_most(f"{loss}, largest error of vif", vif["largest_error_of_all"], 0.01),
            at_least(f"{loss}, indirect part of vif", indirect, 0.999),
            at_most(f"{loss}, seconds of Hessian, solve and all vif", seconds, 60),
            at_most(f"{loss}, gigabytes", record.seconds[f"{loss}: peak gigabytes until here"], 2),
        ]
    if loss == "ListMLE":
        return [
            at_least(f"{loss}, Pearson of vif", pearson, 0.9997),
            at_most(f"{loss}, |slope of vif - 1|", slope, 0.01),
            at_least(f"{loss}, indirect part of vif", indirect, 0.995),
        ]
    limit = 0.9999 if loss == "softmax fixed" else 0.994
    return [
        at_least(f"{loss}, Pearson of {method}", found[method]["all"]["pearson"], limit)
        for method in METHODS
    ]


TEXT = (
    "Items leave one at a time, from every list and every denominator, and with them their own "
    "weights. What is compared is the loss of each held-out query, the removed item not in it, by "
    "vif (deletion from the inverse Hessian, direct term included) and by exact refits. Most of "
    "the change is direct: the item is missing from the query. So the part that goes through theta "
    "is compared by itself as well. The paper has, with fits by stochastic gradients, "
)


def _experiment(name: str) -> Experiment:
    ranking = RANKINGS[name]
    published = {"delicious": "Delicious"}.get(name, "Mediamill")
    return Experiment(
        name=f"ranking_{name}",
        title=f"Learning to rank: {ranking.title}",
        text=f"{TEXT}{paper.PEARSON[published]} on {published}.",
        run=partial(run, name=name),
        tables=tables,
        bounds=partial(bounds, name=name),
        data=(ranking.title,),
    )


EXPERIMENTS = tuple(map(_experiment, RANKINGS))
