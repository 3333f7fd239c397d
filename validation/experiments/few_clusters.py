"""Few clusters: how often a 95 % interval has the truth, by the sandwich and by the jackknife."""

from __future__ import annotations

from typing import Any

import numpy as np

import vifstats as vs
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least, at_most

RUNS, CLUSTERS, EFFECT = 1000, 12, 0.5
# Standard deviation of the clusters' log hazards.
FRAILTY = 0.3
KINDS = ("CR0", "CR3")


def run(clock: Clock) -> dict[str, Any]:
    """Coverage in simulated Cox models whose treatment is one value for each cluster."""
    with clock.timing(f"{RUNS} fits with both errors"):
        found = np.array([_covered(np.random.default_rng([23, k])) for k in range(RUNS)])
    covered, errors, estimate = found[:, :2], found[:, 2:4], found[:, 4]
    return {
        "runs": RUNS,
        "clusters": CLUSTERS,
        "coverage": dict(zip(KINDS, covered.mean(axis=0).tolist(), strict=True)),
        "mean standard error": dict(zip(KINDS, errors.mean(axis=0).tolist(), strict=True)),
        "spread of the estimates": float(estimate.std(ddof=1)),
    }


def _covered(rng: np.random.Generator) -> list[float]:
    """Whether each interval has the truth, both standard errors, and the estimate."""
    sizes = rng.integers(10, 30, CLUSTERS)
    cluster = np.repeat(np.arange(CLUSTERS), sizes)
    arm = rng.permutation(CLUSTERS)[cluster] % 2.0
    x = rng.standard_normal(len(cluster))
    # what the clusters share is small, so that the marginal effect is about the one drawn
    shared = FRAILTY * rng.standard_normal(CLUSTERS)[cluster]
    T = rng.exponential(np.exp(-EFFECT * x - shared))
    C = rng.exponential(2.0, len(T))
    loss = vs.losses.Cox(np.column_stack([x, arm]), np.minimum(T, C), T <= C)
    est = vs.minimize(loss, np.zeros(2))
    # no effect of the arm: there the marginal model and that within clusters agree
    robust = est.with_inference("robust", groups=cluster)
    both = [robust, est.with_inference("CR3", groups=cluster)]
    limits = [fit.confidence_limits()[1] for fit in both]
    covered = [float(low <= 0 <= high) for low, high in limits]
    return [*covered, *(float(fit.standard_errors[1]) for fit in both), float(est.theta[1])]


def tables(record: Record) -> list[Table]:
    """A line for each covariance."""
    found = record.numbers
    rows = [[kind, found["coverage"][kind], found["mean standard error"][kind]] for kind in KINDS]
    return [
        Table(
            f"Treatment of {found['clusters']} clusters without an effect, {found['runs']} Cox "
            "models; the estimates have a standard deviation of "
            f"{found['spread of the estimates']:.3f}",
            ["errors", "coverage of 95 % intervals", "mean standard error"],
            rows,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """CR0 covers too seldom, CR3 about as often as it says."""
    coverage = record.numbers["coverage"]
    return [
        at_most("coverage of CR0", coverage["CR0"], 0.94),
        at_least("coverage of CR3", coverage["CR3"], 0.94),
        at_most("coverage of CR3", coverage["CR3"], 0.985),
    ]


EXPERIMENT = Experiment(
    name="few_clusters",
    title="Few clusters",
    text=(
        "The robust covariance by clusters, CR0, is too small where clusters are few. The "
        "jackknife by clusters, CR3, with t on one degree of freedom less than there are clusters, "
        "is not: each of 1,000 Cox models has 12 clusters, of which six are treated."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
)
