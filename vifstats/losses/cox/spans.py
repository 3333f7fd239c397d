"""Sums over ranges of cells that begin anywhere, and their transpose, as a product of two matrices.

A sparse one says of which entries of a table each range is put together. The table has a structure:
cells stand in groups of 2^GROUP_BITS, and a range is the end of one group, whole groups, and the
start of another, each one or two running sums. Nothing is ever subtracted: differences of running
sums would leave a short range the rounding of all cells before it.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.sparse import csr_array

from vifstats.losses.cox.segment_sums import expanded, in_cache

__all__ = ["Spans", "gathered", "spans", "summed"]

# Groups of 32: a range within one is so many numbers at most, and of groups a table has several
# levels.
GROUP_BITS = 5
# Entries of a range: to the end of a group, from the start of another, and two of those between.
ENTRIES = 4
# What says which entries ranges read takes more room than what they read: some ranges at a time.
AT_ONCE = 1 << 17


@dataclass(frozen=True, eq=False)
class Spans:
    """Ranges lo .. hi - 1 of cells, empty where lo >= hi.

    Ranges within one group are sums of its cells one by one. Of whole groups, two numbers
    first < last have the same leading bits, then 0 and 1: between them is one multiple of the power
    of two of that bit. A sum from the first up to it and one from it to the last are entries of
    running sums that go both ways from all such middles (a disjoint sparse table).
    """

    # int (n, ENTRIES) of the table: sums to the end of a group of cells and from its start, levels
    # of the groups, and its last one, 0, for what a range does not need
    entries: np.ndarray
    # int (m,): the ranges within one group; int (m,), (m,): where they begin, and how many cells
    near: np.ndarray
    first: np.ndarray
    sizes: np.ndarray
    n_cells: int

    @property
    def _cells(self) -> csr_array:
        return _one_by_one(self.first, self.sizes, self.n_cells)

    def scatter(self, rows: np.ndarray, by: np.ndarray | None = None) -> np.ndarray:
        """Sum of the rows whose range covers each cell: (n, q) to (n_cells, q).

        `by` (n,): what rows are taken times.
        """
        n, by = len(rows), np.ones(len(rows)) if by is None else by
        ends = np.arange(0, ENTRIES * n + 1, ENTRIES, dtype=self.entries.dtype)
        data = by.repeat(ENTRIES), self.entries.ravel(), ends
        out = _covered(csr_array(data, (n, _n_entries(self.n_cells))).T @ rows, self.n_cells)
        if len(self.near):
            out += self._cells.T @ (rows[self.near] * by[self.near, None])
        return out

    def gather(self, cells: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
        """Sum of the cells in each range, (n_cells, q) to (n, q); `table`: of these cells."""
        table = _table(cells) if table is None else table
        out = np.empty((len(self.entries), table.shape[1]))
        for some in in_cache(*out.shape):
            first, *more = self.entries[some].T
            part = table.take(first, axis=0, out=out[some], mode="clip")
            for entry in more:
                part += table.take(entry, axis=0)
        if len(self.near):
            out[self.near] = self._cells @ cells
        return out


def gathered(lo: np.ndarray, hi: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Sum of the cells in each range lo .. hi - 1, int (n,): (n_cells, ...) to (n, ...)."""
    flat = cells.reshape(len(cells), prod(cells.shape[1:]))
    table, out = _table(flat), np.empty((len(lo), flat.shape[1]))
    for start in range(0, len(lo), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        out[some] = spans(lo[some], hi[some], len(cells)).gather(flat, table)
    return out.reshape(len(lo), *cells.shape[1:])


def summed(lo: np.ndarray, hi: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """As `gathered`, of a few ranges that are not empty: (n_cells, q) to (n, q)."""
    sizes = hi - lo
    if sizes.sum() > ENTRIES * len(cells):
        return spans(lo, hi, len(cells)).gather(cells)
    return _one_by_one(lo, sizes, len(cells)) @ cells


def _one_by_one(first: np.ndarray, sizes: np.ndarray, n_cells: int) -> csr_array:
    """The cells of ranges, (n, n_cells) of 1s."""
    item, offset = expanded(sizes)
    entries = np.ones(len(item)), first[item] + offset, np.append(0, np.cumsum(sizes))
    return csr_array(entries, (len(sizes), n_cells))


def spans(lo: np.ndarray, hi: np.ndarray, n_cells: int) -> Spans:
    """Ranges lo .. hi - 1, both int (n,), of ``n_cells`` cells."""
    n, n_entries = len(lo), _n_entries(n_cells)
    # half the room, if it can
    number = np.int32 if max(ENTRIES * n, n_entries) < 2**31 else np.int64
    entries, within = np.empty((n, ENTRIES), dtype=number), np.empty(n, dtype=bool)
    for some in in_cache(n, 1):
        within[some] = _put_entries(entries[some], lo[some], hi[some], n_cells)
    near = np.flatnonzero(within)
    begin = lo.take(near)
    return Spans(entries, near, begin, hi.take(near) - begin, n_cells)


def _put_entries(entries: np.ndarray, lo: np.ndarray, hi: np.ndarray, n_cells: int) -> np.ndarray:
    """What ranges read, into ``entries``, and which are within one group: (n, ENTRIES) to (n,)."""
    last, n_groups, none = hi - 1, _n_groups(n_cells), _n_entries(n_cells) - 1
    size, first, final = n_groups << GROUP_BITS, (lo >> GROUP_BITS) + 1, (last >> GROUP_BITS) - 1
    entries[:, 0], entries[:, 1] = lo, size + last
    level = 2 * size + n_groups * np.frexp(first ^ final)[1]  # 0 where it is one group
    entries[:, 2] = np.where(first <= final, level + first, none)
    entries[:, 3] = np.where(first < final, level + final, none)
    within = first > final + 1
    entries[within] = none
    return within & (lo < hi)


def _table(cells: np.ndarray) -> np.ndarray:
    """What ranges are put together from: shape (n_cells, q) to (n_entries, q)."""
    n_groups, q = _n_groups(len(cells)), cells.shape[1]
    table = np.zeros((_n_entries(len(cells)), q))
    to_end, from_start, levels = _kinds(table, len(cells))
    to_end.reshape(n_groups << GROUP_BITS, q)[: len(cells)] = cells
    from_start[:] = to_end
    _run(to_end[:, ::-1])
    _run(from_start)
    levels[0] = to_end[:, 0]
    ahead, behind = _padded(levels)
    for level in range(1, len(levels)):
        a, b = _halves(ahead, level), _halves(behind, level)
        # those of the left halves up to the middle, those of the right halves from there
        sums = np.stack([a[:, 0], b[:, 1]], axis=1).reshape(ahead.shape)
        levels[level] = sums[:n_groups]
        a[:, 0] += a[:, 1, :1]
        b[:, 1] += b[:, 0, -1:]
    return table


def _covered(table: np.ndarray, n_cells: int) -> np.ndarray:
    """The transpose of `_table`, from its end: (n_entries, q) to (n_cells, q)."""
    to_end, from_start, levels = _kinds(table, n_cells)
    ahead, behind = _padded(np.zeros_like(levels))
    for level in reversed(range(1, len(levels))):
        a, b = _halves(ahead, level), _halves(behind, level)
        sums = np.zeros(ahead.shape)
        sums[: levels.shape[1]] = levels[level]
        s = _halves(sums, level)
        a[:, 1, 0] += a[:, 0].sum(axis=1)
        b[:, 0, -1] += b[:, 1].sum(axis=1)
        a[:, 0] += s[:, 0]
        b[:, 1] += s[:, 1]
    to_end[:, 0] += (ahead + behind)[: levels.shape[1]] + levels[0]
    # running sums as products with ones, which are faster
    up_to = np.tri(1 << GROUP_BITS)
    out = up_to @ to_end
    for groups in in_cache(len(out), out[0].size):
        out[groups] += up_to.T @ from_start[groups]
    return out.reshape(len(out) << GROUP_BITS, table.shape[1])[:n_cells]


def _run(cells: np.ndarray) -> None:
    """Make of the cells of groups, (k, size, q), running sums."""
    for i in range(1, cells.shape[1]):
        cells[:, i] += cells[:, i - 1]


def _kinds(table: np.ndarray, n_cells: int) -> tuple[np.ndarray, ...]:
    """To the end and from the start, (n_groups, size, q), and levels of groups."""
    n_groups, q = _n_groups(n_cells), table.shape[1]
    size = 1 << GROUP_BITS
    in_groups = table[: 2 * size * n_groups].reshape(2, n_groups, size, q)
    return *in_groups, table[2 * size * n_groups : -1].reshape(_n_levels(n_groups), n_groups, q)


def _n_entries(n_cells: int) -> int:
    n_groups = _n_groups(n_cells)
    return n_groups * ((2 << GROUP_BITS) + _n_levels(n_groups)) + 1


def _n_groups(n_cells: int) -> int:
    return -(-n_cells >> GROUP_BITS)


def _n_levels(n_groups: int) -> int:
    return 1 + int(np.frexp(max(n_groups - 1, 0))[1])


def _padded(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first level twice, with 0s up to a power of two."""
    out = np.zeros((2, 1 << len(levels) - 1, levels.shape[2]))
    out[:, : levels.shape[1]] = levels[0]
    return out[0], out[1]


def _halves(groups: np.ndarray, level: int) -> np.ndarray:
    """Aligned blocks of 2^level groups as two halves, a view: (n_blocks, 2, half, q)."""
    half = 1 << level - 1
    return groups.reshape(len(groups) // (2 * half), 2, half, groups.shape[1])
