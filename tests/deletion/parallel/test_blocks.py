"""Blocks cover all rows once, in order, and do not ask who computes them."""

from __future__ import annotations

import numpy as np
import pytest

from vifstats.deletion.parallel import Blocks, Rows
from vifstats.removals import Removals


def named(removals):
    """Rows that say which objects they are of."""
    return Rows(np.array([[removals.members(k)[0]] for k in range(len(removals))]), removals.single)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16])
def test_blocks_cover_all_rows_once(n):
    blocks = Blocks(named, Removals.each(n), size=8, n_params=1)
    assert len(blocks) == -(-n // 8)
    values = [blocks(k).values for k in range(len(blocks))]
    assert np.array_equal(np.concatenate([np.empty((0, 1)), *values]).ravel(), np.arange(n))


def test_parts_are_joined_in_order_and_may_be_none():
    parts = [Rows(np.full((2, 3), k), np.array([False, True])) for k in range(2)]
    joined = Rows.joined(parts, 3)
    assert joined.values[:, 0].tolist() == [0, 0, 1, 1] and len(joined) == 4
    assert joined.failed.tolist() == [False, True] * 2
    assert Rows.joined([], 3).values.shape == (0, 3)
