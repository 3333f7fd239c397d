"""A stream that does not come to its end leaves nothing that looks as if it had."""

from __future__ import annotations

import os
import signal

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


# A stream, which stops before its last part is written.
STOPPED = f"""
import time
import pandas as pd
import vifstats as vs
import vifstats.streaming.output as output
write = output._write
def stop(columns, kept, path):
    if path.name == "part-000003.parquet":
        open("writing", "w").close()
        time.sleep(600)
    write(columns, kept, path)
output._write = stop
table = pd.read_pickle("table.pickle")
chunks = [table[k : k + {N // 4}] for k in range(0, {N}, {N // 4})]
vs.streaming.cox([float(sys.argv[1])], chunks, to="out", **{OPTIONS!r})
"""


def test_a_stream_that_is_killed_is_swept_by_the_next(table, theta, tmp_path):
    table.to_pickle(tmp_path / "table.pickle")
    with running(python(STOPPED, str(theta[0])), tmp_path) as stream:
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
