"""Which objects leave together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifstats.errors import InvalidInputError
from vifstats.removals import Removals

CODES = st.lists(st.integers(-1, 6), min_size=1, max_size=30).map(np.array)


def removals_of(codes: np.ndarray) -> Removals:
    return Removals(codes, pd.RangeIndex(7))


@given(CODES)
def test_members_presence_and_sums_are_of_one_mind(codes):
    removals = removals_of(codes)
    rows = np.random.default_rng(0).normal(size=(len(codes), 2))
    sums = removals.sums(rows)
    for k, members in enumerate(removals):
        assert members.tolist() == np.flatnonzero(codes == k).tolist()
        assert removals.sizes[k] == len(members)
        assert (removals.presence(k) == (codes != k)).all()
        assert sums[k] == pytest.approx(rows[codes == k].sum(axis=0), abs=1e-12)
    assert removals.single == (np.bincount(codes[codes >= 0], minlength=7).max() <= 1)


@given(CODES, st.permutations(range(7)), st.integers(0, 7))
def test_take_keeps_members_and_labels(codes, order, count):
    removals = removals_of(codes)
    some = removals.take(np.array(order[:count], dtype=int))
    assert list(some.labels) == list(order[:count])
    for k, members in enumerate(some):
        assert members.tolist() == removals.members(order[k]).tolist()


@given(CODES, st.integers(1, 8))
def test_blocks_put_together_are_all(codes, size):
    removals = removals_of(codes)
    labels, members = [], []
    for part, some in removals.blocks(size):
        assert len(some) == part.stop - part.start <= size
        labels += list(some.labels)
        members += [m.tolist() for m in some]
    assert labels == list(removals.labels)
    assert members == [m.tolist() for m in removals]


def test_groups_are_in_order_of_first_appearance():
    removals = Removals.of_groups(pd.Series(["x", "a", "x", "m"], index=[9, 8, 7, 6]))
    assert list(removals.labels) == ["x", "a", "m"]
    assert removals.codes.tolist() == [0, 1, 0, 2]


def test_every_object_on_its_own_sums_to_itself():
    rows = np.arange(6.0).reshape(3, 2)
    assert Removals.each(3).sums(rows) is rows


def test_an_empty_removal_takes_nobody():
    removals = Removals(np.array([0, 2]), pd.Index(["a", "dropped", "b"]))
    assert removals.presence(1).tolist() == [1.0, 1.0]
    assert removals.sums(np.array([[3.0], [5.0]])).ravel().tolist() == [3.0, 0.0, 5.0]
    nobody = Removals(np.array([-1, -1]), pd.Index(["a"]))
    assert nobody.sums(np.ones((2, 1))).tolist() == [[0.0]]


def test_positions_by_label_and_by_mask():
    removals = Removals(np.arange(3), pd.Index(["b", "a", "c"]))
    assert removals.positions(["c", "b"]).tolist() == [2, 0]
    assert removals.positions(np.array([True, False, True])).tolist() == [0, 2]
    assert removals.positions(pd.Series(["a"])).tolist() == [1]


def test_duplicate_labels_are_fine_by_mask_only():
    removals = Removals(np.arange(3), pd.Index(["a", "a", "b"]))
    assert removals.positions(np.array([False, True, False])).tolist() == [1]
    with pytest.raises(InvalidInputError, match="unique labels"):
        removals.positions(["b"])


def test_unknown_labels_and_masks_of_another_length_are_named():
    removals = Removals(np.arange(3), pd.Index([10, 11, 12]))
    with pytest.raises(InvalidInputError, match=r"each row once, but \[11\] occur"):
        removals.positions([11, 10, 11])
    with pytest.raises(InvalidInputError, match=r"\[5\] are not among"):
        removals.positions([10, 5])
    with pytest.raises(InvalidInputError, match="one entry per row"):
        removals.positions(np.array([True]))


@pytest.mark.parametrize("labels", [[("a", 1), ("a", 2), ("b", 1)], ["a", 1, 2.5]], ids=str)
def test_labels_that_are_tuples_or_of_several_types(labels):
    removals = Removals(np.arange(3), pd.Index(labels))
    assert removals.positions([labels[2], labels[0]]).tolist() == [2, 0]


def test_a_mask_is_of_rows_in_the_order_of_the_data():
    removals = Removals(np.arange(3), pd.Index([10, 11, 12]))
    mask = pd.Series([True, False, True], index=removals.labels)
    assert removals.positions(mask).tolist() == [0, 2]
    with pytest.raises(InvalidInputError, match="`objects` must have the labels of the data"):
        removals.positions(mask.iloc[::-1])
    with pytest.raises(InvalidInputError, match="labels or a boolean mask, but holds .10.; pass"):
        removals.positions([{10}])
