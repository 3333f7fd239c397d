"""A loss that is not convex: Cox regression by a small neural network."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

import vifstats as vs
from validation.agreement import agreement
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least

ROWS, INPUTS, HIDDEN = 60, 2, 2
RIDGES = (3.0, 1.0, 0.3)
STARTS = 5
# Above the logarithm of an empty sum, of which 0 times is taken.
TINY = 1e-100


def run(clock: Clock) -> dict[str, Any]:
    """From nearly convex to not at all, as the ridge falls."""
    return {f"{ridge:g}": _one(clock, ridge) for ridge in RIDGES}


def _one(clock: Clock, ridge: float) -> dict[str, Any]:
    X, event = _data()
    est = _best_of_starts(X, event, ridge)
    with clock.timing(f"refits, ridge {ridge:g}"):
        refits = vs.leave_one_out(est)
    exact = _influence(est, refits, X)
    methods = {
        "vif": vs.vif(est),
        "newton, guarded": vs.newton_step(est, guard=True),
        "vif and 2 trust-region steps": vs.truncated_refits(est, max_steps=2),
    }
    reduced = est.loss.reduced_hessians(est.theta, est.removals())
    return {
        "smallest_eigenvalue": float(np.linalg.eigvalsh(est.hessian)[0]),
        "indefinite_without_a_row": int((np.linalg.eigvalsh(reduced)[:, 0] <= 0).sum()),
        "refits_that_did_not_converge": int(refits.failed.sum()),
        "methods": {
            name: agreement(
                _predictions(est.theta, X) - _predictions(est.theta - i.values, X), exact
            )
            for name, i in methods.items()
        },
        "refits_from_another_start": agreement(_elsewhere(est, X, event, ridge), exact),
    }


def _influence(est: vs.Estimate, influence: vs.Influence, X: np.ndarray) -> np.ndarray:
    """On the log risk of every row, plugged in."""
    return _predictions(est.theta, X) - _predictions(est.theta - influence.values, X)


def _data() -> tuple[np.ndarray, np.ndarray]:
    """Rows by falling time: those before a row are at risk with it. Risk is not monotone."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, INPUTS))
    time = rng.exponential(size=ROWS) * np.exp(-np.tanh(2 * X[:, 0]) + np.tanh(2 * X[:, 1]) ** 2)
    return X[np.argsort(-time)], (rng.random(ROWS) < 0.7).astype(float)


def _loss(X: np.ndarray, event: np.ndarray, ridge: float) -> vs.FunctionLoss:
    def value(theta: Any, b: Any) -> Any:
        eta = _predictions(theta, X)
        at_risk = anp.cumsum(b * anp.exp(eta))
        return anp.sum(b * event * (anp.log(at_risk + TINY) - eta)) + ridge / 2 * anp.sum(theta**2)

    return vs.FunctionLoss(value, len(X), (INPUTS + 1) * HIDDEN)


def _predictions(theta: Any, X: np.ndarray) -> Any:
    """Log risks, (n,), or (k, n) of k thetas."""
    W = anp.reshape(theta[..., : INPUTS * HIDDEN], (*anp.shape(theta)[:-1], INPUTS, HIDDEN))
    v = theta[..., INPUTS * HIDDEN :]
    hidden = anp.tanh(anp.einsum("ni,...ih->...nh", X, W))
    return anp.einsum("...nh,...h->...n", hidden, v)


def _best_of_starts(X: np.ndarray, event: np.ndarray, ridge: float) -> vs.Estimate:
    loss = _loss(X, event, ridge)
    starts = np.random.default_rng(1).normal(size=(STARTS, loss.n_params))
    found = [vs.minimize(loss, start) for start in starts]
    return min(found, key=lambda est: float(loss.value(est.theta, loss.everyone())))


def _elsewhere(est: vs.Estimate, X: np.ndarray, event: np.ndarray, ridge: float) -> np.ndarray:
    """Full minus without, when each refit starts at random."""
    out, rng = [], np.random.default_rng(2)
    for i in range(len(X)):
        stay = np.arange(len(X)) != i
        refit = vs.minimize(_loss(X[stay], event[stay], ridge), rng.normal(size=len(est.theta)))
        out.append(_predictions(est.theta, X) - _predictions(refit.theta, X))
    return np.stack(out)


def tables(record: Record) -> list[Table]:
    """One line for each ridge and method."""
    rows = []
    for ridge, found in record.numbers.items():
        methods = {
            **found["methods"],
            "refits from random starts": found["refits_from_another_start"],
        }
        for name, figures in methods.items():
            rows.append(
                [
                    ridge,
                    name,
                    f"{figures['pearson']:.4f}",
                    f"{figures['slope']:.3f}",
                    f"{figures['largest_relative_error']:.3f}",
                    f"{found['smallest_eigenvalue']:.3g}",
                    found["indefinite_without_a_row"],
                ]
            )
    return [
        Table(
            "Influence on the log risk of every row against warm-started refits",
            [
                *("ridge", "", "Pearson", "slope", "largest error"),
                *("least eigenvalue of H", "rows without which H is indefinite"),
            ],
            rows,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """A few steps reach the refit; what vif reaches is told in the table."""
    return [
        at_least(
            f"ridge {ridge}, Pearson of vif and 2 trust-region steps",
            found["methods"]["vif and 2 trust-region steps"]["pearson"],
            0.97,
        )
        for ridge, found in record.numbers.items()
    ]


EXPERIMENT = Experiment(
    name="nonconvexity",
    title="What if the loss is not convex?",
    text=(
        "Cox's partial likelihood with log risks from a network of one hidden layer, the best of "
        "five random starts, with less and less ridge. Influence of every row on the log risk of "
        "every row is compared with refits that start at the full fit, which is what an influence "
        "function speaks of. Refits from random starts may end in another minimum; how far they "
        "then agree with the warm-started ones is the last line of each block. Node embedding, "
        "where H is indefinite without some nodes, has a section of its own."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    quick=True,
)
