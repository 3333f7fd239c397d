"""Checkpoints: whole blocks, of the same work only."""

from __future__ import annotations

import os
from contextlib import suppress

import numpy as np
import pytest
from cases import BY_NAME

import vifstats as vs
from vifstats.errors import InvalidInputError

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


@pytest.mark.parametrize("name", [*BLOCKS, "work.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", "half", "another"])
def test_a_damaged_file_is_named(name, content, est, folder):
    path = folder / name
    if content == "half":
        content = path.read_bytes()[: path.stat().st_size // 2]
    elif content == "another":
        content = (folder / BLOCKS[name == BLOCKS[0]]).read_bytes()
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=f"{name}.*damaged or another's; delete it"):
        vs.leave_one_out(est, checkpoint=folder)


def test_no_bit_that_has_changed_gets_into_a_result(est, folder):
    """zipfile raises half a dozen kinds of errors, by where the bit is."""
    path, whole = folder / BLOCKS[0], vs.leave_one_out(est, checkpoint=folder).values
    content = path.read_bytes()
    for byte in range(0, len(content), 7):
        path.write_bytes(content[:byte] + bytes([content[byte] ^ 1]) + content[byte + 1 :])
        with suppress(InvalidInputError):
            assert np.array_equal(vs.leave_one_out(est, checkpoint=folder).values, whole)


def test_a_folder_that_cannot_be_made_is_found_before_any_work(est, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(vs.deletion.refits.Refit, "of", lambda *_: pytest.fail("work has begun"))
    with pytest.raises(InvalidInputError, match="checkpoint must be a folder"):
        vs.leave_one_out(est, checkpoint=tmp_path / "file" / "folder")
