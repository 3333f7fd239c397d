"""Pieces by blocks of terms: what pieces take from whole blocks and from parts of them.

A tile is some pieces that begin, or end, in one block of cells, and the terms of that block. The
tiles of one shape are taken together, so that products of small matrices do nearly all the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from vifstats.losses.cox.cell_blocks import CellBlocks
from vifstats.losses.cox.risk_sums import EveryTerm
from vifstats.losses.cox.segment_sums import CACHE

__all__ = [
    "BlockTerms",
    "Odds",
    "Powers",
    "TermColumns",
    "TileTerms",
    "Tiles",
    "Weights",
    "and_none",
    "tiles",
]

# Pieces of a tile.
PIECES = 32
# Pieces put into tiles at once: what says which is where takes ten numbers for each.
AT_ONCE = 1 << 15


@dataclass(frozen=True, eq=False)
class TileTerms:
    """The terms of the blocks of t tiles, shape (t, c): where there is none phi is infinite."""

    at: np.ndarray  # int: position among all terms
    cell: np.ndarray  # int
    phi: np.ndarray


@dataclass(frozen=True, eq=False)
class Weights:
    """The factors of the terms of tiles, shape (t, s, c): sums of powers of eps = r/phi.

    For pieces they are over all powers; for tables there is one power, of r = 1, in each row.
    """

    plain: np.ndarray  # sum of eps^k

    @cached_property
    def grown(self) -> np.ndarray:
        """The sum of k eps^k."""
        return self.plain * (1 + self.plain)

    @cached_property
    def logs(self) -> np.ndarray:
        """The sum of eps^k / k."""
        return np.log1p(self.plain)


@dataclass(frozen=True, eq=False)
class TermColumns:
    """The kernel's columns for each term, made once for all pieces; the last term stands for none.

    The first columns of a table are sums of ``plain`` times eps/(1 - eps), or -log(1 - eps) with
    ``logs``; the last ones of ``grown`` times eps/(1 - eps)^2. A column between may be of both.
    """

    width: int  # of the table
    plain: np.ndarray  # (n_terms + 1, ...)
    grown: np.ndarray | None = None  # (n_terms + 1, ...)
    logs: bool = False

    def sums(self, weights: Weights, terms: TileTerms) -> np.ndarray:
        """Summed over the terms of tiles: from weights (t, s, c) to (t, s, table_width)."""
        plain = (weights.logs if self.logs else weights.plain) @ self.plain.take(terms.at, axis=0)
        if self.grown is None:
            return plain
        out = np.zeros((*plain.shape[:2], self.width))
        last = out[..., -self.grown.shape[1] :]
        np.matmul(weights.grown, self.grown.take(terms.at, axis=0), out=last)
        out[..., : plain.shape[2]] += plain
        return out


class Powers(Weights):
    """The factors of one power of 1/phi in each row: the first, the second, ..."""

    @cached_property
    def _k(self) -> np.ndarray:
        return np.arange(1.0, self.plain.shape[1] + 1)[:, None]

    @cached_property
    def grown(self) -> np.ndarray:
        return self._k * self.plain

    @cached_property
    def logs(self) -> np.ndarray:
        return self.plain / self._k


@dataclass(frozen=True, eq=False)
class BlockTerms:
    """The terms of all blocks, one by one, and one at the end that stands for none."""

    # int (n_blocks + 1,): the first term of each block
    first: np.ndarray
    every: EveryTerm

    def of(self, blocks: np.ndarray, width: int, skipped: np.ndarray | int = 0) -> TileTerms:
        """The terms of some blocks, (t,), with ``width`` places each, without the skipped ones."""
        at = (self.first[blocks] + skipped)[:, None] + np.arange(width)
        at[at >= self.first[blocks + 1][:, None]] = len(self.every.phi) - 1
        return TileTerms(at, self.every.cell.take(at), self.every.phi.take(at))


@dataclass(frozen=True, eq=False)
class Tiles:
    """t tiles of one shape: a block each, and up to s pieces."""

    block: np.ndarray  # int (t,)
    pieces: np.ndarray  # int (t, s): -1 where there is none
    n_terms: int  # places for terms


def tiles(block: np.ndarray, pieces: np.ndarray, blocks: CellBlocks) -> Iterator[Tiles]:
    """Pieces, int (k,), each in a block, int (k,): all tiles, in parts that stay in cache."""
    for start in range(0, len(pieces), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        yield from _tiles(block[some], pieces[some], blocks)


def _tiles(block: np.ndarray, pieces: np.ndarray, blocks: CellBlocks) -> Iterator[Tiles]:
    if np.any(block[1:] < block[:-1]):
        order = np.argsort(block, kind="stable")
        block, pieces = block[order], pieces[order]
    opens = np.flatnonzero(np.diff(block, prepend=-1))
    number = np.arange(len(block)) - np.repeat(opens, np.diff(opens, append=len(block)))
    first = np.flatnonzero(number % PIECES == 0)
    count = np.diff(first, append=len(block))
    of = block[first]
    shapes = np.stack([_power_of_two(count), np.where(blocks.light[of], blocks.n_terms[of], 0)])
    shapes[1] = _power_of_two(shapes[1])
    padded = np.append(pieces, -1)
    for s, c in np.unique(shapes, axis=1).T.tolist():
        same = np.flatnonzero((shapes[0] == s) & (shapes[1] == c))
        size = max(1, CACHE // (s * max(c, 8)))
        for start in range(0, len(same), size):
            at = same[start : start + size]
            place = first[at][:, None] + np.arange(s)
            place[np.arange(s) >= count[at][:, None]] = len(pieces)
            yield Tiles(of[at], padded[place], c)


def _power_of_two(counts: np.ndarray) -> np.ndarray:
    """The smallest power of two that is at least each number; 0 for 0."""
    return np.where(counts > 0, 2 ** np.ceil(np.log2(np.maximum(counts, 1))).astype(int), 0)


def and_none(values: np.ndarray) -> np.ndarray:
    """With a 0 at the end, for no piece."""
    return np.append(values, 0)


class Odds:
    """eps/(1 - eps) of the pieces and terms of tiles, in arrays that are used again.

    `r`, `lo`, `hi` (n_pieces + 1,): mass and range of cells, and last those of no piece.
    """

    def __init__(self, r: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> None:
        self.r, self.lo, self.hi = r, lo, hi
        self._space: dict[type, np.ndarray] = {}

    def of(self, tile: Tiles, terms: TileTerms) -> Weights:
        """Valid until the next call; 0 where eps > 1/2, for those are summed afresh."""
        r, lo, hi = (part.take(tile.pieces)[:, :, None] for part in (self.r, self.lo, self.hi))
        cell, phi = terms.cell[:, None], terms.phi[:, None]
        shape = np.broadcast_shapes(r.shape, phi.shape)
        inside, taken, left = self._room(bool, shape), *self._room(float, (2, *shape))
        np.less(cell, hi, out=inside)
        if np.any(lo > cell[:, :, :1]):  # than the first cell of the block
            inside &= cell >= lo
        if 2 * r.max() > phi.min():
            inside &= 2 * r <= phi
        np.multiply(r, inside, out=taken)
        np.subtract(phi, taken, out=left)
        return Weights(np.divide(taken, left, out=taken))

    def _room(self, kind: type, shape: tuple[int, ...]) -> np.ndarray:
        size = prod(shape)
        if size > len(self._space.get(kind, ())):
            self._space[kind] = np.empty(size, dtype=kind)
        return self._space[kind][:size].reshape(shape)
