"""What is to change, how far, and which way: the goal of a search for an influential set."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.inference.degrees import degrees_without
from vifstats.targets import Coefficient, ConfidenceLimits, PValue, StandardError, Target
from vifstats.targets.base import as_target
from vifstats.targets.base import value_of as target_values
from vifstats.targets.coefficient import position_of

__all__ = ["Goal", "goal_of", "value_of"]

FLIPS = ("sign", "significance")
# Rows squared times parameters: up to this many (0.2 s) rows are ranked by exact standard errors.
EXACT_NUMBERS = 3_000_000


@dataclass(frozen=True, eq=False)
class Goal:
    """A scalar that must pass a bound, and the target that is reported.

    For significance the scalar is the confidence limit on the side of 0, which changes its sign
    where the p-value crosses the level. Adding up p-values makes no sense: what is added are its
    parts, coefficient and standard error.

    Attributes
    ----------
    shown, steering : Target
        What is reported, and the scalar.
    ranking : Target
        The scalar by which rows are ranked; near-linear where there are many rows.
    shown_column, column : int
        Which of their values.
    parts : tuple of Target
        What is added up to what is shown.
    value : float
        The scalar on all data.
    direction, gap : float
        Which way it is to go, +1 or -1, and how far.
    text : str
    est : Estimate
    """

    shown: Target
    shown_column: int
    steering: Target
    ranking: Target
    column: int
    parts: tuple[Target, ...]
    value: float
    direction: float
    gap: float
    text: str
    est: Estimate

    def gains(self, influence: np.ndarray) -> np.ndarray:
        """How far each removal moves the scalar towards the bound."""
        gains = -self.direction * influence[:, self.column]
        return np.where(np.isfinite(gains), gains, -np.inf)

    def added(self, full: list[np.ndarray], influences: list[np.ndarray]) -> float:
        """What is shown, from its parts on all data and the summed influences on them."""
        values = [f - i for f, i in zip(full, influences, strict=True)]
        if len(values) == 1:
            return float(values[0][self.shown_column])
        coefficient, error = values
        df = self.est.degrees[self.parameter]
        return float(self.est.inference.p_values(coefficient / error, df)[0])

    @property
    def parameter(self) -> int:
        """The parameter whose significance is asked for."""
        return position_of(self.shown.name, self.est.names)  # type: ignore[attr-defined]  # PValue

    def without(self, influence: Influence) -> tuple[float, float]:
        """The scalar, and what is shown, without the one removal of a result."""
        limits, shown = self.steering, self.shown
        if not (isinstance(limits, ConfidenceLimits) and isinstance(shown, PValue)):
            value = influence.on(shown).value_without[0, self.column]
            return float(value), float(value)
        # both of one standard error, which takes a Hessian
        coefficient, error = (influence.on(part).value_without[0] for part in self.parts)
        parts = coefficient, error, degrees_without(self.est, influence.removals)[:, self.parameter]
        inference = self.est.inference
        limit = limits.of(*parts, inference)[0, self.column]
        return float(limit), float(shown.of(*parts, inference)[0, self.shown_column])

    def progress(self, value: float) -> float:
        """How far a value of the scalar is on the way to the bound; nan is nowhere."""
        return float(np.nan_to_num(self.direction * (value - self.value), nan=-np.inf))

    def reached(self, value: float) -> bool:
        """Whether a value of the scalar is at the bound."""
        return self.progress(value) >= self.gap


def goal_of(
    est: Estimate, target: Any, change: float | None, flip: str | None, level: float, column: int
) -> Goal:
    """The goal that the arguments of `influential_set` name."""
    if (change is None) == (flip is None):
        raise InvalidInputError(
            f"Exactly one of `change` and `flip` must be given, but they are {change!r:.60} "
            f"and {flip!r:.60}; pass one of them."
        )
    if flip is not None:
        checks.one_of(flip, FLIPS, "flip")
    if flip == "significance":
        return _significance(est, target, level)
    shown = Coefficient(target) if isinstance(target, str) else as_target(target)
    value = value_of(est, shown, column)
    if change is None:
        direction, gap, text = -np.sign(value), np.nextafter(abs(value), np.inf), "change of sign"
    else:
        change = checks.one_number(change, "change")
        direction, gap, text = np.sign(change), abs(change), f"change by {change:+.4g}"
    if direction == 0 or np.isnan(direction):
        raise InvalidInputError(
            f"There must be a way to go, but {'the value' if change is None else '`change`'} is "
            f"{value if change is None else change}; say how far with `change`, above 0 or below."
        )
    return Goal(shown, column, shown, shown, column, (shown,), value, direction, gap, text, est)


def _significance(est: Estimate, name: Any, level: float) -> Goal:
    if not isinstance(name, str):
        raise InvalidInputError(
            f"Significance is that of a parameter, one of {list(est.names)}, but `target` is "
            f"{name!r}."
        )
    shown, limits = PValue(name), ConfidenceLimits(name, level=1 - level)
    upper = int(value_of(est, Coefficient(name), 0) < 0)
    value = value_of(est, limits, upper)
    towards = "lost" if value_of(est, shown, 0) < level else "gained"
    text = f"significance at {level:g} {towards}"
    gap = np.nextafter(abs(value), np.inf)
    parts = (Coefficient(name), StandardError(name))
    many = est.loss.n_objects**2 * len(est.theta) > EXACT_NUMBERS
    ranking = replace(limits, exact=False) if many else limits
    return Goal(shown, 0, limits, ranking, upper, parts, value, -np.sign(value), gap, text, est)


def value_of(est: Estimate, target: Target, column: int) -> float:
    """One value of a target on all data; it must be finite."""
    loss = est.loss
    values = target_values(target.bind(est), est.theta, loss.everyone(), loss)
    if not checks.whole_number(column, "column") < len(values):
        raise InvalidInputError(
            f"`column` must be one of the {len(values)} values of the target, but is {column}."
        )
    if not np.isfinite(values[column]):
        raise InvalidInputError(
            f"The target must be finite on all data, but is {values[column]}; nothing can be said "
            "of its change."
        )
    return float(values[column])
