"""An encoder by contrasts, and a ranker of lists, on scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import vifstats as vs
from validation import figures
from validation.digits import Encoder, Ranker, converged
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_most
from validation.networks import median_correlation

# Of the encoder for each image, once ample and once next to none; of the ranker in all.
RIDGES, DECAY = (0.2, 0.005), 4.0
# Images refitted, and at most so many steps.
REFITTED, STEPS = 8, 40
LOOKED_AT = 0.1


def run(clock: Clock) -> dict[str, Any]:
    """Both networks, converged."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return {
        **{f"encoder, ridge {ridge:g}": _encoder(clock, ridge) for ridge in RIDGES},
        "ranker": _ranker(clock),
    }


def _encoder(clock: Clock, ridge: float) -> dict[str, Any]:
    net = Encoder()
    est = converged(net.loss(ridge, np.full(net.n_params, 0.1)))
    rows = np.linspace(0, net.n - 1, REFITTED).astype(int)

    def moved(changes: np.ndarray) -> np.ndarray:
        base = net.similarities(est.theta)
        return np.array([base - net.similarities(est.theta - change) for change in changes])

    others = {"negatives held": net.frozen(est, rows)}
    return _compared(clock, f"encoder, ridge {ridge:g}", est, rows, moved, others)


def _ranker(clock: Clock) -> dict[str, Any]:
    net = Ranker()
    est = converged(net.loss(DECAY, np.full(net.n_params, 0.1)))
    D, vif = est.loss.gradient_differences(est.theta), vs.vif(est).values
    order = np.argsort(-np.linalg.norm(vif, axis=1))
    rows = np.sort(np.r_[order[: REFITTED // 2], order[:: net.n // (REFITTED // 2)][1:]])

    def moved(changes: np.ndarray) -> np.ndarray:
        return net.predicted(est.theta[None]) - net.predicted(est.theta - changes)

    few = np.isin(np.arange(net.n), rows)
    others = {"classical influence function": vs.classical_if(est, objects=few).values}
    scores = {
        "self-influence": -np.einsum("np,np->n", D, vif),
        "held-out loss": vif @ net.held_out_slope(est.theta),
        "gradient norm": np.linalg.norm(D, axis=1),
        "random order": np.random.default_rng(0).random(net.n),
    }
    first = round(LOOKED_AT * net.n)
    found = {
        name: int(np.isin(np.argsort(-score)[:first], net.wrong).sum())
        for name, score in scores.items()
    }
    wrong = {"wrong": len(net.wrong), "looked at": first, "found": found}
    return _compared(clock, "ranker", est, rows, moved, others) | {"mislabelled": wrong}


def _compared(
    clock: Clock,
    name: str,
    est: vs.Estimate,
    rows: np.ndarray,
    moved: Callable[[np.ndarray], np.ndarray],
    others: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Medians over the rows of the correlation of changes with those of converged refits."""
    few = np.isin(np.arange(est.loss.n_objects), rows)
    with clock.timing(f"{name}, refits"):
        refits = vs.truncated_refits(est, objects=few, max_steps=STEPS).values
    truth = moved(refits)
    methods = {"vif": vs.vif(est, objects=few).values, **others}
    for steps in (1, 2):
        cut = vs.truncated_refits(est, objects=few, max_steps=steps)
        methods[f"trust-region steps: {steps}"] = cut.values
    masks = np.where(np.arange(est.loss.n_objects) == rows[:, None], 0.0, 1.0)
    left = [est.loss.gradient(est.theta - r, b) for r, b in zip(refits, masks, strict=True)]
    curvature = np.linalg.eigvalsh(est.hessian)[len(est.loss.gauge(est.theta))]
    return {
        "parameters": len(est.theta),
        "objects": est.loss.n_objects,
        "gradient": float(np.abs(est.loss.gradient(est.theta)).max()),
        "gradient left by refits": float(np.abs(left).max()),
        "smallest curvature": float(curvature),
        "r": {k: median_correlation(moved(change), truth) for k, change in methods.items()},
    }


def tables(record: Record) -> list[Table]:
    """Correlations of each network, then the images that are labelled wrong."""
    nets = record.numbers
    wrong = nets["ranker"]["mislabelled"]
    agreement = [
        [name, method, f"{r:.4f}", f"{found['smallest curvature']:.2g}"]
        for name, found in nets.items()
        for method, r in found["r"].items()
    ]
    return [
        Table(
            "Changes of predictions without an image, against converged refits: median "
            f"correlation of {REFITTED} images, and the smallest eigenvalue of the Hessian",
            ["network", "method", "median r", "eigenvalue"],
            agreement,
        ),
        Table(
            f"{wrong['wrong']} images of the ranker labelled as another digit: found among the "
            f"first {wrong['looked at']} by each measure",
            ["ordered by", "found"],
            [[name, count] for name, count in wrong["found"].items()],
        ),
    ]


def pictures(record: Record) -> list[Any]:
    """Correlations by method, a line for each network."""
    nets = record.numbers
    curves = {
        name: (
            [0, 1, 2],
            [found["r"]["vif"], *(found["r"][f"trust-region steps: {k}"] for k in (1, 2))],
        )
        for name, found in nets.items()
    }
    return [
        figures.lines(
            curves,
            xlabel="trust-region steps after vif",
            ylabel="median correlation with refits",
            alt="Correlations of vif and of one and two steps with converged refits, by network",
            how="These losses are far from quadratic. What vif foretells is coarse, most of all of "
            "the ranker's most influential images; steps of limited length come closer.",
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """That all converged; how good each method is was promised by nobody."""
    return [
        at_most(f"{name}: gradient that refits leave", found["gradient left by refits"], 1e-8)
        for name, found in record.numbers.items()
    ]


EXPERIMENT = Experiment(
    name="digits",
    title="An encoder by contrasts, and a ranker of lists",
    text=(
        "Two small networks in JAX on scikit-learn's digits, converged. The encoder tells two "
        "views of an image from the views of all others, so that an image is also a negative of "
        "every other. The ranker puts lists of images in the order of their digits; objects are "
        "images, and each leaves all its lists. Some of its images are labelled as another digit, "
        "and are looked for by several measures."
    ),
    run=run,
    tables=tables,
    figures=pictures,
    bounds=bounds,
)
