"""A test kit for a target of your own: whether it is what its value says, and what refits say.

It stands here and not beside `check_loss`, because it refits.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.rounded_times import times_as_they_are
from vifstats.deletion.refits import refit_removals
from vifstats.deletion.result import Influence
from vifstats.errors import TargetError
from vifstats.estimate import Estimate
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.reduced import Masked, reduced
from vifstats.losses.testing.running import as_table, as_text, found_by
from vifstats.removals import Removals
from vifstats.tabular import Tabular
from vifstats.targets.base import Target, as_target, value_of
from vifstats.typing import Differentiable

__all__ = ["TargetReport", "check_target"]

# Central differences at their best step keep two thirds of the digits.
DIFFERENCE = 1e-5
# So far on the way to a refit a target that is smooth has hardly curved; all the way a p-value
# may have turned round.
NEAR = 0.05
CURVED = 0.2


@dataclass(frozen=True, eq=False)
class TargetReport(Tabular):
    """What was checked, and what was found: a target with a report has passed.

    Attributes
    ----------
    target : Target
    findings : dict of str to str
        One sentence per rule.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> print(str(check_target(lambda theta, b, loss: theta**2, est)).splitlines()[0])
    FunctionTarget of 1 value is what its value says
    """

    target: Target
    findings: dict[str, str]

    @property
    def table(self) -> pd.DataFrame:
        """A line for each rule."""
        return as_table(self.findings)

    def _heading(self) -> list[str]:
        n_values = self.findings["number"].split(",")[0]
        return [f"{type(self.target).__name__} of {n_values} is what its value says"]

    def __repr__(self) -> str:
        return as_text(self._heading()[0], self.findings)


def check_target(
    target: Target | Callable[..., Differentiable],
    est: Estimate,
    *,
    skip: Collection[str] = (),
    max_objects: int = 10,
    tol: float = 1e-8,
) -> TargetReport:
    """Check that a target is what its `value` says, at the minimum of an estimate.

    Parameters
    ----------
    target : Target or callable
    est : Estimate
        Any fit whose loss the target can read.
    skip : collection of str
        Rules to leave out, where you know better: see Notes.
    max_objects : int
        Objects that are left out and refitted, drawn (always the same).
    tol : float
        Largest error of an override, relative to the largest entry of the default.

    Returns
    -------
    TargetReport

    Raises
    ------
    TargetError
        At the first rule that is broken, with the finding and the remedy.
    InvalidInputError, InvalidTypeError
        If an argument breaks a rule.

    Notes
    -----
    The rules, in order:

    - "number": a number or a vector, the same each time, as long as it has names.
    - "presence": where ``reads_presence`` is False, the value is the same whoever is present.
    - "autodiff": the automatic gradient equals differences of the value.
    - "values_without": an override equals the loop over `value`.
    - "linear_influence": an override equals the automatic derivative, to what differences keep.
    - "reduced data": without an object, the value is that of a model without its data.
    - "refits": the linear influence is the slope of the way to a refit. Skip it for a target with
      steps, such as a median. The finding is how much of the whole change it misses.

    Examples
    --------
    >>> import vifstats as vs
    >>> class Doubled(vs.targets.Target):
    ...     reads_presence = False
    ...
    ...     def value(self, theta, presence, loss):
    ...         return 2 * theta
    ...
    ...     def values_without(self, loss, thetas, removals):
    ...         return 3 * thetas
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> est = vs.minimize(vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    >>> check_target(Doubled(), est)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.TargetError: A target's own `values_without` must equal ...
    """
    given, tol = as_target(target), checks.positive_number(tol, "tol")
    checks.instance(est, Estimate, "est", "vs.minimize(loss, start)")
    skip = checks.unique_names(skip, "skip")
    n_objects = checks.counting_number(max_objects, "max_objects")
    trial = Trial(given, given.bind(est), est, n_objects, tol)
    return TargetReport(given, found_by(RULES, trial, skip))


@dataclass(frozen=True, eq=False)
class Trial:
    """A target, as given and bound to an estimate, and the objects to try it without."""

    given: Target
    target: Target
    est: Estimate
    max_objects: int
    tol: float

    @cached_property
    def refits(self) -> Influence:
        """Refits without each of the objects drawn, of those that have one."""
        n = self.est.loss.n_objects
        drawn = np.sort(np.random.default_rng(0).permutation(n)[: self.max_objects])
        found = refit_removals(self.est, self.est.removals().take(drawn))
        kept = np.flatnonzero(~found.failed & np.isfinite(found.values).any(axis=1))
        return found.take(kept)

    @property
    def arguments(self) -> tuple[Loss, np.ndarray, Removals]:
        """What `values_without` takes."""
        return self.est.loss, self.est.theta - self.refits.values, self.refits.removals

    @property
    def linear_arguments(self) -> tuple[Loss, np.ndarray, np.ndarray, Removals]:
        """What `linear_influence` takes."""
        return self.est.loss, self.est.theta, self.refits.values, self.refits.removals

    def value(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        """f(theta, b), shape (m,)."""
        return value_of(self.target, theta, presence, self.est.loss)


def _is_numbers(trial: Trial) -> str:
    b = trial.est.loss.everyone()
    once, again = (trial.value(trial.est.theta, b) for _ in range(2))
    if not np.array_equal(once, again, equal_nan=True):
        raise TargetError(
            f"A target must be the same each time, but is {once} and then {again}; draw random "
            "numbers once, outside of it."
        )
    names = trial.target.names_of(len(once))
    if len(names) != len(once):
        raise TargetError(
            f"A target must have a name for each value, but has {len(names)} for {len(once)}; "
            "correct `names`, or leave them out."
        )
    return f"{len(once)} value{'s' if len(once) > 1 else ''}, the first {once[0]:.4g}"


def _reads_presence_or_not(trial: Trial) -> str:
    here = trial.value(trial.est.theta, trial.est.loss.everyone())
    n_read = 0
    for k in range(len(trial.refits.removals)):
        there = trial.value(trial.est.theta, trial.refits.removals.presence(k))
        n_read += not np.array_equal(here, there, equal_nan=True)
        if n_read and not trial.target.reads_presence:
            raise TargetError(
                "A target with `reads_presence = False` must not depend on who is present, but is "
                f"{here[0]:.6g} with all objects and {there[0]:.6g} without "
                f"{checks.quoted(trial.refits.index[k])}; leave `reads_presence` out."
            )
    return f"the value changes without {n_read} of {len(trial.refits.removals)} objects"


def _has_the_slope_of_its_value(trial: Trial) -> str:
    theta = trial.est.theta
    v = np.random.default_rng(1).normal(size=len(theta))
    h = np.finfo(float).eps ** (1 / 3) * (1 + np.linalg.norm(theta)) / np.linalg.norm(v)
    b = trial.est.loss.everyone()
    up, down = (trial.value(theta + s * h * v, b) for s in (1, -1))
    difference = (up - down) / (2 * h)
    slope = autodiff.row_jacobian(
        lambda t: autodiff.as_vector(trial.target.value(t, b, trial.est.loss)), theta
    )
    noise = 100 * np.finfo(float).eps * np.abs([up, down]).max() / h
    unit = np.linalg.norm(slope) * np.linalg.norm(v) + np.abs(difference).max()
    error = np.abs(slope @ v - difference).max()
    if not error <= DIFFERENCE * unit + noise:
        raise TargetError(
            f"The automatic gradient of a target must be that of its value, but is {slope @ v} "
            f"along a direction in which differences of the value give {difference}; write all of "
            "it in autograd.numpy."
        )
    return f"equals differences of the value to {error / (unit or 1.0):.1g}"


def _values_equal_the_loop(trial: Trial) -> str:
    return _equals_default(trial, "values_without", trial.arguments, trial.tol)


def _is_linear_in_dfbeta(trial: Trial) -> str:
    # an override may be by differences, whose own error is far above rounding
    tol = max(trial.tol, DIFFERENCE)
    return _equals_default(trial, "linear_influence", trial.linear_arguments, tol)


def _equals_default(trial: Trial, name: str, arguments: tuple, tol: float) -> str:
    if getattr(type(trial.target), name) is getattr(Target, name):
        return "is the default"
    found = getattr(trial.target, name)(*arguments)
    expected = getattr(Target, name)(trial.target, *arguments)
    if found.shape != expected.shape:
        raise TargetError(
            f"A target's own `{name}` must have the shape of its default, {expected.shape}, but "
            f"has {found.shape}."
        )
    unit = np.abs(expected).max(initial=1e-300, where=np.isfinite(expected))
    wrong = ~(np.abs(found - expected) <= tol * unit) & ~(np.isnan(found) & np.isnan(expected))
    if wrong.any():
        at = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise TargetError(
            f"A target's own `{name}` must equal its default, but entry {at} is "
            f"{found[at]:.10g} and not {expected[at]:.10g}; correct the override, or leave it out."
        )
    return f"equals its default to {tol:.0g} of the largest"


def _is_that_of_the_reduced_data(trial: Trial) -> str:
    est = trial.est
    loss, thetas, removals = trial.arguments
    without = trial.target.values_without(loss, thetas, removals)
    for k, theta in enumerate(thetas):
        part = reduced(loss, removals.presence(k) > 0)
        if isinstance(part, Masked):
            return "this loss is reduced by presence alone"
        with times_as_they_are():
            alone = Estimate(
                part,
                theta,
                names=est.names,
                dispersion=est.dispersion,
                profile=est.profile,
                tol=np.inf,
            )
        expected = value_of(trial.given.bind(alone), theta, part.everyone(), part)
        unit = np.abs(expected).max(initial=1e-300, where=np.isfinite(expected))
        if not np.allclose(without[k], expected, rtol=0, atol=trial.tol * unit, equal_nan=True):
            raise TargetError(
                f"Without {checks.quoted(removals.labels[k])} a target must be that of the data "
                f"without it, {expected}, but is {without[k]}; multiply what belongs to an object "
                "by its presence."
            )
    return f"equals that of {len(thetas)} models without an object"


def _follows_refits(trial: Trial) -> str:
    loss, theta, dfbeta, removals = trial.linear_arguments
    full = trial.value(theta, loss.everyone())
    linear = trial.target.linear_influence(loss, theta, dfbeta, removals)
    # f(theta, 1_-i), on the way to the refit, and there; what vanishes with an object stays nan
    here, near, there = (
        trial.target.values_without(loss, theta - share * dfbeta, removals)
        for share in (0.0, NEAR, 1.0)
    )
    error = _share_missed(linear, full - here + (here - near) / NEAR)
    if not error <= CURVED:
        raise TargetError(
            "The linear influence of a target must be the change on the way to a refit, but it "
            f"misses {error:.0%} of that at {NEAR:.0%} of the way; correct `linear_influence`, or "
            'skip "refits" where the target has steps.'
        )
    return f"the linear influence misses {_share_missed(linear, full - there):.1%} of the change"


def _share_missed(linear: np.ndarray, change: np.ndarray) -> float:
    """|linear - change| over |change|, where both are known."""
    known = np.isfinite(change) & np.isfinite(linear)
    size = np.linalg.norm(change[known])
    return float(np.linalg.norm((linear - change)[known]) / (size or 1.0))


RULES: dict[str, Callable[[Trial], str]] = {
    "number": _is_numbers,
    "presence": _reads_presence_or_not,
    "autodiff": _has_the_slope_of_its_value,
    "values_without": _values_equal_the_loop,
    "linear_influence": _is_linear_in_dfbeta,
    "reduced data": _is_that_of_the_reduced_data,
    "refits": _follows_refits,
}
