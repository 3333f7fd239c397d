"""Delicious, Mediamill and RCV1: where they are looked for, and what is taken for them."""

from __future__ import annotations

import numpy as np
import pytest

import vifstats.datasets.multilabel.published as published
from vifstats.datasets import load_delicious, load_mediamill, load_rcv1
from vifstats.errors import DataMismatchError, MissingDataError

TEXT = "2 120 101\n0,100 0:0.5 119:1\n3 7:0.25\n"


def arff(rows: str) -> str:
    attributes = [f"@attribute Att{k} numeric" for k in range(120)]
    attributes += [f"@attribute Class{k} {{0,1}}" for k in range(101)]
    return "\n".join(["@relation media", *attributes, "@data", rows]) + "\n"


@pytest.fixture(autouse=True)
def no_folder(monkeypatch):
    monkeypatch.delenv("VIFSTATS_DATA", raising=False)


@pytest.mark.parametrize("load", [load_delicious, load_mediamill, load_rcv1])
def test_both_ways_to_get_it_are_told(load, tmp_path, monkeypatch):
    message = "either pass its path, or set VIFSTATS_DATA"
    with pytest.raises(MissingDataError, match=f"VIFSTATS_DATA is not set.*http.*{message}"):
        load()
    monkeypatch.setenv("VIFSTATS_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match="there is none in"):
        load()
    with pytest.raises(MissingDataError, match="nowhere"):
        load(tmp_path / "nowhere.txt")


def test_mediamill_from_the_folder_or_a_path(tmp_path, monkeypatch):
    (tmp_path / "Mediamill_data.txt").write_text(TEXT)
    monkeypatch.setenv("VIFSTATS_DATA", str(tmp_path))
    for data in (load_mediamill(), load_mediamill(tmp_path / "Mediamill_data.txt")):
        assert data.X.shape == (2, 120) and data.Y.shape == (2, 101)
        assert data.Y[[0], :].nonzero()[1].tolist() == [0, 100]


def test_mediamill_from_the_two_files_of_mulan(tmp_path):
    (tmp_path / "mediamill-train.arff").write_text(arff("{0 0.5,119 1,120 1}\n{7 0.25}"))
    with pytest.raises(MissingDataError, match="must have mediamill-test.arff beside it"):
        load_mediamill(tmp_path)
    (tmp_path / "mediamill-test.arff").write_text(arff("{0 0.125,220 1}"))
    data = load_mediamill(tmp_path)
    assert data.is_test.tolist() == [False, False, True]
    assert data.X.toarray()[:, 0].tolist() == [0.5, 0.0, 0.125]
    assert data.Y.toarray()[2, 100] == 1
    (tmp_path / "mediamill-test.arff").write_text(arff("{0 1}").replace("Att3", "other"))
    with pytest.raises(DataMismatchError, match="must have the same attributes"):
        load_mediamill(tmp_path)


def test_another_data_set_is_refused(tmp_path):
    other = tmp_path / "Mediamill_data.txt"
    other.write_text("1 3 2\n0 1:0.5\n")
    with pytest.raises(DataMismatchError, match="has 120 features and 101 labels"):
        load_mediamill(other)


def arrays(n: int = 4) -> dict[str, np.ndarray]:
    """A file of the layout of `read_arrays`, of the size of RCV1 but for its rows."""
    return {
        "shape": np.array([n, 47236, 101]),
        "X_indptr": np.arange(n + 1),
        "X_indices": np.array([0, 5, 47235, 3], dtype=np.uint16),
        "X_binary": np.array(0, dtype=np.uint8),
        "X_data": np.full(n, 0.5, dtype=np.float32),
        "Y_indptr": np.arange(n + 1, dtype=np.uint32),
        "Y_indices": np.array([0, 100, 7, 7], dtype=np.uint16),
        "is_test": np.full(n, 255, dtype=np.uint8),
        "feature_names": np.array(["f"] * 47236),
        "label_names": np.array(["l"] * 101),
    }


def test_only_the_very_file_is_taken_under_its_name(tmp_path, monkeypatch):
    path = tmp_path / "rcv1sub1.npz"
    np.savez(path, **arrays())
    with pytest.raises(DataMismatchError, match="must have the SHA-256 9b9308cc"):
        load_rcv1(path)
    monkeypatch.setitem(published.DIGESTS, "rcv1sub1.npz", published_digest(path))
    data = load_rcv1(path)
    assert data.X.shape == (4, 47236) and data.X.data.tolist() == [0.5] * 4
    assert data.Y.nonzero()[1].tolist() == [0, 100, 7, 7]
    assert data.is_test is None
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataMismatchError, match="not copied in full"):
        load_rcv1(path)


def published_digest(path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
