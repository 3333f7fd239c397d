"""Parts of a job array: merged they are what one run writes; nothing less passes as whole."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.cli.shards import merge_parts, parse_shard, write_part
from vifstats.deletion.parallel import Shard
from vifstats.errors import InvalidInputError


@pytest.fixture(autouse=True)
def blocks_of_32(monkeypatch):
    """So that there are some."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 32)


def estimate(**options):
    """100 rows, of which the first cannot be left out: no other that is treated has an event."""
    rng, row = np.random.default_rng(7), np.arange(100)
    treated = row < 20
    X = pd.DataFrame({"treated": treated.astype(float), "age": rng.normal(size=100)})
    # at time 0.1 all are at risk, so the full fit exists
    time = np.where(row == 0, 0.1, 0.1 + rng.exponential(size=100))
    return vs.minimize(vs.losses.Cox(X, time, (row == 0) | ~treated, **options), np.zeros(2))


@pytest.fixture(scope="module")
def est():
    return estimate()


@pytest.fixture(scope="module")
def made(est, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vs.deletion.refits, "BLOCK", 32)
        for k in (3, 1, 2):
            write_part(est, Shard(k, 3), folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """All three parts."""
    return shutil.copytree(made, tmp_path / "parts")


def test_shards_are_written_as_in_a_job_array():
    assert parse_shard("3/50") == Shard(3, 50)


@pytest.mark.parametrize(
    "text", ["", "3", "3/", "-1/5", "1.5/2", "one/two", "1/2/3", "1/9999999999"]
)
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(InvalidInputError, match="as 3/50"):
        parse_shard(text)


def test_merged_parts_are_what_one_call_writes(est, folder, tmp_path):
    whole = vs.leave_one_out(est)
    whole.to_csv(tmp_path / "whole.csv", index_label="row")
    merged = merge_parts(folder)
    assert merged.path.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (merged.n_parts, merged.n_rows) == (3, 100)
    assert merged.statuses == whole.status.value_counts().to_dict()


def test_the_folder_is_a_checkpoint_as_well(est, folder, monkeypatch):
    monkeypatch.setattr(vs.deletion.refits.Refit, "__call__", lambda *_: pytest.fail("again"))
    vs.leave_one_out(est, checkpoint=folder)


def test_failures_are_rows_and_are_counted(folder):
    merged = merge_parts(folder, folder / "whole")
    assert merged.path == folder / "whole" / "influence.csv"
    table = pd.read_csv(merged.path)
    assert len(table) == 100 and table.loc[0, ["age", "treated"]].isna().all()
    assert table["status"].value_counts().to_dict() == merged.statuses
    assert merged.statuses == {"ok": 99, table.loc[0, "status"]: 1}


def test_more_shards_than_blocks_leave_some_without_rows(est, tmp_path):
    for k in range(1, 8):
        write_part(est, Shard(k, 7), tmp_path)
    assert merge_parts(tmp_path).n_rows == 100


def test_labels_of_several_lines_are_rows(tmp_path):
    y, labels = np.arange(3.0) ** 2, ["a\nb,ok", 'c"\r\nd', "e,\n\nok\n"]
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y, labels=labels)
    write_part(vs.minimize(loss, [0.0]), Shard(1, 1), tmp_path)
    merged = merge_parts(tmp_path)
    assert merged.n_rows == 3
    assert len(pd.read_csv(merged.path)) == 3


def test_groups_of_the_estimate_stay_together(tmp_path):
    y, groups = np.arange(12.0) ** 2, np.arange(12) // 3
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    est = vs.Estimate(loss, [y.mean()], groups=groups)
    write_part(est, Shard(1, 1), tmp_path)
    path = merge_parts(tmp_path).path
    table = pd.read_csv(path, index_col="row", float_precision="round_trip")
    np.testing.assert_array_equal(table["theta0"], vs.leave_one_out(est).values[:, 0])


def test_a_shard_that_was_cut_off_goes_on(est, tmp_path, monkeypatch):
    """After its first block of two."""
    write = vs.deletion.parallel.Checkpoint.write

    def write_and_stop(checkpoint, k, rows):
        write(checkpoint, k, rows)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(vs.deletion.parallel.Checkpoint, "write", write_and_stop)
        write_part(est, Shard(1, 2), tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["block-000000.npz", "work.json"]
    with pytest.raises(InvalidInputError, match="has none that is finished"):
        merge_parts(tmp_path)
    for k in (1, 2):
        write_part(est, Shard(k, 2), tmp_path)
    vs.leave_one_out(est).to_csv(tmp_path / "whole.csv", index_label="row")
    assert merge_parts(tmp_path).path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def remove(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def empty(path):
    path.write_text("")


def twice(path):
    path.write_bytes(path.read_bytes() * 2)


def folder_instead(path):
    path.unlink()
    path.mkdir()


def copied_over(path):
    shutil.copy(path.with_name(path.name.replace("2-of", "3-of")), path)


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def not_text(path):
    path.write_bytes(b"\xff\xfe")


def edited(change):
    def damage(path):
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")

    damage.__name__ = "edited"
    return damage


def written(text):
    def damage(path):
        path.write_text(text)

    damage.__name__ = f"written {text}"
    return damage


CSV, JSON = "part-2-of-3.csv", "part-2-of-3.json"
DAMAGE = [
    (remove, JSON, "these are not: 2/3; run those shards"),
    (remove, CSV, "No such file or directory. Move it away and run that shard again"),
    (empty, CSV, "it is empty"),
    (empty, JSON, "it cannot be read"),
    (not_text, JSON, "damaged or another's"),
    (copied_over, JSON, "it is part-3-of-3, renamed or copied"),
    (edited(lambda d: d.update(n_rows=7)), JSON, "another digest"),
    (edited(lambda d: d["statuses"].update(ok=7)), JSON, "another digest"),
    (edited(lambda d: d.update(header="row,age\n")), JSON, "another digest"),
    (edited(lambda d: d.update(shard=[2, 4])), JSON, "another digest"),
    (edited(lambda d: d.update(shard="2/3")), JSON, "cannot be read"),
    (edited(lambda d: d.update(work=None)), JSON, "cannot be read"),
    (edited(lambda d: d.pop("csv")), JSON, "cannot be read"),
    *((how, CSV, f"{CSV}.*it has changed") for how in (cut, twice, flipped, copied_over)),
    *((how, JSON, f"{JSON}.*damaged or another's") for how in (cut, twice, flipped)),
    *((written(text), JSON, "damaged or another's") for text in ("null", "[1]", "3", '"a"', "{}")),
    *((folder_instead, name, "damaged or another's: Is a directory") for name in (CSV, JSON)),
]


@pytest.mark.parametrize(("damage", "name", "said"), DAMAGE)
def test_what_is_not_whole_is_not_merged(damage, name, said, folder, est):
    damage(folder / name)
    with pytest.raises(InvalidInputError, match=said) as refused:
        merge_parts(folder)
    assert "delete" not in str(refused.value)
    assert not (folder / "influence.csv").exists()
    if damage is not folder_instead:  # the shard run again is whole
        write_part(est, Shard(2, 3), folder)
        assert merge_parts(folder).n_rows == 100


def test_a_copied_part_is_counted_once(folder):
    shutil.copy(folder / JSON, folder / "part-2-of-3 (conflicted copy).json")
    assert merge_parts(folder).n_rows == 100


def test_many_missing_parts_are_counted(est, tmp_path):
    write_part(est, Shard(1, 999_999_999), tmp_path)
    with pytest.raises(InvalidInputError, match="2/999999999, .* and 999999988 more"):
        merge_parts(tmp_path)


def test_parts_of_other_work_are_refused(folder, tmp_path):
    other = estimate(penalty=[0.1, 0.1])
    with pytest.raises(InvalidInputError, match="holds other work: theta was another"):
        write_part(other, Shard(2, 3), folder)
    write_part(other, Shard(2, 3), tmp_path / "other")
    for name in (CSV, JSON):
        shutil.copy(tmp_path / "other" / name, folder / name)
    with pytest.raises(InvalidInputError, match="part-2-of-3 is not: theta was another"):
        merge_parts(folder)


def test_parts_of_another_division_are_refused(est, folder):
    write_part(est, Shard(2, 4), folder)
    with pytest.raises(InvalidInputError, match="there were . shards, and here are ."):
        merge_parts(folder)
