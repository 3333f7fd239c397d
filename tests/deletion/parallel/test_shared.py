"""A value pickles as the name of a file, which each process reads once."""

from __future__ import annotations

import os
import pickle
import stat

import pytest

from vifstats.deletion.parallel.shared import InFile, Shared, value_of


def test_a_value_that_never_leaves_is_never_written(tmp_path):
    with Shared("here", tmp_path) as shared:
        assert shared.value == "here"
    assert os.listdir(tmp_path) == []


def test_it_travels_as_the_name_of_one_file(tmp_path):
    shared = Shared({"numbers": list(range(10_000)), "function": lambda x: x + 1}, tmp_path)
    sent = [pickle.dumps(shared) for _ in range(2)]
    assert sent[0] == sent[1] and len(sent[0]) < 1000 and len(os.listdir(tmp_path)) == 1
    arrived = [pickle.loads(each) for each in sent]
    assert isinstance(arrived[0], InFile)
    first, second = map(value_of, arrived)
    assert first is second, "read once"
    assert first["function"](1) == 2 and len(first["numbers"]) == 10_000


def test_where_the_file_is_out_of_sight_the_value_can_be_sent(tmp_path):
    shared = Shared("out of sight", tmp_path)
    arrived, message = pickle.loads(pickle.dumps(shared)), shared.in_message()
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        value_of(arrived)
    assert value_of(pickle.loads(pickle.dumps(message))) == "out of sight"


class Planted:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("planted",)


def test_what_was_put_in_the_place_of_the_file_is_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Shared("not yet read", tmp_path) as shared:
        arrived = pickle.loads(pickle.dumps(shared))
        with open(arrived.path, "wb") as file:
            file.write(pickle.dumps(Planted()))
        with pytest.raises(OSError, match="another"):
            value_of(arrived)
        assert not (tmp_path / "planted").exists()
        assert value_of(shared.in_message()) == "not yet read", (
            "what was pickled, not what is there"
        )


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_the_data_are_for_their_owner_alone_and_go_with_the_work(tmp_path):
    with Shared("mine", tmp_path) as shared:
        pickle.dumps(shared)
        (path,) = tmp_path.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == []
