"""METABRIC and SUPPORT, from small files of their layouts."""

import dataclasses
import hashlib
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

import vifstats.datasets.survival as survival
from vifstats.datasets import load_metabric, load_support
from vifstats.errors import DataMismatchError, InvalidInputError, MissingDataError

N = 50


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No folder, an empty cache, no network."""
    monkeypatch.delenv("VIFSTATS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def urlopen(url, timeout):
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Both files of METABRIC, fifty rows of it, with the digests that they have."""
    source = survival.METABRIC
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, len(source.covariates))).astype(np.float32)
    time = rng.exponential(size=N).astype(np.float32)
    event = rng.integers(0, 2, N).astype(np.int32)
    public, table = tmp_path / source.file.name, tmp_path / source.table
    with h5py.File(public, "w") as file:
        for part, rows in (("train", slice(40)), ("test", slice(40, N))):
            file[f"{part}/x"], file[f"{part}/t"], file[f"{part}/e"] = (
                x[rows],
                time[rows],
                event[rows],
            )
    frame = pd.DataFrame(x, columns=list(source.covariates)).assign(time=time, event=event)
    frame.to_csv(table, index=False)
    small = dataclasses.replace(
        source,
        file=dataclasses.replace(source.file, sha256=digest(public)),
        table_sha256=digest(table),
        n_rows=N,
    )
    monkeypatch.setattr(survival, "METABRIC", small)
    return tmp_path


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_csv_and_hdf5_are_one_table(folder, monkeypatch):
    table = load_metabric(folder / "metabric.csv")
    public = load_metabric(folder / survival.METABRIC.file.name)
    monkeypatch.setenv("VIFSTATS_DATA", str(folder))
    for other in (public, load_metabric(folder), load_metabric()):
        pd.testing.assert_frame_equal(table, other, check_exact=True)
    assert list(table) == [*survival.METABRIC.covariates, "time", "event", "split"]
    assert table.index.name == "row" and table.index.equals(pd.RangeIndex(N))


def test_published_split_takes_a_fifth_and_then_a_fifth(folder):
    split = load_metabric(folder)["split"]
    assert split.value_counts().to_dict() == {"train": 32, "test": 10, "val": 8}
    assert split.index[split == "test"].tolist() == [2, 4, 10, 11, 22, 27, 28, 31, 38, 41]


def test_only_the_published_columns_are_scaled_by_the_training_rows(folder):
    raw, scaled = load_metabric(folder, scaled=False), load_metabric(folder)
    train = scaled.query("split == 'train'")
    names = list(survival.METABRIC.scaled)
    np.testing.assert_allclose(train[names].mean(), 0.0, atol=1e-12)
    np.testing.assert_allclose(train[names].std(ddof=0), 1.0, rtol=1e-12)
    pd.testing.assert_frame_equal(raw.drop(columns=names), scaled.drop(columns=names))


@pytest.mark.parametrize("load", [load_metabric, load_support])
def test_offline_without_data_the_ways_to_get_it_are_told(load, tmp_path):
    with pytest.raises(MissingDataError, match="Either connect and call again, or copy .*h5 here"):
        load()
    assert not list((tmp_path / "cache" / "vifstats").iterdir())
    with pytest.raises(MissingDataError, match="there is none in"):
        load(tmp_path / "nowhere")


def test_what_is_not_in_the_folder_comes_from_the_network(folder, monkeypatch, tmp_path):
    public = folder / survival.METABRIC.file.name
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: public.open("rb"))
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("VIFSTATS_DATA", str(tmp_path / "empty"))
    assert load_metabric().equals(load_metabric(public))
    assert (tmp_path / "cache" / "vifstats" / public.name).is_file()


def test_another_file_under_its_name_is_refused(folder):
    with (folder / "metabric.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(DataMismatchError, match="must have the SHA-256"):
        load_metabric(folder / "metabric.csv")


def test_another_table_is_refused(folder):
    other = folder / "other.csv"
    pd.read_csv(folder / "metabric.csv").head(3).to_csv(other, index=False)
    with pytest.raises(DataMismatchError, match="has 50 rows, but .* has 3"):
        load_metabric(other)


def test_hdf5_without_its_extra_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'vifstats\[data\]'"):
        load_metabric(folder / survival.METABRIC.file.name)
