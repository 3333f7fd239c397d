"""Workers that are copies of this process: the same bits, nothing sent, and when there are none."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from vifstats.deletion.parallel import copies

ALONE = """
import os, signal, sys
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np
import vifstats as vs
from concurrent.futures.process import BrokenProcessPool
from vifstats.deletion import refits
from vifstats.deletion.parallel import Engine, copies, shared
from threadpoolctl import threadpool_info

refits.BLOCK, here = 8, os.getpid()
shared.gettempdir = lambda: 1 / 0  # nothing is written for a copy
y = np.random.default_rng(0).normal(size=40)

class Mean(vs.MEstimator):
    happens = staticmethod(lambda: None)

    def reduced_slopes(self, thetas, removals):
        if os.getpid() != here:
            self.happens()
        return super().reduced_slopes(thetas, removals)

def one_thread():
    assert all(pool["num_threads"] == 1 for pool in threadpool_info())

def both(happens, n_jobs=2):
    loss = Mean(lambda t, y: (y - t[0]) ** 2, y)
    loss.happens = happens
    est = vs.minimize(loss, [0.0])
    some = vs.leave_one_out(est, n_jobs=n_jobs, progress=True)
    return some.values, vs.leave_one_out(est).values

def who_computes(**where):
    # but not what is made before the blocks
    est = vs.minimize(Mean(lambda t, y: (y - t[0]) ** 2, y), [0.0])
    plain = refits.Refit.__call__
    with TemporaryDirectory() as folder:
        def noted(refit, removals):
            Path(folder, str(os.getpid())).touch()
            return plain(refit, removals)
        refits.Refit.__call__ = noted
        vs.leave_one_out(est, **where)
        refits.Refit.__call__ = plain
        return {int(name) for name in os.listdir(folder)}

assert Engine(n_jobs=2).copies == 2
np.testing.assert_array_equal(*both(one_thread))
assert who_computes() == {here}
two = who_computes(n_jobs=2)
assert len(two) == 2 and here in two
with TemporaryDirectory() as folder:  # here they are written as soon as they are there
    assert here not in who_computes(n_jobs=2, checkpoint=folder)
assert "joblib" not in sys.modules
for happens, error in (
    (lambda: 1 / 0, ZeroDivisionError),
    (lambda: os.kill(os.getpid(), signal.SIGKILL), BrokenProcessPool),
):
    try:
        both(happens)
    except error:
        continue
    raise AssertionError(f"no {error}")
fork, forks = os.fork, []
def interrupted():
    pid = fork()
    forks.append(pid)
    if pid and len(forks) == 2:
        os.kill(here, signal.SIGINT)
    return pid
os.fork = interrupted  # while copies start; what was not told to end would be waited for at exit
try:
    both(lambda: None, n_jobs=3)
except KeyboardInterrupt:
    os.fork = fork
submit, calls = copies.ProcessPoolExecutor.submit, []
def third(*task):
    calls.append(task)
    if len(calls) == 3:
        raise KeyboardInterrupt
    return submit(*task)
copies.ProcessPoolExecutor.submit = third  # while blocks are handed out
try:
    both(lambda: None)
except KeyboardInterrupt:
    copies.ProcessPoolExecutor.submit = submit
assert os.fork is fork and len(calls) == 3
plain = refits.Refit.__call__
for error in (KeyboardInterrupt, ZeroDivisionError):  # in this process, while the copy computes
    def broken(refit, removals):
        if os.getpid() == here:
            raise error
        return plain(refit, removals)
    refits.Refit.__call__ = broken
    try:
        both(lambda: None)
    except error:
        continue
    raise AssertionError(f"no {error}")
assert Engine(n_jobs=2).copies == 2  # nothing of all that runs on
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot be copied safely")
def test_copies_change_nothing_and_hide_nothing():
    """In a process of its own, which has one thread; with two of BLAS."""
    command = [sys.executable, "-W", "error", "-c", ALONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot be copied safely")
@pytest.mark.parametrize("parent", ["itself", "another, which was killed"])
def test_a_copy_whose_parent_is_gone_ends(parent):
    code = f"""
import os
from vifstats.deletion.parallel import copies
copies._begin(os.getppid() + {int(parent != "itself")})
print("begun")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == (("begun\n", 0) if parent == "itself" else ("", 1))


@pytest.mark.parametrize("told", [{}, {"JOBLIB_MULTIPROCESSING": "0"}], ids=["nothing", "one"])
def test_what_joblib_would_be_told_is_obeyed(told):
    """Though it is not in memory."""
    code = "from vifstats.deletion.parallel import Engine; print(Engine(n_jobs=2).copies)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | told
    )
    assert done.stdout.strip() == ("2" if not told and sys.platform == "linux" else "0")


def test_a_process_with_threads_is_not_copied(monkeypatch):
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.setattr(copies, "THREADED", {"a library that is not loaded"})
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"internal_api": "openblas"}])
    assert copies.can_copy() == (sys.platform == "linux")
    for place, value in (
        ("vifstats.deletion.parallel.copies.THREADED", {"numpy"}),
        ("vifstats.deletion.parallel.copies.sys", SimpleNamespace(platform="darwin", modules={})),
        ("threading.active_count", lambda: 2),
        ("threadpoolctl.threadpool_info", lambda: [{"internal_api": "mkl"}]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, value)
            assert not copies.can_copy()
