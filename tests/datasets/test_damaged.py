"""Files that are damaged, cut, out of reach or made up end in an error of the package."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from vifstats import streaming
from vifstats.datasets import read_table
from vifstats.datasets.multilabel import read_arrays
from vifstats.datasets.multilabel.extreme_classification import read_extreme_classification
from vifstats.datasets.multilabel.mulan import read_mulan_arff
from vifstats.errors import VifError

TABLE = b"t,e,x\n" + b"".join(b"%d,1,%d\n" % (k, k * k % 7) for k in range(500))


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", TABLE)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        about = tarfile.TarInfo("t.csv")
        about.size = len(TABLE)
        archive.addfile(about, io.BytesIO(TABLE))
    return file.getvalue()


PACKED = {
    "csv.gz": gzip.compress(TABLE),
    "csv.bz2": bz2.compress(TABLE),
    "csv.xz": lzma.compress(TABLE),
    "zip": zipped(),
    "tar": tarred(),
}


@pytest.mark.parametrize("ending", PACKED)
def test_packed_tables_are_read_whole_or_not_at_all(ending, tmp_path):
    path, content = tmp_path / f"t.{ending}", PACKED[ending]
    path.write_bytes(content)
    assert len(read_table(path)) == 500
    for damaged in (
        content[: min(len(content), len(TABLE)) // 2],  # a tar ends in kilobytes of nothing
        content[:10],
        b"abc\n",
        content[:20] + b"\xff" * 40 + content[60:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(VifError):
            read_table(path)


@pytest.mark.parametrize("ending", ["csv.zst", "csv.gz", "parquet", "zip", "csv.xz", "tar.gz"])
@pytest.mark.parametrize(
    "content", [b"", b"abc\n", b"PAR1" + bytes(100) + b"PAR1", b"\x1f\x8b\x08"]
)
def test_what_is_no_table_is_refused(ending, content, tmp_path):
    path = tmp_path / f"t.{ending}"
    path.write_bytes(content)
    with pytest.raises(VifError, match=r"t\."):
        read_table(path)
    if ending == "parquet":
        with pytest.raises(VifError):
            streaming.row_groups(path)


@pytest.mark.parametrize("path", ["a" * 300, "a\0b", "x/" * 3000, "nowhere/t.csv"])
def test_paths_that_lead_nowhere_are_refused(path):
    with pytest.raises(VifError, match="A table must be a file|must be a path"):
        read_table(path)


def arrays(**changes):
    held = {
        "shape": [2, 3, 3],
        "X_binary": 1,
        "X_indptr": [0, 1, 2],
        "X_indices": [1, 2],
        "Y_indptr": [0, 1, 2],
        "Y_indices": [0, 2],
        "is_test": [0, 1],
        "feature_names": ["a", "b", "c"],
        "label_names": ["d", "e", "f"],
    }
    return held | changes


MADE_UP = {
    "indices far outside": {"Y_indices": [2**40, -(2**40)]},
    "an index too large": {"X_indices": [1, 3]},
    "a negative index": {"Y_indices": [-1, 2]},
    "indices no integers": {"Y_indices": [0.5, 2]},
    "starts that fall": {"Y_indptr": [0, 5, 2]},
    "starts too few": {"X_indptr": [0, 2]},
    "starts beyond the end": {"X_indptr": [0, 1, 9]},
    "a negative start": {"X_indptr": [-1, 1, 2]},
    "values too few": {"X_binary": 0, "X_data": [1.0]},
    "no values": {"X_binary": 0},
    "a split too short": {"is_test": [0]},
    "too few names": {"feature_names": ["a"]},
    "a negative shape": {"shape": [-2, 3, 3]},
    "a shape of four": {"shape": [2, 3, 3, 1]},
    "a huge shape": {"shape": [2**62, 3, 3]},
    "words for indices": {"X_indices": ["a", "b"]},
    "objects": {"X_indices": np.array([None, 1], dtype=object)},
}


def test_arrays_that_fit_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays())
    data = read_arrays(tmp_path / "a.npz")
    assert data.Y.toarray().tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("case", MADE_UP)
def test_arrays_that_do_not_fit_are_refused_before_scipy_reads_them(case, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays(**MADE_UP[case]))
    with pytest.raises(VifError, match="a.npz"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff\xfe\x00", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_multi_label_file_is_refused(content, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(content)
    for read in (read_arrays, read_extreme_classification, lambda path: read_mulan_arff(path, 1)):
        with pytest.raises(VifError):
            read(path)
