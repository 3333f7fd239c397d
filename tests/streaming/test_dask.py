"""The lines of the documentation for Dask, on two processes."""

from __future__ import annotations

import dask
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster

import vifstats as vs

PARTS = {"time": "time", "event": "event", "columns": ["a", "b"]}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(600, 2)), columns=["a", "b"])
    return table.assign(time=np.repeat(np.arange(200.0), 3), event=rng.random(600) < 0.6)


def test_two_processes_give_the_same_bits(client, rows, tmp_path):
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=100, index=False)
    chunks = vs.streaming.row_groups(tmp_path / "rows.parquet")
    fit = {"newton_steps": 4, "top": 3}
    one = vs.streaming.cox([0.0, 0.0], chunks, **PARTS, **fit, to=tmp_path / "one")
    two = vs.streaming.cox([0.0, 0.0], chunks, **PARTS, **fit, to=tmp_path / "two", map=client.map)
    assert pd.read_parquet(one.path).equals(pd.read_parquet(two.path))
    assert two.top.equals(one.top)
    assert np.array_equal(two.hessian, one.hessian)


def test_partitions_of_a_dask_frame_are_chunks(client, rows, tmp_path):
    import dask.dataframe as dd  # in older versions it warns of what dask[dataframe] adds

    with dask.config.set({"dataframe.convert-string": False}):
        partitions = list(dd.from_pandas(rows, npartitions=5).partitions)
    options = {**PARTS, "newton_steps": 4, "top": 600}
    found = vs.streaming.cox([0.0, 0.0], partitions, **options, map=client.map)
    expected = vs.streaming.cox([0.0, 0.0], [rows], **options)
    assert np.allclose(found.top.sort_index(), expected.top.sort_index(), rtol=1e-10, atol=0)


def test_an_error_in_another_process_names_chunk_and_row(client, rows):
    bad = rows.assign(a=rows["a"].where(rows.index != 450))
    chunks = [bad[:200].reset_index(drop=True), bad[200:].reset_index(drop=True)]
    with pytest.raises(vs.errors.InvalidInputError, match="In chunk 1: .* nan in row 250"):
        vs.streaming.cox([0.0, 0.0], chunks, **PARTS, map=client.map)
