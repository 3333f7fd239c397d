"""Pieces by blocks of terms: what pieces take from whole blocks and from parts of them.

A tile is some pieces that begin, or end, in one block of cells, and the terms of that block. Tiles
that follow each other are taken together, padded to one shape, so that products of small matrices
do nearly all the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Protocol

import numpy as np

from vifstats.losses.cox.risk_sums import EveryTerm
from vifstats.losses.cox.segment_sums import CACHE, expanded, slices_of, sorted_order

__all__ = [
    "BlockTerms",
    "Columns",
    "Odds",
    "Powers",
    "Space",
    "Taken",
    "TermColumns",
    "TileTerms",
    "Tiles",
    "Weights",
    "powers",
    "tiles",
]

# Pieces of a tile.
PIECES = 32
# Of a block of more terms than this, tiles take no term after the last one that a piece of theirs
# reads.
MANY = 32
# Some pieces, by position, and what they take: (m, table_width)
Taken = tuple[slice | np.ndarray, np.ndarray]


class Space:
    """Room for arrays that are used again: new memory costs as much as what is written to it."""

    def __init__(self) -> None:
        self._rooms: dict[str, np.ndarray] = {}

    def room(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array with anything in it, valid until the next of this name."""
        size = prod(shape)
        if size > len(self._rooms.get(name, ())):
            self._rooms[name] = np.empty(size)
        return self._rooms[name][:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class TileTerms:
    """The terms of the blocks of t tiles, shape (t, c); the last one again where there is none."""

    at: np.ndarray  # int: position among all terms
    phi: np.ndarray  # inf where there is none: nothing is taken from it
    first: np.ndarray  # int (t, 1): position of the first


@dataclass(frozen=True, eq=False)
class Weights:
    """The factors of the terms of tiles, shape (t, s, c): sums of all powers of eps = r/phi."""

    # (t, s, 1), (t, s, c): r, and 1/(phi - r) or 0
    r: np.ndarray
    inverse: np.ndarray
    space: "Space"

    @cached_property
    def plain(self) -> np.ndarray:
        """The sum of eps^k, which is r/(phi - r)."""
        return self.r * self.inverse

    @cached_property
    def grown(self) -> np.ndarray:
        """The sum of k eps^k."""
        return self.plain * (1 + self.plain)

    @cached_property
    def logs(self) -> np.ndarray:
        """The sum of eps^k / k."""
        return np.log1p(self.plain)

    def plain_sums(self, columns: np.ndarray) -> np.ndarray:
        """The sum of ``plain`` times columns (t, c, w), shape (t, s, w)."""
        sums = self.space.room("sums", (*self.inverse.shape[:2], columns.shape[2]))
        np.matmul(self.inverse, columns, out=sums)
        sums *= self.r
        return sums


class Columns(Protocol):
    """The kernel's columns for each term."""

    @property
    def width(self) -> int:
        """Number of columns of a table."""

    def sums(self, weights: "Weights | Powers", terms: TileTerms) -> np.ndarray:
        """Summed over the terms of tiles: from weights (t, s, c) to (t, s, table_width)."""


@dataclass(frozen=True, eq=False)
class TermColumns:
    """The kernel's columns for each term, made once for all pieces.

    The first columns of a table are sums of ``plain`` times eps/(1 - eps), or -log(1 - eps) with
    ``logs``; the last ones of ``grown`` times eps/(1 - eps)^2. A column between may be of both.
    """

    width: int  # of the table
    plain: np.ndarray  # (n_terms, ...)
    grown: np.ndarray | None = None  # (n_terms, ...)
    logs: bool = False

    def sums(self, weights: "Weights | Powers", terms: TileTerms) -> np.ndarray:
        """As of `Columns`."""
        columns = self.plain.take(terms.at, axis=0)
        plain = weights.logs @ columns if self.logs else weights.plain_sums(columns)
        if self.grown is None:
            return plain
        out = np.zeros((*plain.shape[:2], self.width))
        last = out[..., -self.grown.shape[1] :]
        np.matmul(weights.grown, self.grown.take(terms.at, axis=0), out=last)
        out[..., : plain.shape[2]] += plain
        return out


@dataclass(frozen=True, eq=False)
class Powers:
    """The factors of one power of 1/phi in each row, shape (t, K, c): the first, the second, ..."""

    plain: np.ndarray

    @property
    def _k(self) -> np.ndarray:
        return np.arange(1.0, self.plain.shape[1] + 1)[:, None]

    @property
    def grown(self) -> np.ndarray:
        """Times k."""
        return self._k * self.plain

    @property
    def logs(self) -> np.ndarray:
        """Divided by k."""
        return self.plain / self._k

    def plain_sums(self, columns: np.ndarray) -> np.ndarray:
        """As of `Weights`."""
        return self.plain @ columns


def powers(base: np.ndarray, K: int) -> np.ndarray:
    """The first K powers: (t, c) to (K, t, c)."""
    out = np.empty((K, *base.shape))
    out[:1] = base
    for k in range(1, K):
        np.multiply(out[k - 1], base, out=out[k])
    return out


@dataclass(frozen=True, eq=False)
class BlockTerms:
    """The terms of all blocks, one by one."""

    # int (n_blocks + 1,), (n_cells + 1,): the first term of each, and the number of terms
    first: np.ndarray
    of_cell: np.ndarray
    every: EveryTerm

    def of(self, first: np.ndarray, count: np.ndarray) -> TileTerms:
        """Some runs of terms, int (t, 1): the first of each, and how many."""
        number = np.arange(int(count.max()))
        at = first + np.minimum(number, np.maximum(count - 1, 0))
        phi = self.every.phi.take(at)
        phi[number >= count] = np.inf
        return TileTerms(at, phi, first)


@dataclass(frozen=True, eq=False)
class Tiles:
    """t tiles of one shape: a block each, and up to s pieces."""

    block: np.ndarray  # int (t,)
    pieces: np.ndarray  # int (t, s): the last one again where there is none
    # int (m,), or a slice: the pieces of all tiles
    rows: np.ndarray | slice
    filled: np.ndarray  # int (m,): where those are among the t s places
    n_terms: np.ndarray  # int (t,): of the block, or 0 where pairs are not taken one by one

    def untiled(self, values: np.ndarray) -> np.ndarray:
        """The values of the pieces, shape (t, s, w) to (m, w)."""
        return values.reshape(-1, values.shape[2]).take(self.filled, axis=0)


def tiles(
    block: np.ndarray, pieces: np.ndarray, n_terms: np.ndarray, taken: np.ndarray | None = None
) -> Iterator[Tiles]:
    """Pieces, int (k,), each in a block, int (k,): all tiles, in parts that stay in cache.

    `n_terms` int (n_blocks,): those of each block that pieces take one by one; `taken` int (k,): up
    to which of them each piece does, all of them if None. Tiles of blocks of many terms then come
    in the order of their sizes.
    """
    if np.any(block[1:] < block[:-1]):
        order = sorted_order(block)
        block, pieces = block.take(order), pieces.take(order)
        taken = None if taken is None else taken.take(order)
    of, size, first, stop, width = _cut(block, n_terms, taken)
    in_order = len(pieces) > 0 and bool((np.diff(pieces) == 1).all())
    for part in slices_of(size * np.maximum(width, 8), 2 * CACHE):
        s, begin, end = int(size[part].max()), first[part], stop[part]
        place = begin[:, None] + np.arange(s)
        filled = np.flatnonzero(place < end[:, None])
        np.minimum(place, end[:, None] - 1, out=place)
        if in_order:
            place += pieces[0]
        else:
            place = pieces.take(place)
        at = place.ravel().take(filled)
        together = in_order and bool((begin[1:] == end[:-1]).all())
        rows = slice(at[0], at[-1] + 1) if together else at
        yield Tiles(of[part], place, rows, filled, width[part])


def _cut(
    block: np.ndarray, n_terms: np.ndarray, taken: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pieces of each block, one after the other, in tiles of about the same size.

    Returns the block, number of pieces, first piece, the one after the last, and number of terms of
    each tile, int (n_tiles,).
    """
    lowest = block[:1].sum()  # 0 of no blocks
    counts = np.bincount(block - lowest)
    n_tiles = -(-counts // PIECES)
    of, number = expanded(n_tiles)
    size = (-(-counts // np.maximum(n_tiles, 1)))[of]
    ends = np.cumsum(counts)
    first = (ends - counts)[of] + number * size
    stop = np.minimum(first + size, ends[of])
    of += lowest
    width = n_terms[of]
    if taken is not None and width.max(initial=0) > MANY:
        np.minimum(width, np.maximum.reduceat(taken, first), out=width)
        order = sorted_order(size * (width.max() + 1) + width)
        return of[order], size[order], first[order], stop[order], width[order]
    return of, size, first, stop, width


@lru_cache
def _first_ones(c: int) -> np.ndarray:
    """k ones and then zeros in row k = 0 .. c, shape (c + 1, c)."""
    return np.tri(c + 1, c, -1)


@lru_cache
def _last_ones(c: int) -> np.ndarray:
    """k zeros and then ones in row k = 0 .. c, shape (c + 1, c)."""
    return 1 - _first_ones(c)


@dataclass(frozen=True, eq=False)
class Odds:
    """eps/(1 - eps) of pieces and the terms of their tiles, in arrays that are used again."""

    r: np.ndarray  # (n_pieces,)
    # int (n_pieces,): the first term in the range of each, and the first one after it; None if it
    # is before, or after, every tile
    begin: np.ndarray | None
    after: np.ndarray | None
    space: Space

    def of(self, tile: Tiles, terms: TileTerms) -> Weights:
        """Valid until the next call; 0 where eps > 1/2, for those are summed afresh."""
        r, phi = self.r.take(tile.pieces)[:, :, None], terms.phi[:, None]
        shape = (*tile.pieces.shape, phi.shape[2])
        inverse, left = self.space.room("inverse", shape), self.space.room("left", shape)
        self._mark(tile, terms.first, inverse)
        _subtract(phi, r, left)
        if 2 * r.max() > phi.min():
            np.copyto(left, np.inf, where=2 * r > phi)
        return Weights(r, np.divide(inverse, left, out=inverse), self.space)

    def _mark(self, tile: Tiles, first: np.ndarray, out: np.ndarray) -> None:
        """1 where a term is in the range of a piece, and 0 elsewhere: (t, s, c)."""
        c = out.shape[2]
        if self.after is not None:
            after = self.after.take(tile.pieces) - first
            _first_ones(c).take(after, axis=0, out=out, mode="clip")
        if self.begin is None:
            return
        begin = self.begin.take(tile.pieces) - first
        if self.after is None:
            _last_ones(c).take(begin, axis=0, out=out, mode="clip")
        elif len(inside := np.flatnonzero(begin > 0)):  # few begin in the block in which they end
            out.reshape(-1, c)[inside] *= _last_ones(c).take(begin.ravel()[inside], axis=0)


def _subtract(phi: np.ndarray, r: np.ndarray, out: np.ndarray) -> None:
    """phi - r of all pairs, (t, 1, c), (t, s, 1) to (t, s, c), as products with 1.

    They are as exact, and of rows this short several times as fast as a difference.
    """
    left, right = np.ones((*r.shape[:2], 2)), np.ones((len(phi), 2, phi.shape[2]))
    np.negative(r, out=left[..., 1:])
    right[:, :1] = phi
    np.matmul(left, right, out=out)
