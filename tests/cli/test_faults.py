"""Whatever ends the command, its files are the old ones or the new ones, and somebody is told."""

from __future__ import annotations

import os
import re
import signal

import pytest
from faults import disk, folder_to_read, python, run, running

from vifstats.cli import main

FILES = ["influence.csv", "influence.json", "report.html", "report.json"]
QUICK = ["cox", "--covariates", "fin,prio", "--seconds", "0", "--top", "0"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals, mounts and shells of POSIX")

# The command, in a process of its own; its pictures would take most of the time.
COMMAND = f"""
import time
import vifstats.cli.command as command
import vifstats.plots
vifstats.plots.as_svg = lambda draw, **options: "<svg></svg>"
if "stop" in sys.argv:  # while the four files are half-written
    def stop(*args):
        open("writing", "w").close()
        time.sleep(600)
    command.report_texts = stop
code = command.main({QUICK!r} + ["-o", "out"])
sys.exit(code or open("said/out").fileno() < 3)  # where input, output or errors belong
"""


def write_old_files(folder):
    for name in FILES:
        (folder / name).write_text("old")


def are_old(folder) -> list[bool]:
    return [(folder / name).read_text() == "old" for name in FILES]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.usefixtures("without_pictures")
def test_a_command_that_is_killed_leaves_the_old_files(number, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_old_files(out)
    with running(python(COMMAND, "stop"), tmp_path) as command:
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


def test_closed_descriptors_are_no_error(tmp_path):
    closed = ["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *python(COMMAND)]
    assert run(closed, tmp_path).code == 0
    out = tmp_path / "out"
    assert sorted(os.listdir(out)) == FILES
    # nor is anything printed into a file that took the place of standard output
    assert [(out / name).read_text().strip()[0] for name in FILES] == ["r", "{", "<", "{"]


def test_an_error_that_nobody_hears_has_its_exit_code_and_goes_nowhere_else(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr", None)  # as Python has it where the descriptor is closed
    assert main([*QUICK, "--top", "-1"]) == 2
    assert capfd.readouterr() == ("", "")


def test_no_temporary_folder_is_needed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tempfile._get_default_tempdir", lambda: pytest.fail("asked"))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert main([*QUICK, "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("without_pictures")
def test_a_full_disk_keeps_the_old_files(tmp_path, capsys):
    with disk(tmp_path / "disk", "64k") as small:  # which a report does not fit into
        write_old_files(small)
        assert main([*QUICK, "-o", str(small)]) == 2
        said = capsys.readouterr().err
        assert re.fullmatch("vifstats: error: .*No space left on device.*\n", said)
        assert sorted(os.listdir(small)) == FILES and all(are_old(small))


@pytest.mark.usefixtures("without_pictures")
def test_a_folder_that_may_only_be_read_is_named_and_keeps_the_old_files(tmp_path, capsys):
    with folder_to_read(tmp_path / "out", write_old_files) as out:
        assert main([*QUICK, "-o", str(out)]) == 2
        said = capsys.readouterr().err
        assert re.fullmatch("vifstats: error: .*out' must be writable.*\n", said)
        assert sorted(os.listdir(out)) == FILES and all(are_old(out))
