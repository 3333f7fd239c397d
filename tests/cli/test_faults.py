"""Whatever ends the command, its files are the old ones or the new ones, and somebody is told."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest
from faults import disk, folder_to_read, python, run, running

from vifstats.cli import main

FILES = ["influence.csv", "influence.json", "report.html", "report.json"]
QUICK = ["cox", "--covariates", "fin,prio", "--seconds", "0", "--top", "0"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals, mounts and shells of POSIX")

# The command, which stops while its four files are half-written.
STOPPED = f"""
import time
import vifstats.cli.command as command
import vifstats.plots
vifstats.plots.as_svg = lambda draw, **options: "<svg></svg>"  # they take most of the time
def stop(*args):
    open("writing", "w").close()
    time.sleep(600)
command.report_texts = stop
sys.exit(command.main({QUICK!r} + ["-o", "out"]))
"""


def write_old_files(folder):
    for name in FILES:
        (folder / name).write_text("old")


def are_old(folder) -> list[bool]:
    return [(folder / name).read_text() == "old" for name in FILES]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_command_that_is_killed_leaves_the_old_files(number, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_old_files(out)
    with running(python(STOPPED), tmp_path) as command:
        command.until((tmp_path / "writing").exists)
        assert len(os.listdir(out)) == 8, "four are half-written"
        command.send(number)
        ended = command.ended()
    assert all(are_old(out))
    if number == signal.SIGTERM:
        assert ended.code == 143 and sorted(os.listdir(out)) == FILES
        assert "nothing half-written is left behind" in ended.err
    else:
        assert ended.code == -9 and len(os.listdir(out)) == 8
        assert main([*QUICK, "-o", str(out)]) == 0
        assert sorted(os.listdir(out)) == FILES, "the next run removes what was left"
        assert not any(are_old(out))


def closed(line: str, *options: str) -> list[str]:
    """The command with some of its descriptors closed by a shell."""
    command = [sys.executable, "-m", "vifstats", *QUICK, *options]
    return ["sh", "-c", f'"$@" {line}', "sh", *command]


def test_closed_descriptors_are_no_error(tmp_path):
    assert run(closed(">&- 2>&- <&-", "-o", "out"), tmp_path).code == 0
    out = tmp_path / "out"
    assert sorted(os.listdir(out)) == FILES
    # a descriptor that was free is not taken for standard output
    assert [(out / name).read_text().strip()[0] for name in FILES] == ["r", "{", "<", "{"]


def test_an_error_that_nobody_hears_has_its_exit_code_and_goes_nowhere_else(tmp_path):
    ended = run(closed("2>&-", "--top", "-1"), tmp_path)
    assert (ended.code, ended.out) == (2, "")


def test_no_temporary_folder_is_needed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tempfile._get_default_tempdir", lambda: pytest.fail("asked"))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert main([*QUICK, "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


def test_a_full_disk_keeps_the_old_files(tmp_path, capsys):
    with disk(tmp_path / "disk", "64k") as small:  # which a report does not fit into
        write_old_files(small)
        assert main([*QUICK, "-o", str(small)]) == 2
        said = capsys.readouterr().err
        assert re.fullmatch("vifstats: error: .*No space left on device.*\n", said)
        assert sorted(os.listdir(small)) == FILES and all(are_old(small))


def test_a_folder_that_may_only_be_read_is_named_and_keeps_the_old_files(tmp_path, capsys):
    with folder_to_read(tmp_path / "out", write_old_files) as out:
        assert main([*QUICK, "-o", str(out)]) == 2
        said = capsys.readouterr().err
        assert re.fullmatch("vifstats: error: .*out' must be writable.*\n", said)
        assert sorted(os.listdir(out)) == FILES and all(are_old(out))
