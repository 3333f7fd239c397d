"""Whatever ends a run, blocks that were finished are whole, and the same call goes on from them."""

from __future__ import annotations

import os
import shutil
import signal

import numpy as np
import pytest
from faults import disk, folder_to_read, python, run, running, watched
from joblib.externals.loky.process_executor import TerminatedWorkerError

import vifstats as vs
from vifstats.errors import InvalidInputError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and mounts of POSIX")


@pytest.fixture(autouse=True)
def blocks_of_one_row(monkeypatch):
    """So that there are many."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 1)


@pytest.fixture(autouse=True)
def workers_of_joblib(monkeypatch):
    """Here `n_jobs` is joblib's; what ends copies is in test_copies.py."""
    monkeypatch.setattr("vifstats.deletion.parallel.engines.can_copy", lambda: False)


def engine(how, pool) -> dict:
    return {"serial": {}, "pool": {"executor": pool}, "joblib": {"n_jobs": 2}}[how]


def blocks_in(folder):
    return {path.name: path.read_bytes() for path in folder.glob("block-*.npz")}


def assert_goes_on(est, folder):
    """The same call ends with the bits of one that nothing happened to, from what it finds."""
    begun = blocks_in(folder)
    assert 0 < len(begun) < len(est.labels)
    resumed = vs.leave_one_out(est, checkpoint=folder)
    assert begun.items() <= blocks_in(folder).items()
    assert not list(folder.glob(".*")), "nothing of the data is left"
    np.testing.assert_array_equal(resumed.values, vs.leave_one_out(est).values)


KILLED = """
from concurrent.futures import ProcessPoolExecutor
from faults import watched
import vifstats as vs
vs.deletion.refits.BLOCK = 1
with ProcessPoolExecutor(2) as pool:
    vs.leave_one_out(watched(60), executor=pool, checkpoint="checkpoint")
"""


def test_a_caller_that_is_killed_keeps_its_blocks_and_leaves_no_data(tmp_path):
    folder = tmp_path / "checkpoint"
    with running(python(KILLED), tmp_path) as caller:
        caller.until(lambda: len(blocks_in(folder)) > 2)
        caller.send(signal.SIGKILL)
        assert caller.ended().code == -9
    assert list(folder.glob(".*.pickle")), "what the workers were sent"
    assert_goes_on(watched(60), folder)


@pytest.mark.parametrize("how", ["serial", "pool", "joblib"])
def test_a_disk_that_is_full_of_blocks_keeps_them(how, pool, tmp_path):
    est = watched(60)
    with disk(tmp_path / "disk", "160k") as small:  # a block takes at least a page of 4 KiB
        with pytest.raises(InvalidInputError, match="block-.*must be writable.*No space left"):
            vs.leave_one_out(est, checkpoint=small, **engine(how, pool))
        assert not list(small.glob(".*")), "nothing of the data is left"
        assert_goes_on(est, shutil.copytree(small, tmp_path / "larger"))


@pytest.mark.parametrize("how", ["pool", "joblib"])
def test_a_disk_without_room_for_the_data_is_named_and_left_clean(how, pool, tmp_path):
    est = watched(20_000)
    with disk(tmp_path / "disk", "64k") as small:  # 20,000 rows of 4 numbers take 640 kB
        with pytest.raises(InvalidInputError, match=r"the data.*No space left.*set TMPDIR"):
            vs.leave_one_out(est, objects=range(9), checkpoint=small, **engine(how, pool))
        # what the pool had still to send does not fill the disk again, later
        pool.submit(len, "").result()
        assert os.listdir(small) == ["work.json"]


def test_a_checkpoint_that_may_only_be_read_is_named_and_stays(tmp_path):
    est = watched(20)

    def begin(folder):
        vs.leave_one_out(est, checkpoint=folder, shard=(1, 2))

    with folder_to_read(tmp_path / "checkpoint", begin) as folder:
        begun = blocks_in(folder)
        with pytest.raises(InvalidInputError, match=r"checkpoint.* must be writable"):
            vs.leave_one_out(est, checkpoint=folder)
        assert blocks_in(folder) == begun


WATCHED = """
from faults import watched
import vifstats as vs
vs.leave_one_out(watched(9), checkpoint="checkpoint", progress=True)
"""


def test_a_progress_bar_without_anywhere_to_go_does_not_end_the_work(tmp_path):
    assert run(["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *python(WATCHED)], tmp_path).code == 0
    assert len(blocks_in(tmp_path / "checkpoint")) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_progress_bar_that_cannot_be_written_does_not_end_the_work(tmp_path, monkeypatch):
    full = open("/dev/full", "w")  # noqa: SIM115  closing it fails, as writing to it does
    monkeypatch.setattr("sys.stderr", full)
    vs.leave_one_out(watched(9), checkpoint=tmp_path, progress=True)
    assert len(blocks_in(tmp_path)) == 9
    monkeypatch.undo()
    with pytest.raises(OSError, match="No space left"):
        full.close()


def test_a_worker_of_joblib_that_is_killed_ends_the_call_and_not_its_blocks(tmp_path):
    """The last of this file: the others share the workers that end here."""
    with pytest.raises(TerminatedWorkerError) as died:
        vs.leave_one_out(watched(40, deadly=30), n_jobs=2, checkpoint=tmp_path)
    assert " of 40 blocks are kept in " in died.value.__notes__[0]
    assert not list(tmp_path.glob(".*")), "nothing of the data is left"
    assert_goes_on(watched(40), tmp_path)
