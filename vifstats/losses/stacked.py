"""Several steps of one estimator as one system of equations, solved in order.

A later block may read the parameters of earlier ones, so the Jacobian is lower block triangular and
a removal moves them all: docs/mathematics.md, equation (43).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.losses.equation_roots import solved
from vifstats.losses.equations import EstimatingEquations
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["Block", "Stacked", "common_labels"]

# As in `vifstats.root`, for the blocks one after the other.
TOL, MAX_STEPS = 1e-10, 200


@dataclass(frozen=True, eq=False)
class Block:
    """One step of a stack."""

    equations: Loss
    n_params: int
    names: tuple[str, ...]
    # of the objects
    labels: pd.Index
    # where the search for its root begins; None where that is not known
    theta: np.ndarray | None = None
    # int (n of its objects,): their positions in the stack; None where it has all of them
    rows: np.ndarray | None = None

    def take(self, removals: Removals) -> Removals:
        """Removals of the stack as those of the block's own objects."""
        if self.rows is None:
            return removals
        return Removals(removals.codes[self.rows], removals.labels)

    def present(self, presence: np.ndarray | None) -> np.ndarray | None:
        """Who of the block's own objects is present."""
        return presence if self.rows is None or presence is None else presence[self.rows]

    @property
    def reads(self) -> tuple[str, ...]:
        """The earlier blocks whose parameters it reads."""
        return getattr(self.equations, "reads", ())


class Stacked(EstimatingEquations):
    """Blocks of equations, each of which may read the parameters of earlier blocks.

    `blocks`: by name, in the order in which they are solved; `labels`: of the rows, where blocks
    have only some of them. Raises InvalidInputError where blocks have other rows, or one reads
    what is not there before it.
    """

    n_params: int

    def __init__(self, blocks: Mapping[str, Block], labels: pd.Index | None = None) -> None:
        self.blocks = dict(blocks)
        _require_order(self.blocks)
        self.labels = common_labels(self.blocks) if labels is None else labels
        self.n_objects = len(self.labels)
        self.names = tuple(name for block in self.blocks.values() for name in block.names)
        ends = np.cumsum([0] + [block.n_params for block in self.blocks.values()])
        self.parts = {
            name: slice(*pair)
            for name, pair in zip(self.blocks, zip(ends[:-1], ends[1:], strict=True), strict=True)
        }
        self.n_params = int(ends[-1])
        self.fractional = all(block.equations.fractional for block in self.blocks.values())

    def lacking(self) -> dict[str, int]:
        """How many of the rows each block lacks, where it lacks some."""
        missing = {name: self.n_objects - len(b.labels) for name, b in self.blocks.items()}
        return {name: n for name, n in missing.items() if n}

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        parts = [
            self._given(name, theta).gradient(theta[self.parts[name]], block.present(presence))
            for name, block in self.blocks.items()
        ]
        return np.concatenate(parts)

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone(presence)
        if not np.isin(b, (0.0, 1.0)).all():
            raise InvalidInputError(
                "The Jacobian of a stack is known where objects are present or absent, but "
                "`presence` has shares between; ask for weight_gradients."
            )
        return self.reduced_hessians(theta, Removals(np.where(b > 0, -1, 0), pd.Index(["all"])))[0]

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        return self.hessian(theta, presence) @ vector

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        return self._beside("gradient_differences", theta, self.each(removals))

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self._beside("weight_gradients", theta, self.each(removals))

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        J = np.zeros((len(removals), self.n_params, self.n_params))
        for name, part in self.parts.items():
            given, own = self._given(name, theta), self.blocks[name].take(removals)
            if own.sizes.any():
                J[:, part, part] = given.reduced_hessians(theta[part], own)
            else:
                J[:, part, part] = given.hessian(theta[part])
            self._cross(J, name, theta, removals)
        return J

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        psi = np.empty(thetas.shape)
        for name, part in self.parts.items():
            for at, some in self._at_one_time(name, removals):
                given = self._given(name, thetas[at][0])
                psi[at, part] = given.reduced_slopes(thetas[at, part], some)[1]
        return np.where(np.isfinite(psi).all(axis=1), 0.0, np.nan), psi

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        J = np.zeros((len(removals), self.n_params, self.n_params))
        for name, part in self.parts.items():
            for at, some in self._at_one_time(name, removals):
                given = self._given(name, thetas[at][0])
                J[at, part, part] = given.reduced_curvatures(thetas[at, part], some)
                if self.blocks[name].reads:
                    self._cross(J[at], name, thetas[at][0], some)
        return J

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.zeros((len(removals), self.n_objects, self.n_params))
        for name, part in self.parts.items():
            for at, some in self._at_one_time(name, removals):
                given = self._given(name, thetas[at][0])
                rows = self.blocks[name].rows
                rows = np.arange(self.n_objects) if rows is None else rows
                scores = given.reduced_scores(thetas[at, part], some)
                out[at, rows[:, None], np.arange(part.start, part.stop)] = scores
        return out

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.zeros(len(removals), dtype=bool)
        for name, part in self.parts.items():
            own = self.blocks[name].take(removals)
            out |= self._given(name, theta).separated(theta[part], own)
        return out

    def start(self, theta: np.ndarray | None) -> np.ndarray:
        """Each block solved with the earlier ones as they were solved."""
        out = np.zeros(self.n_params)
        for name, part in self.parts.items():
            begin = self.blocks[name].theta if theta is None else theta[part]
            if begin is None:
                raise InvalidInputError(
                    f"The search for a root needs a start, but `start` is None and {name!r} "
                    "is not a fitted model; give one number for each parameter of the stack."
                )
            out[part] = solved(self._given(name, out), begin, TOL, MAX_STEPS)
        return out

    def _earlier(self, name: str, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(theta[self.parts[read]] for read in self.blocks[name].reads)

    def _given(self, name: str, theta: np.ndarray) -> Loss:
        """The block as a loss of its own; the parameters it reads from others are held at theta."""
        equations = self.blocks[name].equations
        if isinstance(equations, EstimatingEquations):
            return equations.given(self._earlier(name, theta))
        return equations

    def _at_one_time(self, name: str, removals: Removals) -> list[tuple[slice, Removals]]:
        """All removals where the block reads nothing; one by one where each has its own."""
        block = self.blocks[name]
        own = block.take(removals)
        return list(own.blocks(1 if block.reads else max(1, len(own))))

    def _cross(self, J: np.ndarray, name: str, theta: np.ndarray, removals: Removals) -> None:
        """Put the derivatives in the parameters that a block reads into J (k, p, p)."""
        equations, reads = self.blocks[name].equations, self.blocks[name].reads
        if not isinstance(equations, EstimatingEquations) or not reads:
            return
        part = self.parts[name]
        crossed = equations.crossed(theta[part], self._earlier(name, theta), removals)
        begin = 0
        for read in reads:
            end = begin + self.blocks[read].n_params
            J[:, part, self.parts[read]] = crossed[:, :, begin:end]
            begin = end

    def _beside(self, method: str, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """What each block says of removals, side by side: (n_removals, n_params)."""
        return np.concatenate(
            [
                getattr(self._given(name, theta), method)(
                    theta[part], self.blocks[name].take(removals)
                )
                for name, part in self.parts.items()
            ],
            axis=1,
        )


def common_labels(blocks: Mapping[str, Block]) -> pd.Index:
    """The labels of the rows, which are those of every block that has its own."""
    (first, one), *others = blocks.items()
    labels = one.labels
    for name, other in others:
        if len(other.labels) != len(labels):
            raise InvalidInputError(
                f"The blocks of a stack must have the same rows, but {first!r} has {len(labels)} "
                f"and {name!r} {len(other.labels)}; fit both on the rows that are complete for "
                "both."
            )
        if _numbered(labels):
            labels = other.labels
        elif not (_numbered(other.labels) or other.labels.equals(labels)):
            raise InvalidInputError(
                f"The blocks of a stack must have the same rows in the same order, but the labels "
                f"of {first!r} and {name!r} differ; fit both on one table."
            )
    return labels


def _numbered(labels: pd.Index) -> bool:
    """Whether labels are 0, 1, ...: those of arrays, which have none."""
    return labels.equals(pd.RangeIndex(len(labels)))


def _require_order(blocks: Mapping[str, Block]) -> None:
    before: list[str] = []
    for name, block in blocks.items():
        if unknown := [read for read in block.reads if read not in before]:
            raise InvalidInputError(
                f"A block may read blocks before it, here {before}, but {name!r} reads {unknown}; "
                "put those first."
            )
        before.append(name)
