"""Risk sets without one removal, summed afresh: where it holds most of the mass, S0 - r cancels."""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.moments import Columns, Moments, moments_of
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import expanded

__all__ = ["Others", "others_afresh"]


@dataclass(frozen=True, eq=False)
class Others:
    """Cells, a removal for each, and who else is at risk there and does not die."""

    # int (k,): ascending
    cells: np.ndarray
    # int (k,): the removal left out
    code: np.ndarray
    # Of the rows at risk that neither die in the cell nor leave
    moments: Moments

    def find(self, cells: np.ndarray, code: np.ndarray) -> np.ndarray:
        """The position of each (cell, code), or -1."""
        if not len(self.cells):
            return np.full(len(cells), -1)
        at = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        return np.where((self.cells[at] == cells) & (self.code[at] == code), at, -1)


def others_afresh(
    sums: RiskSums, cells: np.ndarray, code: np.ndarray, row_code: np.ndarray, columns: Columns
) -> Others:
    """Sum over the rows at risk that do not die, without those of one removal in each cell.

    `cells`, `code` int (k,): distinct cells, ascending, and the removal left out in each;
    `row_code` int (n,): the removal of each row; `columns`: the second moments wanted.
    """
    exposed = sums.sets.exposed
    # Rows that end before the first of these cells are in none of them.
    rows = np.flatnonzero(exposed.hi > cells.min(initial=exposed.n_cells))
    some = exposed.take(rows).restricted(cells)
    inside = np.flatnonzero(some.lo < some.hi)
    rows = rows[inside]
    part, ranges = _without_own(some.take(inside), row_code[rows], code)
    moments = moments_of(sums.r[rows], sums.X[rows], columns)
    return Others(cells, code, moments.take(part).each(ranges.scatter))


def _without_own(
    ranges: Ranges, row_code: np.ndarray, cell_code: np.ndarray
) -> tuple[np.ndarray, Ranges]:
    """Cut each row's range at the cells where its own removal is the one left out."""
    n_cells = len(cell_code)
    by_code = np.lexsort((np.arange(n_cells), cell_code))
    # (removal, cell) as one ascending integer: the cells to be cut from a row, those of its own
    # removal within its range, are then a run of them.
    keys = cell_code[by_code] * (n_cells + 1) + by_code
    base = row_code * (n_cells + 1)
    first = np.searchsorted(keys, base + ranges.lo)
    n_cuts = np.searchsorted(keys, base + ranges.hi) - first
    row, part = expanded(n_cuts + 1)
    cut = np.append(by_code, n_cells)  # what stands after the last cut is not read
    lo = np.where(part == 0, ranges.lo[row], cut[first[row] + part - 1] + 1)
    hi = np.where(part == n_cuts[row], ranges.hi[row], cut[np.minimum(first[row] + part, n_cells)])
    return row, Ranges(lo, np.maximum(lo, hi), ranges.bounds)
