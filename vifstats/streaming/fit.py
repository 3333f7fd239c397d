"""Chunks through a function on whatever engine, and what they add up to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.solvers import Cholesky
from vifstats.solvers.cholesky import CholeskyFactor
from vifstats.streaming.options import Request
from vifstats.streaming.output import Harvest, Reduction, complete_folder, largest_rows
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


def results(map: Map, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """What a function returns for each item, in order, also from an engine that gives futures."""
    for found in map(function, items):
        yield found.result() if hasattr(found, "result") else found


def names_of(columns: Sequence[Any] | None, theta: Any) -> tuple[Any, ...]:
    """The columns of the covariates: as given, else the index of theta."""
    if columns is None and isinstance(theta, pd.Series):
        columns = list(theta.index)
    if columns is None or isinstance(columns, str) or not len(columns):
        raise InvalidInputError(
            f"`columns` must list the covariates, one for each parameter, but is {columns!r}; "
            "only a Series `theta` carries their names itself."
        )
    return tuple(columns)


def listed(columns: Any) -> tuple[Any, ...]:
    """Columns of which one may be given by its name alone."""
    return (columns,) if isinstance(columns, str | int) else tuple(columns)


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
    def gradient(self) -> np.ndarray:
        """Of the loss, shape (p,)."""

    @property
    def hessian(self) -> np.ndarray:
        """Shape (p, p)."""

    @property
    def sizes(self) -> Sequence[int]:
        """Rows of each chunk."""

    def rows(self, reduction: Reduction) -> Iterator[Harvest]:
        """The last pass: what is kept of each chunk, in order."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the loss is smallest, and how it looks there."""

    theta: np.ndarray
    look: Look
    factor: CholeskyFactor
    dispersion: float


def minimum(
    theta: np.ndarray,
    look_at: Callable[[np.ndarray], Look],
    names: Sequence[str],
    newton_steps: Any,
    dispersion: Any,
    tol: float,
) -> Minimum:
    """Newton steps to the minimum, as many as asked for, and whether it was reached.

    Shapes: `theta` (p,).
    """
    dispersion = checks.positive_number(dispersion, "dispersion")
    for left in reversed(range(checks.whole_number(newton_steps, "newton_steps") + 1)):
        look = look_at(theta)
        factor = Cholesky().factor(look.hessian, list(names))
        step = factor.solve(look.gradient)
        if left:
            theta = theta - step
    if np.isfinite(tol):
        errors = np.sqrt(dispersion * np.diag(factor.inverse()))
        checks.short_step(np.abs(step) / errors, names, tol)
    return Minimum(theta, look, factor, dispersion)


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
        seconds=perf_counter() - start,
    )
