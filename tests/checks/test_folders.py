"""Folders that cannot be written to are found before work; files are whole or absent."""

import os

import pytest

from vifstats.checks.folders import replacing, writable_folder
from vifstats.errors import InvalidInputError


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="The checkpoint must be a folder"):
        writable_folder(tmp_path / "file" / "folder", "checkpoint")


def test_a_folder_without_the_right_to_write_is_refused(tmp_path, monkeypatch):
    """The right is taken from `os.access`: root, who may run this, could write anywhere."""
    monkeypatch.setattr("vifstats.checks.folders.os.access", lambda *_: False)
    with pytest.raises(InvalidInputError, match="must be writable"):
        writable_folder(tmp_path)


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_file_that_is_cut_off_leaves_the_old_one(mode, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path, mode) as file:
        file.write("half" if mode == "w" else b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_an_error_in_words(tmp_path):
    with (
        pytest.raises(InvalidInputError, match="No space left on device"),
        replacing(tmp_path / "file") as file,
    ):
        file.write("half")
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []
