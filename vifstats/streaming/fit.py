"""Chunks through a function on whatever engine, and what they add up to."""

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.solvers import Cholesky
from vifstats.solvers.cholesky import CholeskyFactor
from vifstats.solvers.newton import LONGEST, STALLED, STANDSTILL
from vifstats.solvers.steps import decrement, descent, line_search
from vifstats.streaming.options import Request
from vifstats.streaming.output import Harvest, Reduction, complete_folder, largest_rows
from vifstats.streaming.progress import progress_bar
from vifstats.streaming.result import StreamedInfluence

__all__ = [
    "Look",
    "Map",
    "Minimum",
    "coefficients",
    "listed",
    "minimum",
    "names_of",
    "results",
    "streamed",
]

Map = Callable[..., Iterable[Any]]

# As many steps are taken where nobody says how many, and none once one is as short as this, in
# standard errors.
MOST_STEPS, ARRIVED = 100, 1e-9
HALVINGS = 20


def runner(map: Map, progress: bool) -> Map:
    """What runs a function on many items: the built-in is a class, and any other is none."""
    if map is not builtins.map:
        map = checks.function(map, "map", "map(function, items)")
    return _Watched(map) if checks.flag(progress, "progress") else map


@dataclass(frozen=True)
class _Watched:
    """A map with a bar for each pass."""

    map: Map

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        items = list(items)
        with progress_bar(len(items), "chunk", shown=True) as bar:
            for found in results(self.map, function, items):
                bar.update()
                yield found


def results(map: Map, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """What a function returns for each item, in order, also from an engine that gives futures."""
    for found in map(function, items):
        yield found.result() if hasattr(found, "result") else found


def names_of(columns: Sequence[Any] | None, theta: Any) -> tuple[Any, ...]:
    """The columns of the covariates: as given, else the index of theta."""
    if columns is None and isinstance(theta, pd.Series):
        columns = list(theta.index)
    if (
        columns is None
        or isinstance(columns, str)
        or (isinstance(columns, Sized) and not len(columns))
    ):
        raise InvalidInputError(
            f"`columns` must list the covariates, one for each parameter, but is {columns!r}; "
            "only a Series `theta` carries their names itself."
        )
    return _several(columns)


def listed(columns: Any) -> tuple[Any, ...]:
    """Columns of which one may be given by its name alone."""
    if isinstance(columns, str | int) and not isinstance(columns, bool):
        return (columns,)
    return _several(columns)


def _several(columns: Any) -> tuple[Any, ...]:
    """Columns by name or number, in a sequence."""
    checks.unique_names(columns, "columns")
    return tuple(columns)


def coefficients(theta: Any, names: Sequence[str]) -> np.ndarray:
    """theta as an array in the order of the names."""
    if isinstance(theta, pd.Series) and list(map(str, theta.index)) != list(names):
        raise InvalidInputError(
            f"`theta` must have the names of `columns` in their order, {list(names)}, but has "
            f"{list(theta.index)}; use theta[columns]."
        )
    return checks.parameters(theta, len(names))


class Look(Protocol):
    """What the passes before the last find at one theta."""

    @property
    def value(self) -> float:
        """Value of the loss."""

    @property
    def gradient(self) -> np.ndarray:
        """Gradient of the loss, shape (p,)."""

    @property
    def hessian(self) -> np.ndarray:
        """Hessian of the loss, shape (p, p)."""

    @property
    def sizes(self) -> Sequence[int]:
        """Rows of each chunk."""

    def rows(self, reduction: Reduction) -> Iterator[Harvest]:
        """The last pass: what is kept of each chunk, in order."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """The minimum of the loss, and its derivatives there."""

    theta: np.ndarray
    look: Look
    factor: CholeskyFactor
    dispersion: float
    # How many steps there were from the start
    steps: int


def minimum(
    theta: np.ndarray,
    look_at: Callable[[np.ndarray], Look],
    names: Sequence[str],
    newton_steps: Any,
    dispersion: Any,
    tol: float,
) -> Minimum:
    """Damped Newton steps to the minimum, at most as many as asked for, and whether it was reached.

    Shapes: `theta` (p,); `newton_steps`: None where they go on until it is, from a start that is
    further away than `tol`.
    """
    dispersion = checks.positive_number(dispersion, "dispersion")
    tol = checks.tolerance(tol, "tol")
    until = newton_steps is None
    most = MOST_STEPS if until else checks.whole_number(newton_steps, "newton_steps")
    walk = _Walk(look_at, theta, np.sqrt(dispersion))
    if until:
        walk.require_range()
    if not (until and walk.length <= tol):
        while walk.steps < most and walk.goes_on():
            pass
    factor = Cholesky().factor(walk.look.hessian, list(names))
    if np.isfinite(tol):
        errors = np.sqrt(dispersion * np.diag(factor.inverse()))
        checks.short_step(np.abs(factor.solve(walk.look.gradient)) / errors, names, tol)
    return Minimum(walk.theta, walk.look, factor, dispersion, walk.steps)


class _Walk:
    """Newton steps from a start, each halved until the loss falls: a look for each try."""

    def __init__(
        self, look_at: Callable[[np.ndarray], Look], theta: np.ndarray, unit: float
    ) -> None:
        self.look_at, self.unit = look_at, unit
        self.steps = 0
        self._arrive(theta)

    def require_range(self) -> None:
        """Come nearer to 0 from a start at which exp leaves the range of numbers."""
        for _ in range(HALVINGS):
            if np.isfinite(self.length):
                break
            self._arrive(0.5 * self.theta)

    @np.errstate(all="ignore")  # what is not finite is looked at
    def _arrive(self, theta: np.ndarray, look: Look | None = None) -> None:
        self.theta = theta
        self.look = self.look_at(theta) if look is None else look
        H, gradient = self.look.hessian[None], self.look.gradient[None]
        free = np.zeros(gradient.shape, dtype=bool)
        self.step = (
            descent(H, gradient, free) if np.isfinite(H).all() else np.full_like(gradient, np.nan)
        )
        self.length = float(decrement(gradient, self.step)[0]) / self.unit

    @np.errstate(all="ignore")  # a step may end where exp overflows, and is halved
    def goes_on(self) -> bool:
        """Take a step, unless it is too short to count, or the loss falls along no part of it."""
        before = self.length
        if before <= ARRIVED:
            return False
        looks: list[Look] = []

        def slopes(rows: np.ndarray, thetas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            looks.append(self.look_at(thetas[0]))
            return np.array([looks[-1].value]), looks[-1].gradient[None]

        # where the loss is all but straight a Newton step is endless
        fall = np.nan_to_num(np.abs(self.look.value / self.look.gradient), posinf=1.0)
        longest = np.max(np.abs(self.step[0]) / (LONGEST * (np.abs(self.theta) + fall)))
        step = self.step / max(longest, 1.0)
        theta, values = self.theta[None].copy(), np.array([self.look.value])
        gradients, row = self.look.gradient[None].copy(), np.zeros(1, dtype=int)
        moved = line_search(slopes, row, theta, values, gradients, step)
        if not moved[0]:
            return False
        self.steps += 1
        self._arrive(theta[0], looks[-1])
        return not (self.length > STANDSTILL * before and self.length <= STALLED)


def streamed(request: Request, found: Minimum, start: float) -> StreamedInfluence:
    """The pass that computes rows, and the result.

    `start`: when the call began.
    """
    look, sizes = found.look, found.look.sizes
    harvests: list[Harvest] = []
    with complete_folder(request.to) as folder:
        if request.rows or request.robust:
            dispersion = found.dispersion
            reduction = Reduction(
                request, found.theta, look.hessian, found.factor, dispersion, folder
            )
            harvests = list(look.rows(reduction))
    tops = [some.top for some in harvests if some.top is not None]
    grams = [some.gram for some in harvests if some.gram is not None]
    return StreamedInfluence(
        method=request.method,
        theta=found.theta,
        names=request.names,
        gradient=look.gradient,
        hessian=look.hessian,
        covariance=found.dispersion * found.factor.inverse(),
        robust=np.sum(grams, axis=0) if request.robust else None,
        top=largest_rows(tops, request) if tops else None,
        path=request.to,
        n_rows=sum(sizes),
        n_chunks=len(sizes),
        steps=found.steps,
        seconds=perf_counter() - start,
    )
