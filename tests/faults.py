"""Processes that are killed, disks that are full, folders that may only be read.

A process runs in a session of its own and writes to files: workers that outlive it would keep a
pipe open, and whoever reads from that would wait for them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
import pytest

import vifstats as vs

# No process of these tests needs a tenth of it; one that stalls fails its test.
SECONDS = 120
TESTS = str(Path(__file__).parent)


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A process that may be looked at, sent a signal, and waited for."""

    process: subprocess.Popen
    folder: Path

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be true."""
        end = time.monotonic() + SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"it did not come to that: {self._said('err')}")
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        """To the process alone, not to its workers."""
        self.process.send_signal(number)

    def ended(self) -> Ended:
        """Wait for it to end."""
        code = self.process.wait(SECONDS)
        return Ended(code, self._said("out"), self._said("err"))

    def _said(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[Running]:
    """A process, gone with all that it started at the end."""
    said = folder / "said"
    said.mkdir(exist_ok=True)
    with (said / "out").open("w") as out, (said / "err").open("w") as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        yield Running(process, said)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(command: list[str], folder: Path) -> Ended:
    """A process, to its end."""
    with running(command, folder) as process:
        return process.ended()


def python(script: str, *arguments: str) -> list[str]:
    """The command of a script, which may import from the tests."""
    return [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {TESTS!r})\n{script}",
        *arguments,
    ]


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, in memory; its test is skipped where there may be none."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, timeout=SECONDS).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("only root may mount a disk, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=SECONDS)  # also if busy


@contextmanager
def folder_to_read(folder: Path, fill: Callable[[Path], object]) -> Iterator[Path]:
    """A folder that may only be read once it is filled; for root, who may all, a disk."""
    if os.geteuid() != 0:
        folder.mkdir()
        fill(folder)
        folder.chmod(0o500)
        yield folder
        return
    with disk(folder, "1m"):
        fill(folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True, timeout=SECONDS)
        yield folder


class Watched(vs.losses.Cox):
    """A Cox model that workers refit slowly, and from which one row kills them."""

    deadly: int | None = None

    def reduced_slopes(self, thetas, removals):
        if parent_process() is not None:
            time.sleep(0.02)
            if self.deadly is not None and removals.codes[self.deadly] >= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().reduced_slopes(thetas, removals)


def watched(n: int, deadly: int | None = None) -> vs.Estimate:
    """Its fit to n rows."""
    rng = np.random.default_rng(5)
    X, event = rng.normal(size=(n, 2)), rng.random(n) < 0.7
    loss = Watched(X, rng.exponential(size=n), event)
    loss.deadly = deadly
    return vs.minimize(loss, np.zeros(2))
