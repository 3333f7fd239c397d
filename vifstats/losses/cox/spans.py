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

from vifstats.losses.cox.segment_sums import in_cache

__all__ = ["Spans", "gathered", "span_entries", "spans"]

# Groups of 32: a range within one is so many numbers at most, and of groups a table has several
# levels.
GROUP_BITS = 5


@dataclass(frozen=True, eq=False)
class Spans:
    """Ranges lo .. hi - 1 of cells, empty where lo >= hi.

    Ranges within one group are sums of its cells one by one. Of whole groups, two numbers
    first < last have the same leading bits, then 0 and 1: between them is one multiple of the power
    of two of that bit. A sum from the first up to it and one from it to the last are entries of
    running sums that go both ways from all such middles (a disjoint sparse table).
    """

    # (n, n_entries) of 1s: cells, sums from them to the end of their group, and from its start, and
    # the levels of the groups
    parts: csr_array
    n_cells: int

    def scaled(self, by: np.ndarray) -> "Spans":
        """The same, with what rows have taken times a number for each, (n,)."""
        parts = self.parts
        data = np.repeat(by, np.diff(parts.indptr))
        return Spans(csr_array((data, parts.indices, parts.indptr), parts.shape), self.n_cells)

    def scatter(self, rows: np.ndarray) -> np.ndarray:
        """Sum of the rows whose range covers each cell: shape (n, ...) to (n_cells, ...)."""
        flat = self.parts.T @ rows.reshape(len(rows), prod(rows.shape[1:]))
        return self._covered(flat).reshape(self.n_cells, *rows.shape[1:])

    def _covered(self, table: np.ndarray) -> np.ndarray:
        """The transpose of `span_entries`, from its end: (n_entries, q) to (n_cells, q)."""
        own, to_end, from_start, levels = _kinds(table, self.n_cells)
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
        out = np.empty(own.shape)  # not a part of the table, which would be kept with it
        for groups in in_cache(len(out), out[0].size // 8):
            _run(to_end[groups])
            _run(from_start[groups, ::-1])
            np.add(own[groups], to_end[groups], out=out[groups])
            out[groups] += from_start[groups]
        return out.reshape(len(out) << GROUP_BITS, table.shape[1])[: self.n_cells]


def gathered(lo: np.ndarray, hi: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Sum of the cells in each range lo .. hi - 1, int (n,): (n_cells, ...) to (n, ...)."""
    flat = cells.reshape(len(cells), prod(cells.shape[1:]))
    table, out = span_entries(flat), np.empty((len(lo), flat.shape[1]))
    # what says which entries a range is put together from takes more room than the sums
    for some in in_cache(len(lo), 1):
        out[some] = spans(lo[some], hi[some], len(cells)).parts @ table
    return out.reshape(len(lo), *cells.shape[1:])


def spans(lo: np.ndarray, hi: np.ndarray, n_cells: int) -> Spans:
    """Ranges lo .. hi - 1, both int (n,), of ``n_cells`` cells."""
    last, n_groups = hi - 1, _n_groups(n_cells)
    begin, end = lo >> GROUP_BITS, last >> GROUP_BITS
    between, far = begin + 1 < end, begin < end
    level = np.frexp((begin + 1) ^ (end - 1))[1]  # 0 where it is one group
    counts = np.where(far, 2 + between + (between & (level > 0)), np.maximum(hi - lo, 0))
    ends = np.append(0, np.cumsum(counts))
    first, size = ends[:-1], n_groups << GROUP_BITS
    shape = (len(lo), 3 * size + _n_levels(n_groups) * n_groups)
    number = np.int32 if max(ends[-1], shape[1]) < 2**31 else np.int64  # half the room, if it can
    # of ranges within a group, from lo on; the others are written over
    entries = np.arange(ends[-1], dtype=number)
    entries += np.repeat((lo - first).astype(number), counts)
    entries[first[far]], entries[first[far] + 1] = size + lo[far], 2 * size + last[far]
    at = 3 * size + level * n_groups
    entries[first[between] + 2] = (at + begin + 1)[between]
    split = between & (level > 0)
    entries[first[split] + 3] = (at + end - 1)[split]
    return Spans(csr_array((np.ones(len(entries)), entries, ends.astype(number)), shape), n_cells)


def span_entries(cells: np.ndarray) -> np.ndarray:
    """What ranges are put together from: shape (n_cells, q) to (n_entries, q)."""
    n_groups, q = _n_groups(len(cells)), cells.shape[1]
    table = np.zeros(((3 << GROUP_BITS) * n_groups + _n_levels(n_groups) * n_groups, q))
    own, to_end, from_start, levels = _kinds(table, len(cells))
    own.reshape(n_groups << GROUP_BITS, q)[: len(cells)] = cells
    to_end[:] = from_start[:] = own
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


def _run(cells: np.ndarray) -> None:
    """Make of the cells of groups, (k, size, q), running sums."""
    for i in range(1, cells.shape[1]):
        cells[:, i] += cells[:, i - 1]


def _kinds(table: np.ndarray, n_cells: int) -> tuple[np.ndarray, ...]:
    """Own cells, to the end and from the start, (n_groups, size, q), and levels of groups."""
    n_groups, q = _n_groups(n_cells), table.shape[1]
    size = 1 << GROUP_BITS
    in_groups = table[: 3 * size * n_groups].reshape(3, n_groups, size, q)
    return *in_groups, table[3 * size * n_groups :].reshape(_n_levels(n_groups), n_groups, q)


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
