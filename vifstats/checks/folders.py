"""Folders that can be written to, and files that are either complete or absent."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from vifstats.checks.scalars import file_path
from vifstats.checks.unfinished import sweep, unfinished_file
from vifstats.errors import InvalidInputError

__all__ = [
    "create",
    "name_when_written",
    "reason",
    "replacing",
    "replacing_all",
    "writable_folder",
]


def writable_folder(path: str | Path, role: str = "output") -> Path:
    """The folder at `path`, made if needed and tried before any work.

    Half-written files that a killed run has left in it are removed.

    InvalidInputError, which calls the folder `role`, if it cannot be made or written to.

    Examples
    --------
    >>> writable_folder(".")
    PosixPath('.')
    """
    folder = file_path(path, role)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except (OSError, ValueError) as error:  # a null byte is a ValueError
        raise InvalidInputError(
            f"The {role} must be a folder, but {str(path)!r} cannot be made ({reason(error)}); "
            "name another."
        ) from error
    if not writable:
        raise InvalidInputError(f"The {role} folder {str(path)!r} must be writable; name another.")
    sweep(folder)
    return folder


@contextmanager
def replacing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that gets its name only once it is complete; mode "w" is UTF-8, "wb" bytes."""
    with replacing_all([path], mode) as (file,):
        yield file


@contextmanager
def replacing_all(paths: Sequence[Path], mode: str = "w") -> Iterator[list[IO[Any]]]:
    """Files that get their names only once all of them are complete and on the disk."""
    options = {} if "b" in mode else TEXT
    current = paths[0]
    try:
        with ExitStack() as parts:
            files, names = [], []
            for current in paths:
                name, descriptor = parts.enter_context(unfinished_file(current.parent))
                file = os.fdopen(descriptor, mode, **options)
                files.append(parts.enter_context(file))
                names.append(name)
            yield files
            for current, file in zip(paths, files, strict=True):
                file.flush()
                os.fsync(file.fileno())
                _require_no_folder(current)
            for current, name, file in zip(paths, names, files, strict=True):
                if os.name == "nt":  # elsewhere it stays open: its lock keeps sweeps away
                    file.close()
                name.replace(current)
        for folder in {path.parent for path in paths}:
            _keep_names(folder)
    except OSError as error:
        raise InvalidInputError(
            f"{str(current)!r} must be writable, but is not ({reason(error)}); name another folder."
        ) from error


def create(path: Path, text: str) -> None:
    """Create a complete file; one that exists already, even since a moment ago, is kept."""
    try:
        with unfinished_file(path.parent) as (name, descriptor):
            with os.fdopen(descriptor, "w", closefd=False, **TEXT) as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            _take_name(name, path)
        _keep_names(path.parent)
    except OSError as error:
        raise InvalidInputError(
            f"{str(path)!r} must be writable, but is not ({reason(error)}); name another folder."
        ) from error


def name_when_written(unfinished: Path, path: Path) -> None:
    """Give a new folder its name once all files in it are on the disk."""
    for part in unfinished.iterdir():
        descriptor = os.open(part, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    _keep_names(unfinished)
    unfinished.rename(path)
    _keep_names(path.parent)


def _take_name(name: Path, path: Path) -> None:
    try:
        os.link(name, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        name.replace(path)


# A lone surrogate, as of a file name that is no text, has no bytes in UTF-8: it is written \udc80.
TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}


def reason(error: Exception) -> str:
    """The reason that the operating system gives."""
    return getattr(error, "strerror", None) or str(error)


def _require_no_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")


def _keep_names(folder: Path) -> None:
    """Make new names survive a power cut, where folders can be flushed."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
