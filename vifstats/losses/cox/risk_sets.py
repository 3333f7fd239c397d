"""Survival data as ranges of event times: which rows are at risk when."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.checks import SurvivalInput
from vifstats.checks.rounded_times import TimeGaps, gaps_of_rows
from vifstats.losses.cox.fast import loops
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.segment_sums import CACHE, Bins, in_cache, slices_of, sorted_order

__all__ = ["RiskSets", "gathered", "in_order", "risk_sets", "time_gaps"]

# A time is searched for as fast as so many numbers are added.
SEARCHED = 4
# Places of a grid for each time, and how many times may be in one place.
PLACES, MOST = 4, 32


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Rows sorted by stratum and time, and the cells (event times of a stratum) at which they are.

    A row is at risk at the event times t of its stratum with entry < t <= time: strictly after
    entry, up to and with its own time (mathematics: section on Cox regression).
    """

    # int (n,): the user's row at each sorted position. All other arrays are in sorted order
    order: np.ndarray
    # The cells at which each row is at risk
    ranges: Ranges
    # The same without the cell of its own event
    exposed: Ranges
    # int (n_events,): sorted positions of the event rows; the cell of an event is the last of its
    # range
    own: np.ndarray
    stratum: np.ndarray  # int (n,)
    cell_time: np.ndarray  # (n_cells,)
    cell_stratum: np.ndarray  # int (n_cells,)
    # int (n_cells,): number of event rows d at each cell
    deaths: np.ndarray
    # int (n_strata + 1,): sorted positions where each stratum begins
    row_bounds: np.ndarray

    @property
    def n_cells(self) -> int:
        """Number of distinct event times, counted by stratum."""
        return len(self.deaths)

    @cached_property
    def late(self) -> bool:
        """Whether some row enters after the first cell of its stratum."""
        if len(self.row_bounds) == 2:
            return bool(self.ranges.lo.any())
        first = np.repeat(self.ranges.bounds[:-1], np.diff(self.row_bounds))
        return not np.array_equal(self.ranges.lo, first)

    @cached_property
    def cell_of_event(self) -> np.ndarray:
        """The cell of each event row, ascending, shape (n_events,)."""
        return self.ranges.hi[self.own] - 1

    @cached_property
    def by_death(self) -> Bins:
        """Sums over the event rows of each cell."""
        return Bins(self.cell_of_event, self.n_cells)

    @cached_property
    def dying(self) -> Bins:
        """The same sums, from values of all rows."""
        return Bins(self.cell_of_event, self.n_cells, self.own, len(self.order))

    @cached_property
    def end(self) -> np.ndarray:
        """The last cell of each row, int (n,): n_cells more if it dies there, 2 n_cells of none."""
        end = np.where(self.ranges.lo < self.ranges.hi, self.ranges.hi - 1, 2 * self.n_cells)
        end[self.own] += self.n_cells
        return end

    @cached_property
    def first_death(self) -> np.ndarray:
        """The position in ``own`` of the first death of each cell, shape (n_cells,)."""
        if len(self.own) == self.n_cells:  # the same numbers are kept once
            return self.cell_of_event
        return np.cumsum(self.deaths) - self.deaths

    @cached_property
    def event(self) -> np.ndarray:
        """Whether each row is an event, shape (n,)."""
        event = np.zeros(len(self.order), dtype=bool)
        event[self.own] = True
        return event

    @cached_property
    def tied(self) -> np.ndarray:
        """Cells with more than one event."""
        return np.flatnonzero(self.deaths > 1)

    def take(self, rows: np.ndarray) -> "RiskSets":
        """The risk sets of some rows, as if the others had never been there.

        `rows` (k,): ascending positions; in `order` they keep the user's numbers.
        """
        event = self.event[rows]
        cells, deaths = np.unique(self.ranges.hi[rows][event] - 1, return_counts=True)
        ranges = self.ranges.take(rows).restricted(cells)
        # A stratum of which nobody is left has no cell either.
        row_bounds = np.searchsorted(rows, self.row_bounds)
        kept = np.append(np.diff(row_bounds) > 0, True)
        ranges = Ranges(ranges.lo, ranges.hi, ranges.bounds[kept])
        return RiskSets(
            order=self.order[rows],
            ranges=ranges,
            exposed=Ranges(ranges.lo, ranges.hi - event, ranges.bounds),
            own=np.flatnonzero(event),
            stratum=self.stratum[rows],
            cell_time=self.cell_time[cells],
            cell_stratum=self.cell_stratum[cells],
            deaths=deaths,
            row_bounds=row_bounds[kept],
        )


def risk_sets(data: SurvivalInput) -> RiskSets:
    """Sort the rows and find the range of event times of each."""
    order = _sorted_rows(data)
    time, event, stratum = data.time[order], data.event[order], in_order(data.strata, order)

    n = len(order)
    new_stratum = np.diff(stratum, prepend=-1) != 0
    new_instant = new_stratum | (np.diff(time, prepend=-np.inf) != 0)
    instant = np.cumsum(new_instant) - 1
    own = np.flatnonzero(event)
    has_event = np.zeros(instant[-1] + 1, dtype=bool)
    has_event[instant[own]] = True
    cell_count = np.cumsum(has_event)
    hi = cell_count[instant]

    first_row = np.flatnonzero(new_stratum)
    row_bounds = np.append(first_row, n)
    before = np.append(0, hi)[first_row]
    bounds = np.append(before, hi[-1])
    first_of_cell = np.flatnonzero(new_instant)[has_event]
    cell_time, cell_stratum = time[first_of_cell], in_order(stratum, first_of_cell)
    entry = in_order(data.entry, order)
    late = np.flatnonzero(entry > -np.inf)
    if len(first_row) == 1 and not len(late):
        lo = np.broadcast_to(before[0], n)
    else:
        lo = np.repeat(before, np.diff(row_bounds))
    if len(late):
        begin = np.searchsorted(late, row_bounds), bounds
        of_late = in_order(stratum, late)
        lo[late] = _cells_up_to(entry.take(late), of_late, cell_time, cell_stratum, begin)
    return RiskSets(
        order=order,
        ranges=Ranges(lo, hi, bounds),
        exposed=Ranges(lo, hi - event, bounds),
        own=own,
        stratum=stratum,
        cell_time=cell_time,
        cell_stratum=cell_stratum,
        deaths=np.bincount(hi[own] - 1, minlength=hi[-1]),
        row_bounds=row_bounds,
    )


def _sorted_rows(data: SurvivalInput) -> np.ndarray:
    """Rows by stratum and time, events first among equal times, then as the user has them.

    With the events first, the intervals of exposure end in ascending order. An unstable sort is
    several times faster and suffices without ties. With ties the rows are sorted again, by whole
    numbers that stand for time, event and position together.
    """
    n = len(data.time)
    order = np.argsort(data.time)
    time = data.time[order]
    new_time = time[1:] != time[:-1]
    in_tie = np.zeros(n, dtype=bool)
    in_tie[1:] = ~new_time
    in_tie[:-1] |= ~new_time
    if len(tied := np.flatnonzero(in_tie)):
        rows = order[tied]
        key = 2 * np.append(0, np.cumsum(new_time))[tied] + ~data.event[rows]
        order[tied] = np.sort(key * n + rows) % n
    return order[sorted_order(data.strata[order])] if data.strata.any() else order


def gathered(
    X: np.ndarray, order: np.ndarray, row_bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of X in this order less the means of their strata: digits change, not results.

    `row_bounds` int (n_strata + 1,). Returns the rows, (n, p), and the means, (n_strata, p).
    """
    out, sizes = np.empty(X.shape), np.diff(row_bounds)
    if len(sizes) == 1:
        # a product sums columns several times as fast as a mean, and a column of ones as exactly
        means = np.ones((1, len(X))) @ X / len(X)
        for rows in in_cache(*X.shape):
            np.subtract(X.take(order[rows], axis=0), means, out=out[rows])
        return out, means
    means = np.empty((len(sizes), X.shape[1]))
    for some in slices_of(sizes, CACHE // max(1, X.shape[1])):
        first = row_bounds[some]
        part = slice(first[0], row_bounds[some.stop])
        members = X.take(order[part], axis=0, out=out[part], mode="clip")
        means[some] = np.add.reduceat(members, first - first[0], axis=0) / sizes[some, None]
        # one stratum, which may be large, is not repeated
        members -= means[some] if len(first) == 1 else means[some].repeat(sizes[some], axis=0)
    return out, means


def in_order(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Values of some rows, (n,) to (k,); one number that stands for all of them as it is."""
    return np.broadcast_to(values[:1], len(order)) if values.strides == (0,) else values.take(order)


def _cells_up_to(
    entry: np.ndarray,
    stratum: np.ndarray,
    cell_time: np.ndarray,
    cell_stratum: np.ndarray,
    begin: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Position after the last cell of the same or an earlier stratum with time <= entry.

    `begin`: where the entries, and the cells, of each stratum begin, with the end.
    """
    if (compiled := loops(SEARCHED * len(entry))) is not None:
        return compiled.cells_up_to(entry, cell_time, *begin)
    n_cells = len(cell_time)
    if n_cells and not (cell_stratum[-1] or stratum[-1]):  # one stratum: both are sorted by stratum
        return _up_to(cell_time, entry)
    times, strata = np.append(cell_time, entry), np.append(cell_stratum, stratum)
    is_entry = np.arange(len(times)) >= n_cells
    merged = np.lexsort((is_entry, times, strata))
    cells_so_far = np.cumsum(~is_entry[merged])
    out = np.empty(len(times), dtype=np.intp)
    out[merged] = cells_so_far
    return out[n_cells:]


def _up_to(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of the sorted times are at most each finite value, int (n,)."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = PLACES * len(times) / (times[-1] - times[0])
    if 0 < scale < np.inf:
        there = np.bincount(_places(times, times, scale))
        if there.max() <= MOST:
            return _up_to_on_grid(times, values, scale, there)
    # nearly sorted, so that the search goes through the times in order
    order, out = _nearly_sorted(values), np.empty(len(values), dtype=np.intp)
    out[order] = np.searchsorted(times, values[order], side="right")
    return out


def _places(numbers: np.ndarray, times: np.ndarray, scale: float) -> np.ndarray:
    """The places of numbers on a grid over the times: of a larger one not below, int (k,)."""
    return ((np.clip(numbers, times[0], times[-1]) - times[0]) * scale).astype(np.int32)


def _up_to_on_grid(
    times: np.ndarray, values: np.ndarray, scale: float, there: np.ndarray
) -> np.ndarray:
    """As `_up_to`: times at earlier places, and those of ``there``, int (n_places,), one by one."""
    before, later = np.zeros(len(there), dtype=np.int32), np.append(times, np.inf)
    np.cumsum(there[:-1], out=before[1:])
    out = np.empty(len(values), dtype=np.intp)
    for some in in_cache(len(out), 1):
        part = values[some]
        at = before.take(_places(part, times, scale)).astype(np.intp)
        left = np.flatnonzero(times.take(at) <= part)
        while len(left):
            at[left] += 1
            left = left[later.take(at.take(left)) <= part.take(left)]
        out[some] = at
    return out


def _nearly_sorted(values: np.ndarray) -> np.ndarray:
    """The order of finite numbers, (n,), to six digits, those below 0 last and descending: (n,)."""
    return sorted_order(values.view(np.uint64) >> np.uint64(32))


def time_gaps(data: SurvivalInput, sets: RiskSets) -> TimeGaps:
    """Between the times of rows, and from entries, to the next event time of the stratum."""
    time, entry = data.time.take(sets.order), in_order(data.entry, sets.order)
    own = gaps_of_rows(time, sets.event, np.diff(sets.stratum) == 0)
    late = np.flatnonzero((entry > -np.inf) & (sets.ranges.lo < sets.ranges.hi))
    first = sets.ranges.lo.take(late)
    entries = TimeGaps.between(entry.take(late), sets.cell_time.take(first))
    return TimeGaps.joined([own, entries])
