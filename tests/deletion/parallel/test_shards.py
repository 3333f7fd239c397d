"""Parts refitted apart and merged are the refits of one call; nothing less passes as whole."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.deletion.parallel.shards.merging import merge_shards
from vifstats.deletion.parallel.shards.refitting import refit_shard
from vifstats.deletion.parallel.shards.shard import Shard
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


@pytest.fixture
def folder(est, tmp_path, blocks_of_32):
    """All three parts."""
    for k in (3, 1, 2):
        refit_shard(est, Shard(k, 3), tmp_path)
    return tmp_path


def test_merged_parts_are_what_one_call_writes(est, folder, tmp_path):
    whole = vs.leave_one_out(est)
    whole.to_csv(tmp_path / "whole.csv", index_label="row")
    merged = merge_shards(folder)
    assert merged.path.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (merged.n_parts, merged.n_rows) == (3, 100)
    assert merged.statuses == whole.status.value_counts().to_dict()


def test_failures_are_rows_and_are_counted(folder):
    merged = merge_shards(folder, folder / "whole")
    assert merged.path == folder / "whole" / "influence.csv"
    table = pd.read_csv(merged.path)
    assert len(table) == 100 and table.loc[0, ["age", "treated"]].isna().all()
    assert table["status"].value_counts().to_dict() == merged.statuses
    assert merged.statuses == {"ok": 99, table.loc[0, "status"]: 1}


def test_more_shards_than_blocks_leave_some_without_rows(est, tmp_path):
    for k in range(1, 8):
        refit_shard(est, Shard(k, 7), tmp_path)
    assert merge_shards(tmp_path).n_rows == 100


def test_groups_of_the_estimate_stay_together(tmp_path):
    y, groups = np.arange(12.0) ** 2, np.arange(12) // 3
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    est = vs.Estimate(loss, [y.mean()], groups=groups)
    refit_shard(est, Shard(1, 1), tmp_path)
    path = merge_shards(tmp_path).path
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
        refit_shard(est, Shard(1, 2), tmp_path)
    assert os.listdir(tmp_path) == ["part-1-of-2.begun"]
    with pytest.raises(InvalidInputError, match="has none that is finished"):
        merge_shards(tmp_path)
    for k in (1, 2):
        refit_shard(est, Shard(k, 2), tmp_path)
    assert not list(tmp_path.glob("*.begun"))
    vs.leave_one_out(est).to_csv(tmp_path / "whole.csv", index_label="row")
    assert merge_shards(tmp_path).path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_finished_shard_is_left_as_it_is(est, folder, monkeypatch):
    monkeypatch.setattr(
        "vifstats.deletion.parallel.shards.refitting.leave_one_out", lambda *_: pytest.fail("again")
    )
    assert refit_shard(est, Shard(2, 3), folder) == folder / "part-2-of-3.csv"


def remove(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def empty(path):
    path.write_text("")


def folder_instead(path):
    path.unlink()
    path.mkdir()


DAMAGE = [
    (remove, "part-2-of-3.json", "these are not: 2/3; run those shards"),
    (remove, "part-2-of-3.csv", "missing or empty; delete part-2-of-3.json and run shard 2/3"),
    (cut, "part-2-of-3.csv", "changed; delete part-2-of-3.json and run shard 2/3 again"),
    (empty, "part-2-of-3.csv", "missing or empty"),
    (cut, "part-2-of-3.json", "damaged or another's; delete it"),
    (empty, "part-2-of-3.json", "damaged or another's; delete it"),
    (folder_instead, "part-2-of-3.csv", "missing or empty"),
    (folder_instead, "part-2-of-3.json", "damaged or another's; delete it"),
]


@pytest.mark.parametrize(("damage", "name", "said"), DAMAGE)
def test_what_is_not_whole_is_not_merged(damage, name, said, folder):
    damage(folder / name)
    with pytest.raises(InvalidInputError, match=said):
        merge_shards(folder)
    assert not (folder / "influence.csv").exists()


def test_many_missing_parts_are_counted(est, tmp_path):
    refit_shard(est, Shard(1, 50), tmp_path)
    with pytest.raises(InvalidInputError, match="2/50, 3/50, .*11/50 and 39 more"):
        merge_shards(tmp_path)


def test_parts_of_other_work_are_refused(folder, tmp_path):
    other = estimate(penalty=[0.1, 0.1])
    with pytest.raises(InvalidInputError, match="part-1-of-3 is not: theta was another"):
        refit_shard(other, Shard(2, 3), folder)
    with pytest.raises(InvalidInputError, match="there were 3 shards, and here are 4"):
        refit_shard(estimate(), Shard(2, 4), folder)
    path = folder / "part-2-of-3.json"
    document = json.loads(path.read_text())
    document["work"]["given"]["max_steps"] = 7
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match="part-2-of-3 is not: max_steps was 7 there"):
        merge_shards(folder)
