"""Influence on a Cox model of more rows than fit into memory, in three passes over chunks of them.

1. Each chunk is checked, and of a stratum that goes on in the next chunk the mass, mean and
   covariance of its rows at risk are kept.
2. Each chunk, told what is at risk after it, gives its part of the gradient and of H, and sums over
   its event times for rows that come later.
3. Each chunk, told these sums, gives D_i of its rows, which are solved with H and written or
   reduced.

In every pass chunks are independent of each other. What goes from one to another is a few numbers:
nothing is as long as the data but the result, if it is written.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.rounded_times import TimeGaps, warn_of_rounding
from vifstats.checks.survival import require_events
from vifstats.errors import UnsupportedModelError
from vifstats.losses.cox.loss import APPROXIMATE
from vifstats.losses.penalty import untold
from vifstats.streaming.chunks import chunks_of
from vifstats.streaming.cox_passes import CoxPasses, Task
from vifstats.streaming.cox_rows import Columns
from vifstats.streaming.event_blocks import Block, blocks_of, require_order, varying_columns
from vifstats.streaming.first_pass import ChunkSurvey, gaps_of_chunks, survey
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
from vifstats.streaming.options import Request, request_of
from vifstats.streaming.output import Harvest, Reduction
from vifstats.streaming.past_sums import pasts
from vifstats.streaming.result import StreamedInfluence
from vifstats.typing import ArrayLike1D, Chunk, Column, Penalty

__all__ = ["cox"]


def cox(
    theta: ArrayLike1D,
    chunks: Iterable[Chunk],
    *,
    time: Column,
    event: Column | None = None,
    columns: Sequence[Column] | None = None,
    entry: Column | None = None,
    weights: Column | None = None,
    strata: Column | Sequence[Column] = (),
    offset: Column | None = None,
    ties: str = "efron",
    penalty: Penalty | None = None,
    method: str = "vif",
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
    """Influence of every row of a Cox model, of which one chunk at a time is in memory.

    Rows must be sorted by strata, then by time, both ascending, over all chunks; where they are
    cut is free. Results are those of `vifstats.vif` on all the rows, but for rounding.

    Parameters
    ----------
    theta : array_like, shape (p,)
        The coefficients; a Series brings the names of the columns.
    chunks : iterable
        Each a table (pandas, polars, pyarrow, a mapping of names to arrays, a structured array, or
        a plain one with the columns 0, 1, ...), or what reads one: a row group (`row_groups`), a
        fragment of a pyarrow dataset, a Dask partition, or a function without arguments. They are
        read three times.
    time : str or int
        The column of times of event or censoring.
    event : str or int, optional
        The column of 1 (event) or 0 (censored); None: all events.
    columns : sequence of str or int, optional
        The columns of the covariates, one for each parameter.
    entry : None
        Delayed entry is not supported here.
    weights : str or int, optional
        The column of case weights, > 0.
    strata : str or sequence of str, optional
    offset : str or int, optional
        The column of what is added to the linear predictor.
    ties : {"efron", "breslow"}
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta, in the units of the covariates.
    method : {"vif", "if"}
    to : str or Path, optional
        A new folder, into which each chunk is written as a Parquet file with a column for each
        parameter, or for each value of ``target``. It has its name only once it is complete and
        on the disk.
    keep : str or sequence of str, optional
        Columns of the data to be written too, such as an identifier.
    target : array_like, shape (p,) or (m, p), or Target, optional
        Weighted sums of the parameters, or a target that reads the parameters alone, to be written
        instead of the parameters.
    top : int, default 0
        Keep this many of the largest rows.
    by : str
        What is large: "cooks_distance", a parameter or a value of the target, by absolute value.
    robust : bool
        Add up the infinitesimal jackknife covariance.
    newton_steps : int, optional
        At most this many Newton steps are taken from theta, each halved until the loss falls; each
        try costs two passes. 0 leaves theta as it is. Default until the minimum, where theta is
        further from it than ``tol``.
    tol : float, default 1e-2
        How far from the minimum theta may be, as a Newton step in standard errors.
    map : callable
        Runs a function on many items, in order: the built-in, ``executor.map``, or
        ``client.map`` of Dask.
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
        If theta does not minimise the loss on these data, after as many steps as were asked for.
    NotPositiveDefiniteError
        If H is singular.
    UnsupportedModelError
        For delayed entry.

    Warns
    -----
    UserWarning
        If times differ by rounding alone, such as 0.1 + 0.2 and 0.3: R's coxph ties them.

    Examples
    --------
    Two chunks, between which a tie is cut:

    >>> import pandas as pd
    >>> import vifstats as vs
    >>> rows = pd.DataFrame(
    ...     {"t": [1.0, 1.0, 2.0, 2.0, 3.0], "e": [1, 1, 1, 1, 0], "x": [0.0, 1.0, 1.0, 0.0, 0.5]}
    ... )
    >>> found = vs.streaming.cox(
    ...     [0.0], [rows[:3], rows[3:]], time="t", event="e", columns=["x"], top=5, by="x"
    ... )
    >>> in_memory = vs.vif_cox([0.0], rows[["x"]], rows["t"], rows["e"])
    >>> bool(np.allclose(found.top["x"].sort_index(), in_memory.dfbeta["x"]))
    True
    """
    start = perf_counter()
    if entry is not None:
        raise UnsupportedModelError(
            "Rows of a stream must be at risk from the beginning, but `entry` is given: what is at "
            "risk after a chunk would not be at risk throughout it. Use vifstats.vif_cox in memory."
        )
    ties = checks.one_of(ties, list(APPROXIMATE), "ties")
    x = names_of(columns, theta)
    parts = Columns(x, time, event, weights, offset, listed(strata), listed(keep))
    request = request_of(x, method, to, parts.keep, target, top, by, robust)
    values = coefficients(theta, request.names)
    P = checks.penalty_matrix(penalty, len(values))
    stream = Stream(chunks_of(chunks), parts, request, ties == "efron", P, runner(map, progress))

    def look_at(theta: np.ndarray) -> Look:
        look = stream.look_at(theta)
        if theta is values:  # once, and before they are found not to be at the minimum
            warn_of_rounding(look.gaps, str(time))
        return look

    return streamed(request, minimum(values, look_at, request.names, newton_steps, 1.0, tol), start)


@dataclass(frozen=True, eq=False)
class Stream:
    """The chunks, and how they are read."""

    chunks: list[Any]
    columns: Columns
    request: Request
    efron: bool
    penalty: np.ndarray | None
    map: Map

    def look_at(self, theta: np.ndarray) -> "Look":
        """The first two passes."""
        surveys = self._surveys(theta)
        passes = CoxPasses(self.columns, theta, self.efron)
        blocks = blocks_of(surveys, theta, self.request.finite)
        tasks = self._tasks(blocks, [some.n_rows for some in surveys])
        sums = list(results(self.map, passes.curvature, tasks))
        gradient = np.sum([block.gradient for some in sums for block in some], axis=0)
        H = np.sum([block.hessian for some in sums for block in some], axis=0)
        value = sum(block.value for some in sums for block in some)
        if self.penalty is not None:
            value += 0.5 * float(theta @ self.penalty @ theta)
            gradient, H = gradient + self.penalty @ theta, H + self.penalty
        told = pasts(
            [task.blocks for task in tasks],
            [[(block.powers, block.visits) for block in some] for some in sums],
        )
        told_tasks = [replace(task, pasts=past) for task, past in zip(tasks, told, strict=True)]
        sizes = [some.n_rows for some in surveys]
        gaps = gaps_of_chunks(surveys)
        return Look(value, gradient, H, sizes, passes, told_tasks, self.map, gaps)

    def _surveys(self, theta: np.ndarray) -> list[ChunkSurvey]:
        first_pass = partial(survey, columns=self.columns, theta=theta)
        surveys = list(results(self.map, first_pass, list(enumerate(self.chunks))))
        require_order(surveys, self.columns.time)
        require_events(any(some.n_events for some in surveys))
        flat = ~varying_columns(surveys)
        checks.varying(untold(flat, self.penalty), self.request.names)
        return surveys

    def _tasks(self, blocks: list[list[Block]], sizes: list[int]) -> list[Task]:
        first_rows = np.cumsum([0, *sizes])
        tasks = []
        for number, some in enumerate(blocks):
            if some:
                needed = sorted({part.chunk for block in some for part in block.parts})
                sources = {k: self.chunks[k] for k in needed}
                first_row = int(first_rows[number]) + some[0].parts[0].start
                tasks.append(Task(sources, some, number, first_row))
        return tasks


@dataclass(frozen=True, eq=False)
class Look:
    """What two passes found at one theta, and what the third needs."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    sizes: list[int]
    passes: CoxPasses
    tasks: list[Task]
    map: Map
    # Between times
    gaps: TimeGaps

    def rows(self, reduction: Reduction) -> Iterator[Harvest]:
        """The third pass."""
        return results(self.map, partial(self.passes.influence, reduction=reduction), self.tasks)
