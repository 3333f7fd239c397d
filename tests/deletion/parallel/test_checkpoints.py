"""Checkpoints: whole blocks, of the same work only."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import statsmodels.api as sm
from cases import BY_NAME
from hypothesis import given
from hypothesis import strategies as st

import vifstats as vs
from vifstats.deletion.parallel import Shard
from vifstats.errors import InvalidInputError, InvalidTypeError

BLOCKS = ["block-000000.npz", "block-000001.npz"]


@pytest.fixture(autouse=True)
def blocks_of_32(monkeypatch):
    """So that there are some."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 32)


@pytest.fixture
def est():
    return BY_NAME["cox efron ties"].estimate()


@pytest.fixture
def folder(est, tmp_path, blocks_of_32):
    """A finished checkpoint of 40 refits."""
    vs.leave_one_out(est, checkpoint=tmp_path / "new" / "folder")
    return tmp_path / "new" / "folder"


def logistic():
    X = np.random.default_rng(0).normal(size=(40, 2))
    return vs.from_model(sm.Logit(np.arange(40) % 2, sm.add_constant(X)).fit(disp=0))


@pytest.mark.parametrize(
    "make",
    [logistic, BY_NAME["beta regression"].estimate, BY_NAME["matched sets"].estimate],
    ids=["logistic", "beta regression", "matched sets"],
)
def test_what_a_loss_remembers_is_no_part_of_it(make, tmp_path):
    """A status looks for separation, whose faces the loss keeps: work goes on as if it had not."""
    est = make()
    size = len(pickle.dumps(est.loss))
    first = vs.leave_one_out(est, checkpoint=tmp_path)
    assert list(first.status) == list(vs.vif(est).status)
    assert len(pickle.dumps(est.loss)) <= size
    again = vs.leave_one_out(est, checkpoint=tmp_path)
    np.testing.assert_array_equal(again.values, first.values)


def test_a_checkpoint_changes_nothing_and_holds_blocks(est, folder):
    assert sorted(os.listdir(folder)) == [*BLOCKS, "work.json"]
    again = vs.leave_one_out(est, checkpoint=folder)
    np.testing.assert_array_equal(again.values, vs.leave_one_out(est).values)


def test_what_is_there_is_not_computed_again(est, folder, monkeypatch):
    (folder / BLOCKS[1]).unlink()
    seen = []
    compute = vs.deletion.refits.Refit.__call__

    def noting(refit, removals):
        seen.append(list(removals.labels))
        return compute(refit, removals)

    monkeypatch.setattr(vs.deletion.refits.Refit, "__call__", noting)
    again = vs.leave_one_out(est, checkpoint=folder)
    assert seen == [list(est.labels[32:])]
    np.testing.assert_array_equal(again.values, vs.leave_one_out(est).values)


def test_refits_without_a_minimum_are_kept_as_such(tmp_path):
    """The only row with y = 1: nan, and counted, after a resumption, too."""
    case = BY_NAME["random effects"]
    results = [vs.leave_one_out(case.estimate(), checkpoint=tmp_path) for _ in range(2)]
    np.testing.assert_array_equal(results[0].values, results[1].values)
    np.testing.assert_array_equal(results[0].failed, results[1].failed)


@pytest.mark.parametrize(
    ("call", "options", "said"),
    [
        (vs.leave_one_out, {"max_steps": 7}, "max_steps was 50 there, and is 7 here"),
        (vs.leave_one_out, {"objects": [100]}, "n_rows was 40 there, and is 1 here"),
        (vs.leave_one_out, {"groups": np.arange(40)}, "labels was"),
        (vs.truncated_refits, {}, "call was leave_one_out there, and is truncated_refits here"),
    ],
)
def test_other_work_is_refused(call, options, said, est, folder):
    with pytest.raises(InvalidInputError, match="holds other work") as caught:
        call(est, checkpoint=folder, **options)
    assert said in str(caught.value)
    assert sorted(os.listdir(folder)) == [*BLOCKS, "work.json"]


def test_a_fit_to_other_data_is_refused(folder):
    case = BY_NAME["cox efron ties"]
    order = np.r_[1:40, 0]
    other = vs.minimize(case.loss(order, labels=np.arange(100, 140)), case.start)
    with pytest.raises(InvalidInputError, match="the data were others, or in another order"):
        vs.leave_one_out(other, checkpoint=folder)


def test_a_folder_that_cannot_be_made_is_found_before_any_work(est, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(vs.deletion.refits.Refit, "of", lambda *_: pytest.fail("work has begun"))
    with pytest.raises(InvalidInputError, match="checkpoint must be a folder"):
        vs.leave_one_out(est, checkpoint=tmp_path / "file" / "folder")


def test_shards_fill_one_checkpoint_and_the_same_call_once_more_is_the_whole(
    est, tmp_path, monkeypatch
):
    """In any order, one of them twice; the whole then computes nothing."""
    whole = vs.leave_one_out(est)
    for k in (2, 1, 2):
        part = vs.leave_one_out(est, checkpoint=tmp_path, shard=(k, 2))
        rows = slice(0, 32) if k == 1 else slice(32, 40)
        assert list(part.index) == list(est.labels[rows])
        np.testing.assert_array_equal(part.values, whole.values[rows])
        assert list(part.status) == list(whole.status[rows])
    monkeypatch.setattr(vs.deletion.refits.Refit, "__call__", lambda *_: pytest.fail("again"))
    merged = vs.leave_one_out(est, checkpoint=tmp_path)
    np.testing.assert_array_equal(merged.values, whole.values)
    assert merged.exact.all()


def test_what_no_shard_has_computed_the_whole_call_does(est, tmp_path):
    vs.leave_one_out(est, checkpoint=tmp_path, shard=(2, 2))
    assert sorted(os.listdir(tmp_path)) == [BLOCKS[1], "work.json"]
    merged = vs.leave_one_out(est, checkpoint=tmp_path)
    np.testing.assert_array_equal(merged.values, vs.leave_one_out(est).values)


def test_truncated_refits_have_shards_too(est, tmp_path):
    parts = [vs.truncated_refits(est, checkpoint=tmp_path, shard=(k, 3)) for k in (1, 2, 3)]
    joined = np.concatenate([part.values for part in parts])
    np.testing.assert_array_equal(joined, vs.truncated_refits(est).values)


def test_more_shards_than_blocks_leave_some_without_rows(est, tmp_path):
    parts = [vs.leave_one_out(est, checkpoint=tmp_path, shard=(k, 5)) for k in range(1, 6)]
    assert sorted(len(part.removals) for part in parts) == [0, 0, 0, 8, 32]


@pytest.mark.parametrize(
    ("shard", "error", "said"),
    [
        ((0, 50), InvalidInputError, "numbered from 1 to 50, but is 0/50"),
        ((51, 50), InvalidInputError, "numbered from 1 to 50"),
        ((1, 0), InvalidInputError, "numbered from 1 to 0"),
        ((1.0, 2), InvalidTypeError, r"as \(3, 50\), but is \(1.0, 2\)"),
        ((1, 2, 3), InvalidTypeError, "its number and how many"),
        ("1/2", InvalidTypeError, "its number and how many"),
        (3, InvalidTypeError, "its number and how many"),
    ],
)
def test_a_shard_that_is_not_there_is_refused_before_any_work(shard, error, said, est, tmp_path):
    with pytest.raises(error, match=said):
        vs.leave_one_out(est, checkpoint=tmp_path / "new", shard=shard)
    assert not (tmp_path / "new").exists()


def test_a_shard_that_nobody_keeps_is_refused(est):
    with pytest.raises(InvalidInputError, match="no `checkpoint` is given"):
        vs.leave_one_out(est, shard=(1, 2))


@given(st.integers(0, 500), st.integers(1, 60))
def test_every_block_is_in_one_shard(n_blocks, total):
    parts = [Shard(k, total).blocks(n_blocks) for k in range(1, total + 1)]
    assert [k for part in parts for k in part] == list(range(n_blocks))
