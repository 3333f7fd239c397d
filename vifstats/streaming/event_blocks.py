"""Chunks as blocks of event times, each of which knows what the rest of its stratum weighs.

A block is either a run of strata that lie within one chunk, and need nothing else, or a part of a
stratum that goes on over several chunks. Those are cut between distinct times, so that the rows
after a block do not die in it: to the block they are a crowd, of which mass and moments suffice,
and at most a hundred visitors that are too heavy for the power sums of the block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.cox.plans import MAX_POWER, power_limits, powers_needed
from vifstats.streaming.first_pass import ChunkSurvey, Stretch
from vifstats.streaming.tail_moments import HeavyRows, Load, Mass

__all__ = ["Block", "Link", "Part", "blocks_of", "require_order", "varying_columns"]


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a chunk."""

    chunk: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Link:
    """What a block must know of its stratum besides its own rows."""

    # Number of the stratum among those that go over several chunks
    span: int
    # (p,): from where its covariates are measured: their mean
    origin: np.ndarray
    # Later rows to be treated one by one
    visitors: HeavyRows
    # All other later rows
    crowd: Mass | None
    # How many powers of r/phi the crowd needs
    n_powers: int


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that are treated together, in order."""

    # More than one where a tie goes on in the next chunks
    parts: tuple[Part, ...]
    # None for strata that lie within the block
    link: Link | None = None

    @property
    def chunk(self) -> int:
        """The chunk in which it begins."""
        return self.parts[0].chunk

    def positions(self, places: np.ndarray) -> np.ndarray:
        """Where in the block some rows are, by chunk and row: -1 if they are not in it."""
        out, before = np.full(len(places), -1), 0
        for part in self.parts:
            chunk, row = places.T
            inside = (chunk == part.chunk) & (row >= part.start) & (row < part.stop)
            out[inside] = before + row[inside] - part.start
            before += part.stop - part.start
        return out


def require_order(surveys: Sequence[ChunkSurvey], time: str) -> None:
    """Strata ascend from chunk to chunk, and within a stratum times do."""
    edges = [survey.stretches for survey in surveys if survey.stretches]
    for before, after in zip(edges[:-1], edges[1:], strict=True):
        last, first = before[-1], after[0]
        if _after(first.key, last.key, first.chunk) or (
            first.key == last.key and first.first_time >= last.last_time
        ):
            continue
        found = f"is at {first.first_time:g} after {last.last_time:g}"
        if first.key != last.key:
            found = f"is in stratum {first.key} after {last.key}"
        raise InvalidInputError(
            f"In chunk {first.chunk}: rows must be sorted by strata, then by {time!r}, ascending, "
            f"but row 0 {found} in row {last.stop - 1} of chunk {last.chunk}; give the chunks in "
            "order."
        )


def _after(key: tuple, before: tuple, chunk: int) -> bool:
    try:
        return key > before
    except TypeError as error:
        raise InvalidTypeError(
            f"In chunk {chunk}: strata must be of one type in all chunks, but are {key} after "
            f"{before} ({error}); code them alike."
        ) from error


def varying_columns(surveys: Sequence[ChunkSurvey]) -> np.ndarray:
    """Which columns change within a stratum, in a chunk or from one to the next; shape (p,)."""
    varies = np.any([survey.varies for survey in surveys], axis=0)
    for span in _spans(surveys):
        first_rows = np.stack([stretch.first_x for stretch in span])
        varies |= np.ptp(first_rows, axis=0) > 0
    return varies


def blocks_of(
    surveys: Sequence[ChunkSurvey], theta: np.ndarray, visiting: bool
) -> list[list[Block]]:
    """The blocks that begin in each chunk, in the order of their rows.

    `surveys`: in order; `theta` (p,); `visiting`: whether heavy rows are to be treated one by one;
    the classical influence function needs the first power alone, which is exact.
    """
    blocks: list[list[Block]] = [[] for _ in surveys]
    # What no linked stratum takes from the two ends of a chunk is its strata that lie within it.
    inside = [Part(chunk, 0, survey.n_rows) for chunk, survey in enumerate(surveys)]
    for number, span in enumerate(_spans(surveys)):
        for block in _linked(span, number, theta, visiting):
            blocks[block.chunk].append(block)
        for stretch in span:
            inside[stretch.chunk] = _without(inside[stretch.chunk], stretch)
    for part in inside:
        if part.start < part.stop:
            blocks[part.chunk].append(Block((part,)))
    for some in blocks:
        some.sort(key=lambda block: block.parts[0].start)
    return blocks


def _spans(surveys: Sequence[ChunkSurvey]) -> Iterator[list[Stretch]]:
    """The strata that go over several chunks."""
    span: list[Stretch] = []
    for stretch in (stretch for survey in surveys for stretch in survey.stretches):
        if span and stretch.key != span[-1].key:
            if len(span) > 1:
                yield span
            span = []
        span.append(stretch)
    if len(span) > 1:
        yield span


def _without(part: Part, stretch: Stretch) -> Part:
    if stretch.start == part.start:
        return replace(part, start=stretch.stop)
    return replace(part, stop=stretch.start)


def _linked(span: list[Stretch], number: int, theta: np.ndarray, visiting: bool) -> list[Block]:
    """One stratum cut between distinct times, and what is at risk after each cut."""
    sizes = np.array([stretch.stop - stretch.start for stretch in span])
    origin = sizes @ np.stack([stretch.centre for stretch in span]) / sizes.sum()
    none = np.zeros((0, len(theta)))
    later = Load(None, HeavyRows(np.zeros(0), none, np.zeros((0, 2), dtype=int)))
    blocks = []
    # From the last block back, since at risk in a block is everyone later. Loads add up on the way,
    # so each block knows its crowd after one pass over the surveys.
    for parts, load in reversed(_cut(span, origin, theta)):
        # The classical influence function is linear in what leaves: the first power is all of it,
        # however heavy the row.
        later = later.settled() if visiting else later.lightened()
        link = Link(number, origin, later.heavy, later.light, _powers(later))
        blocks.append(Block(parts, link))
        later = later + load
    return blocks[::-1]


def _cut(
    span: list[Stretch], origin: np.ndarray, theta: np.ndarray
) -> list[tuple[tuple[Part, ...], Load]]:
    """Rows and load of each block: a tie over a cut belongs to the block in which it begins."""
    blocks: list[tuple[tuple[Part, ...], Load]] = []
    last_time = -np.inf
    for stretch in span:
        by = stretch.centre - origin
        head, body = stretch.head.moved(by, theta), stretch.body.moved(by, theta)
        middle = stretch.start + stretch.n_head
        # A tie must be in one block whole, for its deaths share one denominator. It joins the block
        # in which it begins, which then reads a few rows of the next chunk.
        if stretch.first_time == last_time:
            parts, load = blocks[-1]
            joined = (*parts, Part(stretch.chunk, stretch.start, middle))
            blocks[-1] = joined, load + head
            if middle < stretch.stop:
                blocks.append(((Part(stretch.chunk, middle, stretch.stop),), body))
        else:
            blocks.append(((Part(stretch.chunk, stretch.start, stretch.stop),), head + body))
        last_time = stretch.last_time
    return blocks


def _powers(later: Load) -> int:
    """How many powers of r/phi are above rounding, for the heaviest of the crowd."""
    if later.light is None:
        return 1
    # phi is at least what is at risk after the block, so this bounds eps in all of its cells.
    eps = np.exp(later.light.log_largest - later.log_r)
    return int(powers_needed(np.array([eps]), power_limits(MAX_POWER))[0])
