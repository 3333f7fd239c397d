"""D_i as the gradient of a difference, or as a difference of gradients: when does it matter?"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad  # the question is what automatic differentiation costs

from validation.experiment import Bound, Clock, Experiment, Record, Table, at_most

OBJECTS, DIMENSIONS = (100, 200, 400), 5
TRIED = 20


def run(clock: Clock) -> dict[str, Any]:
    """Both ways for some objects of a loss of pairs, and of a loss of risk sets."""
    found = {}
    for name, make in (("pairs", _pairs), ("risk sets", _risk_sets)):
        for n in OBJECTS:
            loss, without_terms = make(n)
            theta = np.linspace(-0.5, 0.5, DIMENSIONS)
            everyone = np.ones(n)
            slope, slope_of_terms = grad(loss), grad(without_terms)
            absent = [np.where(np.arange(n) == i, 0.0, 1.0) for i in range(TRIED)]
            two = clock.best(
                f"{name}, {n}, difference of gradients",
                lambda s=slope, t=theta, e=everyone, a=absent: [s(t, e) - s(t, b) for b in a],
                runs=3,
            )
            one = clock.best(
                f"{name}, {n}, gradient of the difference",
                lambda s=slope_of_terms, t=theta: [s(t, i) for i in range(TRIED)],
                runs=3,
            )
            gap = np.abs(np.array(one) - np.array(two)).max() / np.abs(np.array(two)).max()
            found[f"{name}, {n}"] = {"equal_to_1e_9": bool(gap < 1e-9), "terms": _terms(name, n)}
    return found


def _terms(name: str, n: int) -> dict[str, int]:
    """How many terms the loss has, and how many of them the first object is in."""
    if name == "pairs":
        return {"all": n * (n - 1) // 2, "of_an_object": n - 1}
    return {"all": n, "of_an_object": n}


def _pairs(n: int) -> tuple[Any, Any]:
    """Logistic loss of all pairs: object i is in n - 1 terms of n (n - 1) / 2."""
    X, y = _data(n)
    upper = np.triu(np.ones((n, n)), 1)
    sign = np.sign(y[:, None] - y)

    def loss(theta: Any, b: Any) -> Any:
        s = X @ theta
        terms = anp.logaddexp(0.0, -sign * (s[:, None] - s))
        return anp.sum(upper * b[:, None] * b * terms)

    def difference(theta: Any, i: int) -> Any:
        s = X @ theta
        others = np.arange(n) != i
        return anp.sum(anp.logaddexp(0.0, -sign[i, others] * (s[i] - s[others])))

    return loss, difference


def _risk_sets(n: int) -> tuple[Any, Any]:
    """Cox, the first object the last to die: it is in the risk set of every event."""
    X, _ = _data(n)

    def loss(theta: Any, b: Any) -> Any:
        eta = X @ theta
        at_risk = anp.cumsum(b * anp.exp(eta))
        return anp.sum(b * (anp.log(anp.where(b > 0, at_risk, 1.0)) - eta))

    def difference(theta: Any, i: int) -> Any:
        b = np.where(np.arange(n) == i, 0.0, 1.0)
        return loss(theta, np.ones(n)) - loss(theta, b)

    return loss, difference


def _data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, DIMENSIONS))
    return X, X.sum(axis=1) + rng.normal(size=n)


def tables(record: Record) -> list[Table]:
    """Milliseconds an object."""
    rows = []
    for name, found in record.numbers.items():
        two = record.seconds[f"{name}, difference of gradients"] / TRIED
        one = record.seconds[f"{name}, gradient of the difference"] / TRIED
        terms = found["terms"]
        rows.append([name, terms["all"], terms["of_an_object"], 1e3 * two, 1e3 * one, two / one])
    heads = ["loss, objects", "terms", "of an object", "difference of gradients, ms"]
    return [
        Table(
            "One D_i by automatic differentiation",
            [*heads, "gradient of the difference, ms", "ratio"],
            rows,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """Both are one number."""
    unequal = sum(not found["equal_to_1e_9"] for found in record.numbers.values())
    return [at_most("losses for which the two ways differ by more than 1e-9", unequal, 0)]


EXPERIMENT = Experiment(
    name="gradient_of_difference",
    title="When is the gradient of the difference cheaper than the difference of gradients?",
    text=(
        "D_i = grad [L(1) - L(1_-i)] = grad L(1) - grad L(1_-i). If the terms that object i is not "
        "in cancel by name, only its own need a gradient: of a loss of pairs n - 1 of "
        "n (n - 1) / 2, and the saving grows with n. In Cox's partial likelihood a row is in every "
        "risk set up to its own time, so that nothing cancels and the two ways cost the same; "
        "there the saving is in sums shared among rows, which the kernels of the package use."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    quick=True,
)
