"""Influence on a generalised linear model of more rows than fit into memory, in two passes.

Its loss is a sum over rows that read theta through linear predictors, so no chunk needs to know of
another, and the Versatile Influence Function is the classical one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.losses.regression.linear_predictor import LinearPredictor, distinct_names
from vifstats.losses.row_losses import RowLoss
from vifstats.streaming.chunks import chunks_of, in_chunk, read
from vifstats.streaming.fit import (
    Map,
    coefficients,
    listed,
    minimum,
    names_of,
    results,
    runner,
    streamed,
)
from vifstats.streaming.options import request_of
from vifstats.streaming.output import Harvest, Reduction, harvest
from vifstats.streaming.result import StreamedInfluence
from vifstats.typing import ArrayLike1D, Chunk, Column, Penalty

__all__ = ["glm"]


def glm(
    row_loss: RowLoss,
    theta: ArrayLike1D,
    chunks: Iterable[Chunk],
    *,
    y: Column,
    columns: Sequence[Column] | None = None,
    constant: bool = False,
    weights: Column | None = None,
    offset: Column | None = None,
    penalty: Penalty | None = None,
    dispersion: float = 1.0,
    to: str | Path | None = None,
    keep: Column | Sequence[Column] = (),
    target: Any = None,
    top: int = 0,
    by: str = "cooks_distance",
    robust: bool = False,
    newton_steps: int | None = None,
    tol: float = 1e-2,
    map: Map = map,
    progress: bool = False,
) -> StreamedInfluence:
    """Influence of every row of a generalised linear model, one chunk at a time in memory.

    Results are those of `vifstats.vif` with `vifstats.losses.LinearPredictor` on all the rows,
    but for rounding; the order of the rows is free.

    Parameters
    ----------
    row_loss : RowLoss
        Of ``vifstats.losses.row_losses``.
    theta : array_like, shape (p,)
        The parameters; a Series brings the names of the columns, unless there is a constant.
    chunks : iterable
        As in `vifstats.streaming.cox`; they are read twice.
    y : str, int or tuple of them
        The column, or columns, of outcomes.
    columns : sequence of str or int, or tuple of such sequences, optional
        The columns of the covariates; of each predictor where there are several.
    constant : bool
        Put a column of ones, ``const``, before the others of each predictor.
    weights, offset : str or int, optional
        Columns of case weights, > 0, and of what is added to the first predictor.
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta.
    dispersion : float
        The naive covariance is ``dispersion * H^-1``.
    to, keep, target, top, by, robust, newton_steps, tol, map
        As in `vifstats.streaming.cox`.
    progress : bool
        A bar on standard error for each pass over the chunks.

    Returns
    -------
    StreamedInfluence

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument or a row breaks a rule, with the numbers of the chunk and of the row.
    NotAtMinimumError
        If theta does not minimise the loss on these data.
    NotPositiveDefiniteError
        If H is singular.

    Examples
    --------
    A mean, of which two chunks hold three numbers:

    >>> import pandas as pd
    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import SquaredError
    >>> rows = pd.DataFrame({"y": [1.0, 3.0, 5.0]})
    >>> found = vs.streaming.glm(
    ...     SquaredError(), [3.0], [rows[:2], rows[2:]], y="y", columns=[], constant=True, top=2
    ... )
    >>> found.top["const"].round(4).to_dict()
    {0: -0.6667, 2: 0.6667}
    """
    start = perf_counter()
    constant = checks.flag(constant, "constant")
    given = columns if isinstance(columns, tuple) else (columns,)
    designs = tuple(() if constant and not some else names_of(some, theta) for some in given)
    outcomes = y if isinstance(y, tuple) else (y,)
    model = _Model(row_loss, designs, constant, outcomes, weights, offset, listed(keep))
    request = request_of(model.names, "vif", to, model.keep, target, top, by, robust)
    values = coefficients(theta, request.names)
    P = checks.penalty_matrix(penalty, len(values))
    stream = _Stream(chunks_of(chunks), model, P, runner(map, progress))
    found = minimum(values, stream.look_at, request.names, newton_steps, dispersion, tol)
    return streamed(request, found, start)


@dataclass(frozen=True, eq=False)
class _Model:
    """The loss of the rows of a table, by the names of its columns."""

    row_loss: RowLoss
    designs: tuple[tuple[Any, ...], ...]
    constant: bool
    y: tuple[Any, ...]
    weights: Any
    offset: Any
    keep: tuple[Any, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        ones = ("const",) if self.constant else ()
        return distinct_names([(*ones, *map(str, design)) for design in self.designs])

    def loss(self, table: pd.DataFrame) -> LinearPredictor:
        """The loss of the rows of a table, without the penalty."""
        outcomes = tuple(table[name] for name in self.y)
        return LinearPredictor(
            self.row_loss,
            tuple(self._design(table, design) for design in self.designs),
            outcomes if len(outcomes) > 1 else outcomes[0],
            offset=None if self.offset is None else table[self.offset],
            weights=None if self.weights is None else table[self.weights],
        )

    def table(self, chunk: Any) -> pd.DataFrame:
        """The columns of a chunk that are needed."""
        names = [name for design in self.designs for name in design]
        names += [*self.y, *(name for name in (self.weights, self.offset) if name is not None)]
        return read(chunk, list(dict.fromkeys([*names, *self.keep])))

    def slopes(self, item: tuple[int, Any], theta: np.ndarray) -> "_Slopes":
        """The first pass: gradient and Hessian of a chunk."""
        number, chunk = item
        with in_chunk(number):
            loss = self.loss(self.table(chunk))
        value = float(loss.value(theta, loss.everyone()))
        return _Slopes(loss.n_objects, value, loss.gradient(theta), loss.hessian(theta))

    def influence(self, item: tuple[int, Any, int], reduction: Reduction) -> Harvest:
        """The second pass: what each row adds to the gradient, and what becomes of it."""
        number, chunk, first_row = item
        with in_chunk(number):
            table = self.table(chunk)
            loss = self.loss(table)
        D = loss.gradient_differences(reduction.theta)
        return harvest(D, D, table[list(self.keep)], number, first_row, reduction)

    def _design(self, table: pd.DataFrame, names: tuple[Any, ...]) -> pd.DataFrame:
        design = table[list(names)]
        if self.constant:
            design = pd.concat([pd.Series(1.0, table.index, name="const"), design], axis=1)
        return design


@dataclass(frozen=True, eq=False)
class _Slopes:
    """The slopes of one chunk."""

    n_rows: int
    value: float
    gradient: np.ndarray
    hessian: np.ndarray


@dataclass(frozen=True, eq=False)
class _Stream:
    """The chunks, and how they are read."""

    chunks: list[Any]
    model: _Model
    penalty: np.ndarray | None
    map: Map

    def look_at(self, theta: np.ndarray) -> "_Look":
        """The first pass."""
        first_pass = partial(self.model.slopes, theta=theta)
        found = list(results(self.map, first_pass, list(enumerate(self.chunks))))
        gradient = np.sum([some.gradient for some in found], axis=0)
        H = np.sum([some.hessian for some in found], axis=0)
        value = sum(some.value for some in found)
        if self.penalty is not None:
            value += 0.5 * float(theta @ self.penalty @ theta)
            gradient, H = gradient + self.penalty @ theta, H + self.penalty
        return _Look(value, gradient, H, [some.n_rows for some in found], self)


@dataclass(frozen=True, eq=False)
class _Look:
    """What the first pass found at one theta."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    sizes: list[int]
    stream: _Stream

    def rows(self, reduction: Reduction) -> Iterator[Harvest]:
        """The second pass."""
        first_rows = np.cumsum([0, *self.sizes[:-1]]).tolist()
        items = list(zip(range(len(self.sizes)), self.stream.chunks, first_rows, strict=True))
        last_pass = partial(self.stream.model.influence, reduction=reduction)
        return results(self.stream.map, last_pass, items)
