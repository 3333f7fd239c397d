"""How many powers of eps are summed, of which cells and pieces, and which pairs are left over.

A cell's sums of powers depend on the cell alone, so their number has to serve the largest mass that
is exposed there; a light piece reads fewer of them, by a number of its own.
"""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.cell_blocks import Blocked, CellBlocks, cell_blocks
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import rows_of

__all__ = [
    "EXPLICIT",
    "LOG10_RANGE",
    "MAX_POWER",
    "BlockPlan",
    "PiecewisePlan",
    "Plan",
    "Reach",
    "Reads",
    "block_plan",
    "power_limits",
    "powers_needed",
    "reach",
]

# Powers stop once eps^K < 10^-DIGITS, relative to the first; with MAX_POWER that is at EXPLICIT.
DIGITS, EXPLICIT, MAX_POWER = 14.0, 1e-1, 14
# (phi_max/phi_min)^K must stay in the range of doubles.
LOG10_RANGE = 280.0


@dataclass(frozen=True, eq=False)
class Plan:
    """Which pairs of a piece and a cell are added one by one, and what has been summed of them."""

    # int (n_cells,): powers summed of each; 0 where every pair has been taken as it is
    K_cell: np.ndarray
    # (n_cells,): of which mass on pairs with a cell are added one by one
    key: np.ndarray
    # int (k,): pieces with a mass above the smallest key of their range
    candidates: np.ndarray

    def summed(self, piece: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """How many powers of each pair have been summed; 0 if all, except where eps > 1/2."""
        return self.K_cell[cell]


@dataclass(frozen=True, eq=False)
class PiecewisePlan(Plan):
    """Where all pairs of some pieces, bool (n_pieces,), have been taken as they are."""

    in_pairs: np.ndarray

    def summed(self, piece: np.ndarray, cell: np.ndarray) -> np.ndarray:
        return np.where(self.in_pairs[piece], 0, self.K_cell[cell])


@dataclass(frozen=True, eq=False)
class BlockPlan(Plan):
    """With cells in blocks: pairs in the blocks where a piece begins and ends have been taken.

    Cells with a pair to add one by one all have the same K, or 0 where no block is taken whole.
    """

    blocks: CellBlocks
    ranges: Ranges  # of the pieces
    eps: np.ndarray  # (n_pieces,): the largest of each
    reach: "Reach"

    @property
    def scale(self) -> float:
        """The unit of phi and r in powers."""
        return self.reach.scale

    def reads(self, some: slice | np.ndarray) -> "Reads":
        """What some of the pieces read."""
        ranges = self.ranges.take(some)
        late, eps = rows_of(self.ranges.late, some), rows_of(self.eps, some)
        return Reads(self.blocks, self.blocks.split(ranges), late, eps, self.reach.limits)

    def summed(self, piece: np.ndarray, cell: np.ndarray) -> np.ndarray:
        parts = self.blocks.split(self.ranges.take(piece))
        in_parts = parts.in_parts(self.blocks, np.arange(len(piece)), cell)
        return np.where(in_parts, 0, self.K_cell[cell])


@dataclass(frozen=True, eq=False)
class Reads:
    """What some pieces read of the blocks."""

    blocks: CellBlocks
    parts: Blocked
    late: np.ndarray  # bool (n_pieces,): as of `Ranges`
    eps: np.ndarray  # (n_pieces,): the largest of each
    limits: np.ndarray  # as of `Reach`

    def powers_of(self, pieces: np.ndarray | slice) -> np.ndarray:
        """How many powers some pieces read, int (m,)."""
        return powers_needed(self.eps[pieces], self.limits)

    def most_powers(self, pieces: np.ndarray) -> int:
        """How many powers some pieces read at the most."""
        return int(powers_needed(self.eps.take(pieces).max(), self.limits))


@dataclass(frozen=True, eq=False)
class Reach:
    """How far powers reach, where (phi_max/phi_min)^K is in the range of doubles.

    phi is kept in units of the largest S0, so phi^-k reaches 10^(k span): a wide span affords fewer
    powers, and more pairs are then added one by one, from a smaller eps on.
    """

    scale: float  # the largest S0
    most: int  # powers

    @property
    def explicit(self) -> float:
        """The eps from which on pairs are added one by one."""
        return min(EXPLICIT, 10.0 ** (-DIGITS / self.most))

    @property
    def limits(self) -> np.ndarray:
        """The largest eps of which 1, 2, ... powers suffice, shape (most - 1,)."""
        return power_limits(self.most)


def reach(sums: RiskSums, cells: np.ndarray) -> Reach:
    """The reach of the powers of some cells, bool (n_cells,)."""
    largest = sums.S0.max(where=cells, initial=0.0)
    if not largest:
        return Reach(1.0, MAX_POWER)
    span = np.log10(largest / sums.phi_min.min(where=cells, initial=np.inf))
    return Reach(float(largest), int(np.clip(LOG10_RANGE / max(span, 1.0), 1, MAX_POWER)))


def block_plan(sums: RiskSums, pieces: Pieces) -> BlockPlan:
    """The plan for NumPy, and for ranges that begin late."""
    blocks = cell_blocks(pieces.ranges.bounds, sums.n_terms)
    pairs_only = blocks.alone[blocks.of_cell]
    powers = reach(sums, ~pairs_only)
    K_cell = powers_needed(_largest_mass(pieces) / sums.phi_min, powers.limits)
    K_cell[pairs_only] = 0
    # All pairs with these are taken as they are, except where eps > 1/2.
    key = sums.phi_min * np.where(pairs_only, 0.5, powers.explicit)
    rows = pieces.ranges is sums.sets.exposed and pieces.r is sums.r
    eps = sums.shares if rows else pieces.r / pieces.ranges.minimum(sums.phi_min)
    # The largest eps of the whole range, read once for each piece, shows which pieces may have such
    # pairs. The search for pairs then starts with few of them.
    if pairs_only.any():
        candidates = pieces.r > pieces.ranges.minimum(key)
    else:
        candidates = eps > powers.explicit
    return BlockPlan(
        K_cell=K_cell,
        key=key,
        candidates=np.flatnonzero(candidates),
        blocks=blocks,
        ranges=pieces.ranges,
        eps=eps,
        reach=powers,
    )


def power_limits(most: int) -> np.ndarray:
    """The largest eps of which 1, 2, ... powers suffice, eps^K <= 10^-DIGITS: (most - 1,)."""
    return 10.0 ** (-DIGITS / np.arange(1, most))


def powers_needed(eps: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many powers are summed, one more than ``limits`` below eps: int8, shape of eps."""
    return (1 + limits.searchsorted(eps)).astype(np.int8)


def _largest_mass(pieces: Pieces) -> np.ndarray:
    """A bound on the largest mass exposed in each cell: the largest that has yet to leave."""
    ranges = pieces.ranges
    rows = np.flatnonzero(ranges.lo < ranges.hi)
    largest = np.zeros(ranges.n_cells)
    # A mass is put where it ends and carried back to the beginning of the stratum, as if no one
    # entered late. A bound that is too high costs at most one more power, and never a digit.
    np.maximum.at(largest, ranges.hi[rows] - 1, pieces.r[rows])
    return ranges.segments.accumulate(largest, reverse=True, ufunc=np.maximum)
