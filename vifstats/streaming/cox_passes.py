"""The second and the third pass over survival data: one block at a time, as data in memory.

The rest of its stratum joins a block as rows that outlive it, so that every sum over risk sets is
the one of `vifstats.risksets`. Only the crowd is more than a row: its covariance adds to H.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks import SurvivalInput
from vifstats.losses.cox.gradient_changes import gradient_differences, weight_gradients
from vifstats.losses.cox.hessian import hessian
from vifstats.losses.cox.risk_sets import gathered, risk_sets
from vifstats.losses.cox.risk_sums import RiskSums, risk_sums
from vifstats.removals import Removals
from vifstats.streaming.chunks import in_chunk, read
from vifstats.streaming.cox_rows import Columns, Rows, rows_of
from vifstats.streaming.event_blocks import Block, Link
from vifstats.streaming.output import Harvest, Reduction, harvest
from vifstats.streaming.past_sums import Past, Powers, powers_of

__all__ = ["BlockSums", "CoxPasses", "Task"]


@dataclass(frozen=True, eq=False)
class Task:
    """The blocks that begin in one chunk."""

    # The chunks that they need: the own one, and those into which a tie goes on
    sources: Mapping[int, Any]
    blocks: Sequence[Block]
    # Of the chunk
    number: int
    # Number of the first row among all
    first_row: int
    # For the third pass
    pasts: Sequence[Past] = ()


@dataclass(frozen=True, eq=False)
class BlockSums:
    """What the second pass finds in a block."""

    # The loss without its penalty
    value: float
    gradient: np.ndarray  # (p,)
    hessian: np.ndarray  # (p, p)
    # For later blocks of its stratum; None without events
    powers: Powers | None
    # (n_visitors, p): what its visitors take
    visits: np.ndarray


@dataclass(frozen=True, eq=False)
class CoxPasses:
    """A Cox model at one theta."""

    columns: Columns
    theta: np.ndarray  # (p,)
    efron: bool

    def curvature(self, task: Task) -> list[BlockSums]:
        """The second pass: gradient, Hessian, and what later blocks must know."""
        return [self._sums(rows, block.link) for block, rows in self._rows(task)]

    def influence(self, task: Task, reduction: Reduction) -> Harvest:
        """The third pass: what each row adds to the gradient, and what becomes of it."""
        D, derivatives, kept = [], [], []
        for (block, rows), past in zip(self._rows(task), task.pasts, strict=True):
            here = self._rows_of_block(rows, block.link, past, reduction)
            D.append(here[0])
            derivatives.append(here[1])
            kept.append(rows.keep)
        return harvest(
            D=_stacked(D),
            derivatives=_stacked(derivatives),
            keep=pd.concat(kept),
            number=task.number,
            first_row=task.first_row,
            reduction=reduction,
        )

    def _rows(self, task: Task) -> Iterator[tuple[Block, Rows]]:
        chunks = {}
        for number, source in task.sources.items():
            with in_chunk(number):
                chunks[number] = rows_of(read(source, self.columns.all), self.columns)
        for block in task.blocks:
            parts = [chunks[p.chunk].part(p.start, p.stop) for p in block.parts]
            yield block, Rows.joined(parts)

    def _sums(self, rows: Rows, link: Link | None) -> BlockSums:
        p = len(self.theta)
        n_visitors = 0 if link is None else len(link.visitors)
        if not rows.event.any():
            return BlockSums(0.0, np.zeros(p), np.zeros((p, p)), None, np.zeros((n_visitors, p)))
        if link is None:
            sums = self._closed(rows)
            return BlockSums(sums.value(), sums.gradient(), hessian(sums), None, np.zeros((0, p)))
        sums, shift = self._open(rows, link)
        H = hessian(sums)
        # The crowd stands in the sums as one row at its mean. Gradients need no more, but rows at
        # one place have no spread: theirs is added, r h times the covariance of the crowd.
        if link.crowd is not None:
            r = np.exp(link.crowd.log_r - shift)
            H += r * sums.power_sums(1).Z.sum() * link.crowd.covariance
        visits = np.zeros((0, p))
        if n_visitors:
            n = len(sums.r)
            codes = np.full(n, -1)
            # Later rows follow the block's own: the visitors, each a removal, then the crowd, which
            # stays.
            codes[len(rows.time) : len(rows.time) + n_visitors] = np.arange(n_visitors)
            visits = gradient_differences(sums, Removals(codes, pd.RangeIndex(n_visitors)))
        powers = powers_of(sums, link.n_powers, shift, _about(link))
        return BlockSums(sums.value(), sums.gradient(), H, powers, visits)

    def _rows_of_block(
        self, rows: Rows, link: Link | None, past: Past, reduction: Reduction
    ) -> tuple[np.ndarray, np.ndarray]:
        """D_i of each row, and the derivative in its weight, shape (n, p); empty if unasked."""
        n, p = rows.X.shape
        finite, derivative = np.zeros((n, p)), np.zeros((n, p))
        if rows.event.any():
            sums = self._closed(rows) if link is None else self._open(rows, link)[0]
            codes = np.full(len(sums.r), -1)
            codes[:n] = np.arange(n)
            removals = Removals(codes, pd.RangeIndex(n))
            if reduction.request.finite:
                finite = gradient_differences(sums, removals)
            if reduction.request.derivative:
                derivative = weight_gradients(sums, removals)
        if link is None or past.powers is None:
            return finite, derivative
        x = rows.X - link.origin
        # Measured as the powers are: from the origin of the stratum, which is the same in all
        # blocks.
        log_r = x @ self.theta + rows.offset + np.log(rows.weights)
        if reduction.request.finite:
            before = past.powers.taken(log_r, x)
            if len(past.settled):
                before[past.settled] = past.taken
            finite += before
        if reduction.request.derivative:
            # a u eps, without the denominator: the first power is exact.
            derivative += past.powers.taken(log_r, x, 1)
        return finite, derivative

    def _closed(self, rows: Rows) -> RiskSums:
        """The sums of whole strata."""
        sets = risk_sets(_survival(rows.time, rows.event, rows.stratum))
        X, _ = gathered(rows.X, sets.order, sets.row_bounds)
        eta = X @ self.theta + rows.offset[sets.order]
        return risk_sums(sets, X, rows.weights[sets.order], eta, self.efron)

    def _open(self, rows: Rows, link: Link) -> tuple[RiskSums, float]:
        """The sums of a part of a stratum, and the logarithm of their unit."""
        x, log_r = [link.visitors.x], [link.visitors.log_r]
        if link.crowd is not None:
            x.append(link.crowd.mean[None])
            log_r.append(np.array([link.crowd.log_r]))
        n_later = sum(map(len, log_r))
        own = rows.X - link.origin
        eta = np.concatenate([own @ self.theta + rows.offset, *log_r])
        # Just after the last row, censored: at risk in every cell of the block, and a death in
        # none. In what order they leave does not matter here.
        later = np.full(n_later, np.nextafter(rows.time[-1], np.inf))
        time = np.concatenate([rows.time, later])
        event = np.concatenate([rows.event, np.zeros(n_later, dtype=bool)])
        sets = risk_sets(_survival(time, event, np.zeros(len(time), dtype=np.intp)))
        X = np.concatenate([own, *x]).take(sets.order, axis=0)
        # After eta: another origin changes digits of the sums, and must not change r, whose unit is
        # shared with the other blocks.
        X -= _about(link)
        weights = np.concatenate([rows.weights, np.ones(n_later)])[sets.order]
        sums = risk_sums(sets, X, weights, eta[sets.order], self.efron)
        return sums, float(eta.max())


def _about(link: Link) -> np.ndarray:
    """From where x is measured in a block, itself measured from the origin of its stratum.

    A crowd may be most of every risk set, so there it is the crowd's mean.
    """
    return np.zeros_like(link.origin) if link.crowd is None else link.crowd.mean


def _survival(time: np.ndarray, event: np.ndarray, stratum: np.ndarray) -> SurvivalInput:
    n = len(time)
    return SurvivalInput(
        X=np.empty((n, 0)),
        names=(),
        labels=pd.RangeIndex(n),
        time=time,
        event=event,
        entry=np.full(n, -np.inf),
        weights=np.ones(n),
        strata=stratum,
        offset=np.zeros(n),
    )


def _stacked(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
