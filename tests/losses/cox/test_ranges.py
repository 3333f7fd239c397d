"""Range sums against loops: random segments, empty ranges, sizes from 1e-150 to 1e150."""

from __future__ import annotations

from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vifstats.checks import survival
from vifstats.losses.cox import fast
from vifstats.losses.cox import ranges as module_of_ranges
from vifstats.losses.cox import risk_sets as module_of_risk_sets
from vifstats.losses.cox import segment_sums as module
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.risk_sets import risk_sets
from vifstats.losses.cox.segment_sums import Bins, Segments, sorted_order

# Sums of up to 200 positive numbers: each addition loses at most half an ulp.
NO_CANCELLATION = 200 * np.finfo(float).eps


@st.composite
def drawn_ranges(draw, all_prefix: bool = False) -> Ranges:
    """Ranges within random segments, some empty, some of one cell."""
    lengths = np.array(draw(st.lists(st.integers(1, 40), min_size=1, max_size=6)))
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    segment = rng.integers(len(lengths), size=n)
    lo = bounds[segment] + (0 if all_prefix else rng.integers(0, lengths[segment] + 1))
    lo = np.minimum(lo, bounds[segment + 1] - 1)
    hi = lo + np.floor(rng.random(n) * (bounds[segment + 1] - lo + 1)).astype(int)
    return Ranges(lo, hi, bounds)


def spread(size: tuple[int, ...], seed: int) -> np.ndarray:
    """Positive numbers over 300 decades."""
    rng = np.random.default_rng(seed)
    return 10.0 ** rng.uniform(-150, 150, size)


def matrix(ranges: Ranges) -> np.ndarray:
    """0s and 1s, shape (n, n_cells): a row is 1 over its range."""
    cells = np.arange(ranges.n_cells)
    return (ranges.lo[:, None] <= cells) & (cells < ranges.hi[:, None])


@given(drawn_ranges(), st.integers(0, 1000))
def test_gather_keeps_every_digit(ranges, seed):
    cells = spread((ranges.n_cells, 2), seed)
    expected = np.array([cells[on].sum(axis=0) for on in matrix(ranges)])
    np.testing.assert_allclose(ranges.gather(cells), expected, rtol=NO_CANCELLATION)
    np.testing.assert_allclose(ranges.gather(cells[:, 0]), expected[:, 0], rtol=NO_CANCELLATION)


@given(drawn_ranges(), st.integers(0, 1000))
def test_scatter_keeps_every_digit(ranges, seed):
    rows = spread((len(ranges.lo), 2), seed)
    expected = np.array([rows[on].sum(axis=0) for on in matrix(ranges).T])
    np.testing.assert_allclose(ranges.scatter(rows), expected, rtol=NO_CANCELLATION)
    np.testing.assert_allclose(ranges.scatter(rows[:, 0]), expected[:, 0], rtol=NO_CANCELLATION)


@given(drawn_ranges(all_prefix=True), st.integers(0, 1000))
def test_ranges_from_the_start_of_their_segment(ranges, seed):
    assert ranges.all_prefix
    cells = spread((ranges.n_cells,), seed)
    expected = [cells[on].sum() for on in matrix(ranges)]
    np.testing.assert_allclose(ranges.gather(cells), expected, rtol=NO_CANCELLATION)


def test_where_most_ranges_are_empty_the_others_begin_as_they_do():
    empty, cells = np.zeros(60, dtype=int), np.array([1.0, 10.0, 100.0])
    early = Ranges(np.append(empty, 0), np.append(empty, 2), np.array([0, 3]))
    assert early.all_prefix and not len(early.late_by_start)
    late = Ranges(np.append(empty, 1), np.append(empty, 3), np.array([0, 3]))
    assert not late.all_prefix and late.late_by_start.tolist() == [60]
    assert [ranges.gather(cells)[60] for ranges in (early, late)] == [11.0, 110.0]


@given(drawn_ranges(), st.integers(0, 1000))
def test_extremes_of_ranges(ranges, seed):
    cells = spread((ranges.n_cells,), seed)
    smallest = [cells[on].min(initial=np.inf) for on in matrix(ranges)]
    assert ranges.minimum(cells).tolist() == smallest


@pytest.mark.skipif(find_spec("numba") is None, reason="numba, of the extra fast")
@given(drawn_ranges(), st.integers(0, 1000), st.integers(0, 3))
def test_compiled_reads(ranges, seed, bits):
    """The compiled sums and least numbers of ranges, with small chunks."""
    cells = spread((ranges.n_cells,), seed)
    within = [cells[on] for on in matrix(ranges)]
    with patch.multiple(module_of_ranges, CHUNK_BITS=bits), patch.object(fast, "LARGE", 0):
        ranges = Ranges(ranges.lo, ranges.hi, ranges.bounds)
        assert ranges.minimum(cells).tolist() == [some.min(initial=np.inf) for some in within]
        found = ranges.gather(cells)
    np.testing.assert_allclose(found, [some.sum() for some in within], rtol=NO_CANCELLATION)


@given(st.integers(0, 10_000), st.integers(0, 5), st.sampled_from([0, 2, 32]))
def test_entries_among_event_times(seed, kind, most):
    """On a grid where no place of it has many times, else by a search: as NumPy's search."""
    n = 150  # rows are taken 64 at a time
    rng = np.random.default_rng(seed)
    time = (
        rng.exponential(size=n),
        rng.integers(-4, 5, n) + 0.0,
        rng.normal(size=n) * 2e307,
        rng.integers(1, n, n) * 5e-324,
        10.0 ** rng.uniform(-300, 300, n),
        np.append(rng.exponential(size=n - 1), 1e9),
    )[kind]
    event = rng.random(n) < 0.7
    event[time.argmax()] = True
    entry = np.nextafter(rng.choice(time, n), rng.choice([-np.inf, np.inf], n))
    entry = np.where(rng.random(n) < 0.5, rng.choice(time, n), entry)
    entry = np.where(entry < time, entry, -np.inf)
    data = survival(np.zeros((n, 1)), time, event, entry=entry)
    with patch.multiple(module_of_risk_sets, MOST=most), patch.object(module, "CACHE", 64):
        sets = risk_sets(data)
    expected = np.searchsorted(np.unique(time[event]), entry, side="right")
    assert sets.ranges.lo.tolist() == expected[sets.order].tolist()


def test_a_tiny_sum_beside_a_huge_one():
    """Prefix sums would give 0 for the second range: 1e200 + 1 - 1e200."""
    ranges = Ranges(np.array([0, 1, 1]), np.array([1, 2, 3]), np.array([0, 3]))
    assert ranges.gather(np.array([1e200, 1.0, 2.0])).tolist() == [1e200, 1.0, 3.0]


def test_segments_do_not_leak_into_each_other():
    """An inf in one stratum stays there."""
    ranges = Ranges(np.array([0, 2]), np.array([2, 4]), np.array([0, 2, 4]))
    assert ranges.gather(np.array([np.inf, 1.0, 1.0, 2.0])).tolist() == [np.inf, 3.0]
    assert ranges.scatter(np.array([np.inf, 5.0])).tolist() == [np.inf, np.inf, 5.0, 5.0]


@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_infinite_stays_where_it_is(reverse):
    """Though 0 times infinity is nan."""
    cells = np.ones((100, module.WIDE))
    cells[50, 3] = np.inf
    found = Segments(np.array([0, 100])).accumulate(cells, reverse)[:: -1 if reverse else 1]
    expected = np.repeat(np.arange(1.0, 101.0)[:, None], module.WIDE, axis=1)
    expected[49 if reverse else 50 :, 3] = np.inf
    np.testing.assert_array_equal(found, expected)


@given(arrays(int, st.integers(1, 30), elements=st.integers(0, 5)), st.integers(0, 1000))
def test_bins_sum_in_order(bin_of, seed):
    rows = spread((len(bin_of), 2), seed)
    expected = np.array([rows[bin_of == k].sum(axis=0) for k in range(6)])
    np.testing.assert_allclose(Bins(bin_of, 6).sums(rows), expected, rtol=NO_CANCELLATION)


@given(arrays(int, st.integers(1, 30), elements=st.integers(-1, 5)), st.integers(0, 1000))
def test_bins_read_some_of_the_rows(bin_of, seed):
    """Where they are: the others, of bin -1, may be anything."""
    rows, some = spread((len(bin_of), 2), seed), np.flatnonzero(bin_of >= 0)
    expected = np.array([rows[bin_of == k].sum(axis=0) for k in range(6)])
    rows[bin_of < 0] = np.nan
    found = Bins(bin_of[some], 6, some, len(rows)).sums(rows)
    np.testing.assert_allclose(found, expected, rtol=NO_CANCELLATION)


@pytest.mark.parametrize("n", [0, 3])
@pytest.mark.parametrize("each", [(), (2,), (0,), (2, 3), (2, 0)], ids=str)
def test_bins_sum_rows_of_any_shape_and_none(n, each):
    rows = spread((n, *each), 1)
    sums = Bins(np.full(n, 1), 2).sums(rows)
    assert sums.shape == (2, *each) and not sums[0].any()
    np.testing.assert_allclose(sums[1], rows.sum(axis=0), rtol=NO_CANCELLATION)


@given(st.lists(st.integers(0, 3) | st.integers(2**57, 2**63 - 1), max_size=40))
def test_equal_numbers_stay_in_order_however_large(keys):
    """Number and position do not fit into one number where the first is large."""
    expected = sorted(range(len(keys)), key=keys.__getitem__)
    assert sorted_order(np.array(keys, dtype=np.int64)).tolist() == expected


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.sampled_from([(), (3,), (2, 2)]),
    st.booleans(),
    st.sampled_from([0, 4, np.inf]),
    st.sampled_from([(2, 4), (3, 5), (4, 4)]),
)
def test_running_sums_restart(lengths, each, reverse, call, groups):
    """However many segments are summed at once, or cells as products with ones."""
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    cells, step = spread((bounds[-1], *each), len(lengths)), -1 if reverse else 1
    expected = np.empty_like(cells)
    for a, b in zip(bounds, bounds[1:], strict=False):
        expected[a:b] = cells[a:b][::step].cumsum(axis=0)[::step]
    wide, together = groups
    with patch.multiple(module, CALL=call, CACHE=100, WIDE=wide, TOGETHER=together):
        found = Segments(bounds).accumulate(cells, reverse)
    np.testing.assert_allclose(found, expected, rtol=NO_CANCELLATION)
