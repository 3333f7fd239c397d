"""From the derivative to the finite difference to Newton, by one number each."""

from __future__ import annotations

from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Bound, Clock, Experiment, Figure, Record, Table, at_most
from validation.figures import lines
from vifstats.losses import Cox

DATA = ("lung", "veteran")
STEPS = (1e-4, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


def run(clock: Clock) -> dict[str, Any]:
    """Relative error of all dfbeta against refits, for each step of presence."""
    return {name: _one(fits.cox(name, "breslow")) for name in DATA}


def _one(est: vs.Estimate) -> dict[str, Any]:
    refits = vs.leave_one_out(est)
    loss, theta = est.loss, est.theta
    weakened = {step: _weakened(loss, step) for step in STEPS}
    full = loss.gradient(theta)
    D = {s: np.stack([full - loss.gradient(theta, b) for b in weakened[s]]) / s for s in STEPS}
    H = {s: np.stack([loss.hessian(theta, b) for b in weakened[s]]) for s in STEPS}
    removed = D[1.0]
    kinds = {vs.classical_if: -est.solve(D[STEPS[0]]), vs.vif: -est.solve(removed)}
    kinds[vs.newton_step] = _solved(H[1.0], removed)
    ends = [np.abs(method(est).values - found).max() for method, found in kinds.items()]
    return {
        "steps": list(STEPS),
        "gradient": [_error(-est.solve(D[s]), refits.values) for s in STEPS],
        "hessian": [_error(_solved(H[s], removed), refits.values) for s in STEPS],
        "largest_difference_from_the_methods": float(max(ends) / np.abs(refits.values).max()),
    }


def _weakened(loss: Cox, step: float) -> np.ndarray:
    """Row i of the result: everyone there, but of object i only 1 - step."""
    return 1.0 - step * np.eye(loss.n_objects)


def _solved(H: np.ndarray, D: np.ndarray) -> np.ndarray:
    return -np.linalg.solve(H, D[:, :, None])[:, :, 0]


def _error(a: np.ndarray, r: np.ndarray) -> float:
    return float(np.linalg.norm(a - r) / np.linalg.norm(r))


def tables(record: Record) -> list[Table]:
    """One line for each step."""
    rows = [
        [
            f"{what} without {step:g} of the row",
            *(found[key][k] for found in record.numbers.values()),
        ]
        for what, key in (("gradient", "gradient"), ("vif, and Hessian", "hessian"))
        for k, step in enumerate(STEPS)
    ]
    return [Table("Relative error ||a - r|| / ||r|| against exact refits", ["", *DATA], rows)]


def figures(record: Record) -> list[Figure]:
    """Two halves of one way."""
    curves = {
        name: ([*STEPS, *(1 + s for s in STEPS)], [*found["gradient"], *found["hessian"]])
        for name, found in record.numbers.items()
    }
    return [
        lines(
            curves,
            xlabel="0: if, 1: vif, 2: newton",
            ylabel="relative error",
            alt="The error falls from if to vif, and far more from vif to newton.",
            how="Up to 1 the row loses presence in the gradient, from there in the Hessian, too.",
            logy=True,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """The ends of the way are the methods of the package."""
    return [
        at_most(
            f"{name}, ends of the sweep against if, vif, newton",
            found["largest_difference_from_the_methods"],
            1e-3,
        )
        for name, found in record.numbers.items()
    ]


EXPERIMENT = Experiment(
    name="epsilon_sweep",
    title="How much of the gain is the finite difference, and how much the Hessian?",
    text=(
        "A Cox model with Breslow's ties, which is smooth in presence. Object i keeps 1 - s of its "
        "presence in the gradient: [grad L(1) - grad L(1 - s e_i)] / s is the derivative for small "
        "s, so if, and D_i for s = 1, so vif. Then D_i stays, and the Hessian loses s of the row: "
        "s = 1 is newton. Errors are those of all dfbeta against exact refits. The finite "
        "difference removes a part of the error; the larger part is in the full-data Hessian."
    ),
    run=run,
    tables=tables,
    figures=figures,
    bounds=bounds,
    quick=True,
)
