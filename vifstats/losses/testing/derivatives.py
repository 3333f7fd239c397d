"""Rules on the derivatives of a loss, automatic and its own."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import LossError
from vifstats.losses.functions import FunctionLoss
from vifstats.losses.testing.trial import Trial
from vifstats.removals import Removals

__all__ = [
    "are_those_of_the_value",
    "depends_on_theta",
    "overrides_equal_defaults",
]

# Central differences at their best step keep two thirds of the digits.
DIFFERENCE = 1e-5


def depends_on_theta(trial: Trial) -> str:
    """The loss can be differentiated, and is not constant in theta."""
    b = np.ones(trial.loss.n_objects)
    gradient, curvature = trial.gradient(b), trial.curvature(b)
    size = np.linalg.norm(gradient)
    if not size and not curvature.any():
        raise LossError(
            f"{trial.noun} must depend on theta, but gradient and Hessian are exactly 0; write it "
            "in autograd.numpy, without np.array or float around theta."
        )
    return f"the gradient has norm {size:.3g}"


def are_those_of_the_value(trial: Trial) -> str:
    """The automatic gradient equals central differences of the value."""
    theta, v = trial.theta, trial.direction
    h = np.finfo(float).eps ** (1 / 3) * (1 + np.linalg.norm(theta))
    worst = 0.0
    for words, b in [("with all objects", np.ones(len(trial.none))), *_first_removals(trial)]:
        up, down = (float(trial.number(trial.loss, theta + s * h * v, b)) for s in (1, -1))
        gradient = trial.gradient(b)
        difference, slope = (up - down) / (2 * h), float(gradient @ v)
        noise = 100 * np.finfo(float).eps * max(abs(up), abs(down)) / h
        # at an optimum the gradient is 0, and what differences round off is all there is
        unit = max(float(np.linalg.norm(gradient)), abs(difference), 1e-300) + noise / DIFFERENCE
        if not abs(slope - difference) <= DIFFERENCE * unit:
            raise LossError(
                f"The automatic gradient must be that of the value, but {words} it is "
                f"{slope:.6g} along a direction in which differences of the value give "
                f"{difference:.6g}; write all of the loss in autograd.numpy, with nothing around "
                "theta that turns it into plain numbers, and no branch of anp.where that has fewer "
                "entries than its mask."
            )
        worst = max(worst, abs(slope - difference) / unit)
    return f"equals differences of the value to {worst:.1g}"


def overrides_equal_defaults(trial: Trial) -> str:
    """Every overridden method equals its automatic default."""
    checked = []
    for name, arguments in _calls(trial):
        if not _overridden(trial, name):
            continue
        found = _as_one(getattr(trial.loss, name)(*arguments))
        expected = _as_one(getattr(trial.defaults, name)(trial.loss, *arguments))
        _require_equal(name, found, expected, trial)
        if name not in checked:
            checked.append(name)
    return f"{', '.join(checked)} equal their defaults" if checked else "nothing is overridden"


def _calls(trial: Trial) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every method with a default, with arguments to call it with."""
    theta, removals = trial.theta, _removals(trial)
    thetas = theta + 0.01 * np.outer(np.arange(len(removals)), trial.direction)
    for name in ("gradient", "hessian"):
        yield name, (theta,)
        for _, b in _first_removals(trial):
            yield name, (theta, b)
        for half in trial.halves[:1]:
            yield name, (theta, half)
    for b in (np.ones(trial.loss.n_objects), *trial.halves[:1]):
        yield "hessian_product", (theta, trial.direction, b)
    yield "gradient_differences", (theta, removals)
    if trial.loss.fractional:
        yield "weight_gradients", (theta, removals)
    yield "reduced_hessians", (theta, removals)
    yield "reduced_slopes", (thetas, removals)
    yield "reduced_slopes_at", (theta, removals)
    yield "reduced_curvatures", (thetas, removals)
    rows = np.outer(np.ones(len(removals)), trial.direction)
    yield "reduced_solves", (theta, removals, rows)


def _first_removals(trial: Trial) -> list[tuple[str, np.ndarray]]:
    return [(f"without object {i}", trial.without(i)) for i in trial.removable[:3]]


def _removals(trial: Trial) -> Removals:
    """Single objects, then two of them together, then nobody."""
    tried = trial.removable
    codes = np.full(trial.loss.n_objects, -1)
    codes[tried] = np.arange(len(tried))
    without_two = np.where(np.isin(np.arange(len(codes)), tried[-2:]), 0.0, 1.0)
    if len(tried) > 3 and trial.defined(without_two):
        codes[tried[-2:]] = len(tried) - 2
        return Removals(codes, pd.RangeIndex(len(tried)))
    return Removals(codes, pd.RangeIndex(len(tried) + 1))


def _overridden(trial: Trial, name: str) -> bool:
    loss = trial.loss
    if isinstance(loss, FunctionLoss) and name in ("gradient", "hessian"):
        return (loss._grad if name == "gradient" else loss._hess) is not None
    return getattr(type(loss), name) is not getattr(trial.defaults, name)


def _as_one(result: Any) -> np.ndarray:
    """A result as one array: values and gradients side by side."""
    if isinstance(result, tuple):
        return np.concatenate([np.reshape(part, (len(part), -1)) for part in result], axis=1)
    return np.asarray(result)


def _require_equal(name: str, found: np.ndarray, expected: np.ndarray, trial: Trial) -> None:
    if found.shape != expected.shape:
        raise LossError(
            f"The loss's own `{name}` must have the shape of its default, {expected.shape}, but "
            f"has {found.shape}."
        )
    # Differences of two gradients are right to the rounding of what they cancelled from.
    unit = max(np.abs(expected).max(initial=0.0, where=np.isfinite(expected)), 1e-4)
    error = np.abs(found - expected)
    wrong = ~(error <= trial.tol * unit) & ~(np.isnan(found) & np.isnan(expected))
    if wrong.any():
        at = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise LossError(
            f"The loss's own `{name}` must equal its automatic default, but entry {at} is "
            f"{found[at]:.10g} and not {expected[at]:.10g}; correct the override, or leave it out."
        )
