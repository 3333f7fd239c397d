"""Refits on Dask: as a backend of joblib, as an executor, and with a worker that dies."""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process

import joblib
import numpy as np
import pytest
from cases import BY_NAME
from dask.distributed import Client, LocalCluster

import vifstats as vs

NAMES = ["cox everything", "logistic ridge", "random effects", "node embedding"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Two worker processes on this machine; any free port, as other test processes have theirs."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that there is something to distribute."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", 8)


@pytest.mark.parametrize("name", NAMES)
def test_dask_as_a_backend_of_joblib(name, client):
    est = BY_NAME[name].estimate()
    with joblib.parallel_config("dask"):
        found = vs.leave_one_out(est)
    np.testing.assert_array_equal(found.values, vs.leave_one_out(est).values)


@pytest.mark.parametrize("name", NAMES)
def test_dask_as_an_executor(name, client):
    est = BY_NAME[name].estimate()
    serial = vs.leave_one_out(est).values
    with client.get_executor() as executor:
        np.testing.assert_array_equal(vs.leave_one_out(est, executor=executor).values, serial)
    np.testing.assert_array_equal(vs.leave_one_out(est, executor=client).values, serial)


def test_a_worker_that_dies_is_replaced(client, tmp_path):
    """By Dask's nanny; the scheduler gives its blocks to another."""
    trouble = tmp_path / "trouble"
    trouble.write_text("")

    class Mean(vs.MEstimator):
        def reduced_slopes(self, thetas, removals):
            if removals.codes[20] >= 0 and parent_process() is not None and trouble.exists():
                trouble.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().reduced_slopes(thetas, removals)

    y = np.random.default_rng(1).normal(size=40)
    est = vs.minimize(Mean(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y), [0.0])
    with client.get_executor() as executor:
        found = vs.leave_one_out(est, executor=executor, checkpoint=tmp_path / "checkpoint")
    assert not trouble.exists()
    np.testing.assert_array_equal(found.values, vs.leave_one_out(est).values)
