"""The powers of pieces over blocks of cells.

The same formulas and the same plan as `power_series`: pairs in the blocks where a piece begins and
ends, powers of eps over the whole blocks between. One pass over the blocks in ascending order keeps
the running sums of all powers in registers and cache, which the pieces that end there read at once.
"""

import numpy as np

from vifstats.losses.cox.compiled.kept import add, compiled

__all__ = ["taken"]


@compiled
def _add_pairs(
    out: np.ndarray,
    plain: np.ndarray,
    grown: np.ndarray,
    phi: np.ndarray,
    first: int,
    last: int,
    r: float,
) -> None:
    """eps/(1 - eps) plain + eps/(1 - eps)^2 grown of some terms; not where eps > 1/2."""
    shift = len(out) - grown.shape[1]
    for t in range(first, last):
        if 2 * r <= phi[t]:
            odds = r / (phi[t] - r)
            for j in range(plain.shape[1]):
                out[j] += odds * plain[t, j]
            g = odds * (1 + odds)
            for j in range(grown.shape[1]):
                out[shift + j] += g * grown[t, j]


@compiled
def _add_powers(
    table: np.ndarray,
    plain: np.ndarray,
    grown: np.ndarray,
    phi: np.ndarray,
    first: int,
    last: int,
    K: int,
) -> None:
    """The first K powers of 1/phi of some terms to their tables, (K, width)."""
    shift = table.shape[1] - grown.shape[1]
    for t in range(first, last):
        q = 1.0
        for k in range(K):
            q /= phi[t]
            for j in range(plain.shape[1]):
                table[k, j] += q * plain[t, j]
            for j in range(grown.shape[1]):
                table[k, shift + j] += (k + 1) * q * grown[t, j]


@compiled
def _read(out: np.ndarray, table: np.ndarray, r: float, K: int) -> None:
    """The sum of r^k times the tables of the first K powers."""
    power = 1.0
    for k in range(min(K, len(table))):
        power *= r
        for j in range(len(out)):
            out[j] += power * table[k, j]


@compiled
def _group_tables(tables: np.ndarray, sizes: np.ndarray, group: int) -> None:
    """Running sums both ways within groups, and the sums of groups, level after level.

    `tables` (3, n_nodes, K, width): itself, from the first of its group, to the last of it;
    of the n_nodes those of level 0 come first, `sizes` of each level.
    """
    own, before, after = tables.reshape(3, tables.shape[1], -1)
    start = 0
    for level in range(len(sizes)):
        n = sizes[level]
        for i in range(n):
            before[start + i] = own[start + i]
            if i % group:
                add(before[start + i], before[start + i - 1])
        for i in range(n - 1, -1, -1):
            after[start + i] = own[start + i]
            if i + 1 < n and (i + 1) % group:
                add(after[start + i], after[start + i + 1])
        if level + 1 < len(sizes):
            for i in range(sizes[level + 1]):
                own[start + n + i] = after[start + i * group]
        start += n


@compiled
def _read_range(
    out: np.ndarray,
    tables: np.ndarray,
    sizes: np.ndarray,
    group: int,
    ends: tuple[int, int],
    r: float,
    K: int,
) -> None:
    """As `_read`, of the sum over a range of blocks: no two sums are subtracted."""
    lo, hi = ends
    own, before, after = tables
    start = 0
    for level in range(len(sizes)):
        if lo >= hi:
            return
        if lo // group == (hi - 1) // group or level + 1 == len(sizes):
            for i in range(lo, hi):
                _read(out, own[start + i], r, K)
            return
        _read(out, after[start + lo], r, K)
        _read(out, before[start + hi - 1], r, K)
        lo, hi = lo // group + 1, (hi - 1) // group
        start += sizes[level]


@compiled
def _from_parts(
    out: np.ndarray, columns: tuple, terms: tuple, blocks: tuple, pieces: tuple, i: int
) -> None:
    """What piece i takes from the blocks in which it begins and ends, pair by pair."""
    plain, grown, _ = columns
    phi, of_cell = terms
    first, first_cell, light = blocks[:3]
    lo, hi, begin, end, partial = pieces[:5]
    r = pieces[7][i]
    if light[end[i]]:
        start = of_cell[max(lo[i], first_cell[end[i]])]
        _add_pairs(out, plain, grown, phi, start, of_cell[hi[i]], r)
    if partial[i]:
        _add_pairs(out, plain, grown, phi, of_cell[lo[i]], first[begin[i] + 1], r)


@compiled
def _block_tables(
    tables: np.ndarray, columns: tuple, scaled: np.ndarray, blocks: tuple, some: range
) -> None:
    """The tables of some blocks, of all powers, to `tables` (n, K, width)."""
    first, _, _, alone, _, K = blocks
    for b in some:
        if not alone[b]:
            table = tables[b - some.start]
            _add_powers(table, columns[0], columns[1], scaled, first[b], first[b + 1], K[b])


@compiled
def taken(
    columns: tuple,
    terms: tuple,
    blocks: tuple,
    pieces: tuple,
    sizes: np.ndarray,
    group: int,
    scale: float,
) -> np.ndarray:
    """What pieces take from whole blocks by powers and from parts of blocks pair by pair.

    `columns`: plain and grown, (n_terms, ...) each, of a table of the width given third; `terms`:
    phi (n_terms,), the first term of each cell; `blocks`: first term and first cell of each block,
    whether it is light and alone, the first block of its segment, and its number of powers;
    `pieces`: lo, hi, begin, end, partial, the whole blocks' lo and hi, r, number of powers, and the
    order by end; `sizes`: number of nodes of each level, empty where no range begins late; of each
    `group` of them the next level has one. Returns (n_pieces + 1, width).
    """
    light, segment_start, order = blocks[2], blocks[4], pieces[9]
    end, whole_lo, whole_hi, r, K_piece = pieces[3], pieces[5], pieces[6], pieces[7], pieces[8]
    n_blocks, K_most, width, scaled = len(light), blocks[5].max(), columns[2], terms[0] / scale
    out = np.zeros((len(r) + 1, width))
    late = len(sizes) > 0
    tables = np.zeros((3, sizes.sum(), K_most, width))
    if late:
        _block_tables(tables[0], columns, scaled, blocks, range(n_blocks))
        _group_tables(tables, sizes, group)
    running, table = np.zeros((K_most, width)), np.zeros((1, K_most, width))
    at = 0
    for b in range(n_blocks):
        if segment_start[b] == b:
            running[:] = 0.0
        if late:
            table[0] = tables[0, b]
        else:
            table[:] = 0.0
            _block_tables(table, columns, scaled, blocks, range(b, b + 1))
        if not light[b]:
            running += table[0]
        while at < len(order) and end[order[at]] == b:
            i, at = order[at], at + 1
            _from_parts(out[i], columns, terms, blocks, pieces, i)
            whole = whole_lo[i], whole_hi[i]
            if whole[0] == segment_start[b]:
                _read(out[i], running, r[i] / scale, K_piece[i] * (whole[0] < whole[1]))
            else:
                _read_range(out[i], tables, sizes, group, whole, r[i] / scale, K_piece[i])
        if light[b]:
            running += table[0]
    return out
