"""Calls that overlap leave the threads of BLAS as they were."""

from __future__ import annotations

import pytest
from faults import python, run

pytest.importorskip("threadpoolctl")

# In a process whose BLAS begins with two threads: OpenBLAS that began with one is deaf to others.
OVERLAPPING = """
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident
import numpy as np
from threadpoolctl import threadpool_info
import vifstats as vs

class Waiting(vs.losses.Cox):
    def reduced_slopes_at(self, theta, removals):
        if get_ident() != self.here:
            self.begun.set()
            assert self.go.wait(60)
        return super().reduced_slopes_at(theta, removals)

def waiting(seed):
    rng = np.random.default_rng(seed)
    loss = Waiting(rng.normal(size=(9, 2)), rng.exponential(size=9))
    loss.begun, loss.go, loss.here = Event(), Event(), get_ident()
    return vs.minimize(loss, np.zeros(2))

def blas():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

for first in (0, 1):
    both, calls = [waiting(seed) for seed in (1, 2)], []
    before = blas()
    with ThreadPoolExecutor(2) as threads:
        for est in both:
            calls.append(threads.submit(vs.leave_one_out, est, objects=[0, 1]))
            assert est.loss.begun.wait(60)
        assert blas() == {1}, "both are at work"
        for k in (first, 1 - first):
            both[k].loss.go.set()
            calls[k].result(60)
        assert blas() == before
        failing = waiting(3)
        failing.loss.go = None  # what waits for it raises
        assert threads.submit(vs.leave_one_out, failing).exception(60) is not None
        assert blas() == before
"""


def test_calls_that_overlap_bring_back_what_there_was(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    ended = run(python(OVERLAPPING), tmp_path)
    assert ended.code == 0, ended.err
