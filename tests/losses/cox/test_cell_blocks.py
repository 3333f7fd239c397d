"""Blocks of cells, and sums over ranges of them, against loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vifstats.losses.cox.cell_blocks import FEW_TERMS, TERMS, cell_blocks
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.spans import gathered

# Sums of up to 200 positive numbers: each addition loses at most half an ulp.
NO_CANCELLATION = 200 * np.finfo(float).eps

sizes = st.lists(st.integers(0, 150), min_size=1, max_size=5).filter(any)
seeds = st.integers(0, 2**32 - 1)


def drawn(sizes: list[int], seed: int) -> tuple[np.ndarray, np.ndarray, Ranges]:
    """Segment bounds, numbers of terms (many of 1, a few of up to 40), and ranges within."""
    rng = np.random.default_rng(seed)
    bounds = np.append(0, np.cumsum(sizes))
    n_terms = np.where(rng.random(bounds[-1]) < 0.9, 1, rng.integers(1, 41, bounds[-1]))
    segment = rng.choice(np.flatnonzero(sizes), size=60)
    ends = np.sort(rng.integers(0, np.array(sizes)[segment, None] + 1, (60, 2)), axis=1)
    lo, hi = (bounds[segment, None] + ends).T
    first = rng.random(60) < 0.3
    return bounds, n_terms, Ranges(np.where(first, bounds[segment], lo), hi, bounds)


@given(sizes, seeds)
def test_each_cell_of_a_range_is_in_its_parts_or_in_its_whole_blocks(sizes, seed):
    bounds, n_terms, ranges = drawn(sizes, seed)
    blocks = cell_blocks(bounds, n_terms)
    split, cells = blocks.split(ranges), np.arange(len(n_terms))
    for k, (lo, hi) in enumerate(zip(ranges.lo, ranges.hi, strict=True)):
        inside = (lo <= cells) & (cells < hi)
        block = blocks.of_cell
        whole = (split.whole.lo[k] <= block) & (block < split.whole.hi[k])
        parts = split.in_parts(blocks, np.full(len(cells), k), cells) & inside
        assert np.array_equal(whole ^ parts, inside)
        assert not (whole & ~inside).any()


@given(sizes, seeds)
def test_blocks_are_short_and_stay_in_their_segment(sizes, seed):
    bounds, n_terms, _ = drawn(sizes, seed)
    blocks = cell_blocks(bounds, n_terms)
    segment = np.repeat(np.arange(len(sizes)), sizes)
    whole = np.add.reduceat(np.append(n_terms, 0), bounds[:-1]) * (np.array(sizes) > 0)
    for k, (first, after) in enumerate(zip(blocks.ends[:-1], blocks.ends[1:], strict=True)):
        (only,) = set(segment[first:after])
        assert blocks.n_terms[k] == n_terms[first:after].sum()
        if whole[only] <= FEW_TERMS:
            assert blocks.alone[k]
        else:
            assert blocks.n_terms[k] <= TERMS if blocks.light[k] else after == first + 1


@given(st.integers(1, 200), seeds)
def test_spans_keep_every_digit(n_cells, seed):
    rng = np.random.default_rng(seed)
    lo, last = np.sort(rng.integers(0, n_cells, (2, 40)), axis=0)
    cells = 10.0 ** rng.uniform(-150, 150, (n_cells, 2))
    expected = [cells[a : b + 1].sum(axis=0) for a, b in zip(lo, last, strict=True)]
    found = gathered(lo, last + 1, cells)
    np.testing.assert_allclose(found, expected, rtol=NO_CANCELLATION)
