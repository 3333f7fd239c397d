"""Files and folders that keep a temporary name until they are complete.

The name is random and must be new (``O_EXCL``), so no link planted by others is followed. The
process that makes a file holds a lock on it as long as it lives. Files of a killed process have no
lock, and the next `sweep` removes them.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from stat import S_ISDIR, S_ISREG
from typing import Any

fcntl: Any
try:
    import fcntl
except ModuleNotFoundError:  # Windows, where nobody can remove a file that another has open
    fcntl = None

__all__ = ["sweep", "unfinished_file", "unfinished_folder"]

NAME = re.compile(r"\.vifstats-[0-9a-f]{16}\.(part|pickle|folder)")
NOT_A_LINK = getattr(os, "O_NOFOLLOW", 0)
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | NOT_A_LINK | getattr(os, "O_BINARY", 0)


@contextmanager
def unfinished_file(
    folder: Path, ending: str = "part", permissions: int = 0o666
) -> Iterator[tuple[Path, int]]:
    """A new file and its descriptor. At the end the descriptor is closed, and the name removed."""
    path, descriptor = _made(folder, ending, lambda path: os.open(path, NEW, permissions))
    try:
        yield path, descriptor
    finally:
        with suppress(OSError):  # closed already, by whoever made a file of it
            os.close(descriptor)
        path.unlink(missing_ok=True)


@contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A new folder, removed at the end if it still has its temporary name."""
    path, descriptor = _made(parent, "folder", _open_new_folder)
    try:
        yield path
    finally:
        if descriptor is not None:
            os.close(descriptor)
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove files that killed runs of this user left here, and none that are being written."""
    for path in folder.glob(".vifstats-*"):
        if NAME.fullmatch(path.name):
            with suppress(OSError):  # another sweeps as well, or may and we may not
                _remove_abandoned(path)


def _open_new_folder(path: Path) -> int | None:
    path.mkdir()
    return None if fcntl is None else os.open(path, os.O_RDONLY)


def _made(folder: Path, ending: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
    while True:
        path = folder / f".vifstats-{token_hex(8)}.{ending}"
        descriptor = make(path)
        # Before it was locked, a sweep may have taken the file for abandoned: then try once more.
        if _lock(descriptor) is not False and path.exists():
            return path, descriptor
        os.close(descriptor)


def _remove_abandoned(path: Path) -> None:
    about = path.lstat()
    is_folder = S_ISDIR(about.st_mode)
    if not (is_folder or S_ISREG(about.st_mode)):
        return
    remove = shutil.rmtree if is_folder else os.unlink
    if fcntl is None:
        remove(path)
    elif about.st_uid == os.geteuid():
        descriptor = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | NOT_A_LINK)
        try:
            if _lock(descriptor):
                remove(path)
        finally:
            os.close(descriptor)


def _lock(descriptor: int | None) -> bool | None:
    """True: it is ours; False: somebody else's; None: there are no locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nothing is ever swept there
        return None
    return True
