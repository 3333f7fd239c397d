"""A stream that does not come to its end leaves nothing that looks as if it had."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faults import disk, python, running

import vifstats as vs
from vifstats.errors import InvalidInputError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and mounts of POSIX")

N = 4000
OPTIONS = {"time": "t", "columns": ["x"], "keep": ["t"]}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(6)
    return pd.DataFrame({"x": rng.normal(size=N), "t": np.sort(rng.exponential(size=N))})


@pytest.fixture(scope="module")
def theta(table):
    return vs.minimize(vs.losses.Cox(table[["x"]], table.t), [0.0]).theta


def chunks_of(table):
    return [table[k : k + N // 4] for k in range(0, N, N // 4)]


# A stream, which stops before its last part is written, or before what is whole takes its name.
STOPPED = f"""
import os, time
from pathlib import Path
import pandas as pd
import vifstats as vs
import vifstats.streaming.output as output
write, rename = output._write, Path.rename
def stop():
    open("writing", "w").close()
    time.sleep(600)
def writing(columns, kept, path):
    if sys.argv[2] == "part" and path.name == "part-000003.parquet":
        stop()
    write(columns, kept, path)
def renaming(path, other):
    if sys.argv[2] == "name":
        stop()
    return rename(path, other)
output._write, Path.rename = writing, renaming
table = pd.read_pickle("table.pickle")
chunks = [table[k : k + {N // 4}] for k in range(0, {N}, {N // 4})]
vs.streaming.cox([float(sys.argv[1])], chunks, to="out", **{OPTIONS!r})
"""


@pytest.mark.parametrize("at", ["part", "name"])
def test_a_stream_that_is_killed_is_swept_by_the_next(at, table, theta, tmp_path):
    table.to_pickle(tmp_path / "table.pickle")
    with running(python(STOPPED, str(theta[0]), at), tmp_path) as stream:
        stream.until((tmp_path / "writing").exists)
        stream.send(signal.SIGKILL)
        stream.ended()
    assert not (tmp_path / "out").exists() and list(tmp_path.glob(".vifstats-*.folder"))
    vs.streaming.cox(theta, chunks_of(table), to=tmp_path / "out", **OPTIONS)
    assert len(pd.read_parquet(tmp_path / "out")) == N
    assert not list(tmp_path.glob(".vifstats-*"))


def test_a_stream_to_a_full_disk_leaves_nothing(table, theta, tmp_path):
    with disk(tmp_path / "disk", "48k") as small:  # 4,000 rows of two numbers take 64 kB
        with pytest.raises(InvalidInputError, match=r"out' must be writable.*No space left"):
            vs.streaming.cox(theta, chunks_of(table), to=small / "out", **OPTIONS)
        assert os.listdir(small) == []


def test_a_folder_has_its_name_only_once_its_parts_are_on_the_disk(
    table, theta, tmp_path, monkeypatch
):
    """A power cut after the name was given finds whole parts, and the name."""
    done, sync, rename = [], os.fsync, Path.rename

    def syncing(descriptor):
        done.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def renaming(path, other):
        done.append("named")
        return rename(path, other)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "rename", renaming)
    vs.streaming.cox(theta, chunks_of(table), to=tmp_path / "out", **OPTIONS)
    before, after = done[: done.index("named")], done[done.index("named") + 1 :]
    parts = [path.stat().st_ino for path in (tmp_path / "out").iterdir()]
    assert len(parts) == 4 and {*parts, (tmp_path / "out").stat().st_ino} <= set(before)
    assert tmp_path.stat().st_ino in after


def test_a_folder_that_is_there_stays_as_it_is(table, theta, tmp_path):
    vs.streaming.cox(theta, chunks_of(table), to=tmp_path / "out", **OPTIONS)
    old = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InvalidInputError, match="new folder"):
        vs.streaming.cox(theta, chunks_of(-table), to=tmp_path / "out", **OPTIONS)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == old
