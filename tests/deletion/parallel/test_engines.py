"""Engines: the same bits on each, the data sent once, and nothing lost when one breaks."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context, parent_process

import joblib
import numpy as np
import pytest
from cases import BY_NAME
from threadpoolctl import threadpool_info, threadpool_limits

import vifstats as vs
from vifstats.deletion.parallel import Blocks, Engine, Rows, in_blocks, one_blas_thread
from vifstats.deletion.parallel.shared import InFile
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.removals import Removals

SPAWN = get_context("spawn")


@pytest.fixture(autouse=True)
def blocks_of_32(monkeypatch):
    """So that there are some."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 32)


METHODS = pytest.mark.parametrize("method", [vs.leave_one_out, vs.truncated_refits])
MODELS = pytest.mark.parametrize(
    "name", ["cox everything", "logistic ridge", "random effects", "node embedding"]
)


@MODELS
@METHODS
def test_executors_change_nothing(name, method, pool, monkeypatch):
    """Bit for bit; small blocks, so that there is something to distribute."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 8)
    est = BY_NAME[name].estimate()
    serial = method(est)
    with ThreadPoolExecutor(2) as threads:
        for executor in (pool, threads):
            found = method(est, executor=executor)
            np.testing.assert_array_equal(found.values, serial.values)
            np.testing.assert_array_equal(found.failed, serial.failed)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@METHODS
def test_joblib_changes_nothing(backend, method, monkeypatch):
    """Backends that hand results back one by one, and one that does so in rounds."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 8)
    est = BY_NAME["cox everything"].estimate()
    with joblib.parallel_config(backend, n_jobs=2):
        found = method(est)
    np.testing.assert_array_equal(found.values, method(est).values)


def blocks_of(compute, n=20, size=1):
    return Blocks(compute, Removals.each(n), size=size, n_params=1)


def test_each_process_reads_the_data_once(pool, tmp_path):
    class Data:
        """Sizes of removals, and a note of where this is unpickled."""

        def __setstate__(self, state):
            with (tmp_path / str(os.getpid())).open("a") as file:
                file.write("read\n")

        def __getstate__(self):
            return {"numbers": bytes(10**6)}

        def __call__(self, removals):
            return Rows(removals.sizes[:, None], removals.sizes == 0)

    in_blocks(blocks_of(Data()), Engine(executor=pool))
    notes = [note.read_text() for note in tmp_path.iterdir()]
    assert 1 <= len(notes) <= 2 and set(notes) == {"read\n"}


def test_blas_has_one_thread_everywhere(pool, tmp_path):
    """The loss notes how many it sees; outside of refits there are two."""
    notes = tmp_path / "notes"

    def noting(theta, y):
        threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        if notes.exists():
            (notes / str(max(threads))).touch()
        return 0.5 * (y - theta[0]) ** 2

    est = vs.minimize(vs.MEstimator(noting, np.arange(5.0)), [0.0])
    notes.mkdir()
    with ThreadPoolExecutor(2) as threads, threadpool_limits(2, "blas"):
        for executor in (None, threads, pool):
            vs.leave_one_out(est, executor=executor)
        assert os.listdir(notes) == ["1"]
        est.loss.rows(est.theta)
        assert sorted(os.listdir(notes)) == ["1", "2"]


class Elsewhere:
    """An executor on a machine that does not see our files."""

    def submit(self, function, *args):
        arrived = pickle.loads(pickle.dumps(args))
        args = [replace(a, path="/nowhere") if isinstance(a, InFile) else a for a in arrived]
        future = Future()
        future.set_result(function(*args))
        return future


def test_machines_that_share_no_folder_get_the_data_with_the_blocks():
    offset = np.random.default_rng(0).normal()
    blocks = blocks_of(lambda removals: Rows(removals.sizes[:, None] * offset, removals.sizes == 0))
    assert (in_blocks(blocks, Engine(executor=Elsewhere())).values == offset).all()


def test_what_goes_wrong_in_a_block_is_raised_here(pool):
    def wrong(removals):
        raise ZeroDivisionError("in a block")

    for engine in (Engine(), Engine(executor=pool)):
        with pytest.raises(ZeroDivisionError, match="in a block"):
            in_blocks(blocks_of(wrong), engine)


@pytest.fixture
def trouble(tmp_path):
    """A file whose presence means trouble at row 70 of 100."""
    path = tmp_path / "trouble"
    path.write_text("")
    return path


def mean_with(at_row_70):
    """An M-estimator of 100 rows; something happens where row 70 is refitted."""
    y = np.random.default_rng(1).normal(size=100)

    class Mean(vs.MEstimator):
        def reduced_slopes(self, thetas, removals):
            if removals.codes[70] >= 0:
                at_row_70()
            return super().reduced_slopes(thetas, removals)

    return vs.minimize(Mean(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])


def test_a_killed_worker_costs_what_it_was_at(trouble, tmp_path):
    def die():
        if parent_process() is not None and trouble.exists():
            os.kill(os.getpid(), signal.SIGKILL)

    est, folder = mean_with(die), tmp_path / "checkpoint"
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.raises(BrokenProcessPool) as died:
        vs.leave_one_out(est, executor=pool, checkpoint=folder)
    assert died.value.__notes__[0].startswith("2 of 4 blocks are kept in")
    assert_resumed(est, folder, trouble)


@pytest.fixture
def heard() -> Iterator[None]:
    """Interrupts, which a shell has ignored by what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupt_costs_what_it_was_at(trouble, tmp_path):
    def interrupt():
        if trouble.exists():
            signal.raise_signal(signal.SIGINT)

    est, folder = mean_with(interrupt), tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt) as interrupted:
        vs.leave_one_out(est, checkpoint=folder)
    assert interrupted.value.__notes__[0].startswith("2 of 4 blocks are kept in")
    assert_resumed(est, folder, trouble)


@pytest.mark.usefixtures("heard")
def test_an_interrupt_while_a_pool_works_stops_what_is_waiting(trouble, tmp_path):
    """The worker interrupts us, once two blocks are kept, while we wait for the third."""
    folder = tmp_path / "checkpoint"

    sent = tmp_path / "sent"

    def interrupt():
        # once: a block asks for the loss many times, and a second one would hit the pool's end
        if trouble.exists() and parent_process() is not None and not sent.exists():
            while len(list(folder.glob("block-*"))) < 2:
                time.sleep(0.01)
            sent.touch()
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(0.5)

    est = mean_with(interrupt)
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.raises(KeyboardInterrupt):
        vs.leave_one_out(est, executor=pool, checkpoint=folder)
    assert_resumed(est, folder, trouble)


def assert_resumed(est, folder, trouble):
    """Without the trouble the same call ends with the same bits, from the blocks it finds."""
    begun = {path: path.stat().st_mtime_ns for path in folder.glob("block-*")}
    assert len(begun) == 2 and not list(folder.glob(".*")), "nothing half-written"
    trouble.unlink()
    resumed = vs.leave_one_out(est, checkpoint=folder)
    assert {path: path.stat().st_mtime_ns for path in begun} == begun
    np.testing.assert_array_equal(resumed.values, vs.leave_one_out(est).values)


WRONG = {
    "both": ({"n_jobs": 2, "executor": Elsewhere()}, InvalidInputError, "leave one out"),
    "no submit": ({"executor": print}, InvalidTypeError, "must have a method `submit`"),
    "a class": ({"executor": ThreadPoolExecutor}, InvalidTypeError, "the class ThreadPoolExecutor"),
    "no jobs": ({"n_jobs": 0}, InvalidInputError, "a number of workers"),
    "half a job": ({"n_jobs": 0.5}, InvalidInputError, "a number of workers"),
}


@pytest.mark.parametrize("case", WRONG)
@METHODS
def test_bad_engines_are_refused_before_any_work(case, method, tmp_path):
    options, error, said = WRONG[case]
    with pytest.raises(error, match=said):
        method(BY_NAME["mean"].estimate(), checkpoint=tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_an_executor_that_is_shut_down_is_an_error_of_ours():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(InvalidInputError, match="must take tasks, but ThreadPoolExecutor does not"):
        vs.leave_one_out(BY_NAME["mean"].estimate(), executor=pool)


def test_calls_that_overlap_leave_blas_as_it_was():
    """The second begins while the first is at work, and ends after it."""

    def threads():
        return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}

    first, second = one_blas_thread(), one_blas_thread()
    with threadpool_limits(2, "blas"):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}, "the second is still at work"
        second.__exit__(None, None, None)
        assert threads() == {2}


def test_one_process_needs_no_temporary_folder(monkeypatch):
    monkeypatch.setattr(
        "vifstats.deletion.parallel.shared.gettempdir", lambda: pytest.fail("asked")
    )
    vs.leave_one_out(BY_NAME["mean"].estimate())


def test_several_processes_without_a_temporary_folder_are_told_what_to_do(pool, monkeypatch):
    monkeypatch.setattr("vifstats.deletion.parallel.shared.gettempdir", lambda: "/proc/nowhere")
    # copies of this process need no file
    monkeypatch.setattr("vifstats.deletion.parallel.engines.can_copy", lambda: False)
    with pytest.raises(InvalidInputError, match="set TMPDIR"):
        vs.leave_one_out(BY_NAME["mean"].estimate(), executor=pool)
    with pytest.raises(InvalidInputError, match="set TMPDIR"):
        vs.leave_one_out(BY_NAME["mean"].estimate(), n_jobs=2)
