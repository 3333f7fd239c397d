"""Downloads: whole, checked and kept, or not there at all; no network is asked."""

import hashlib
from io import BytesIO
from urllib.error import URLError

import pytest

from vifstats.datasets.downloads import PublicFile, cache_folder, fetch
from vifstats.errors import DataMismatchError, MissingDataError

CONTENTS = bytes(range(256)) * 1000
FILE = PublicFile("Numbers", "https://a.test/b/n.h5", hashlib.sha256(CONTENTS).hexdigest())


class Broken(BytesIO):
    """A connection that ends in the middle."""

    def read(self, size=-1):
        if self.tell():
            raise ConnectionResetError("connection reset by peer")
        return super().read(size)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def answers(monkeypatch):
    """Let `urlopen` give these, one after the other; an exception is raised."""

    def prepare(*answers):
        left = list(answers)

        def urlopen(url, timeout):
            assert url == FILE.url and timeout > 0
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr("urllib.request.urlopen", urlopen)

    return prepare


def test_once_downloaded_it_is_kept(answers):
    answers(BytesIO(CONTENTS))
    first = fetch(FILE)
    assert first.read_bytes() == CONTENTS
    assert fetch(FILE) == first == cache_folder() / "n.h5"
    assert list(cache_folder().iterdir()) == [first]


@pytest.mark.parametrize(
    "answer", [URLError("no route to host"), Broken(CONTENTS), TimeoutError("timed out")]
)
def test_without_a_network_both_ways_are_told_and_nothing_is_left(answers, answer):
    answers(answer, BytesIO(CONTENTS))
    with pytest.raises(MissingDataError, match="Either connect and call again, or copy n.h5") as e:
        fetch(FILE)
    assert "VIFSTATS_DATA" in str(e.value) and FILE.url in str(e.value)
    assert list(cache_folder().iterdir()) == []
    assert fetch(FILE).read_bytes() == CONTENTS


def test_another_file_is_refused_and_not_kept(answers):
    answers(BytesIO(CONTENTS[:-1]))
    with pytest.raises(DataMismatchError, match="nothing was kept"):
        fetch(FILE)
    assert list(cache_folder().iterdir()) == []


def test_a_damaged_file_in_the_cache_is_refused(answers):
    answers(BytesIO(CONTENTS))
    fetch(FILE).write_bytes(CONTENTS[:-1])
    with pytest.raises(DataMismatchError, match="not copied in full"):
        fetch(FILE)


def test_a_cache_that_cannot_be_made_is_said(answers, tmp_path):
    cache_folder().write_text("a file where the folder should be")
    with pytest.raises(MissingDataError, match="cannot be had"):
        fetch(FILE)
