"""Folders that can be written to, and files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vifstats.errors import InvalidInputError

__all__ = ["replacing", "writable_folder"]


def writable_folder(path: str | Path, role: str = "output") -> Path:
    """The folder at `path`, made if need be; found out before any work, not after it.

    Parameters
    ----------
    path : str or Path
    role : str
        What it is called in an error.

    Returns
    -------
    Path

    Raises
    ------
    InvalidInputError
        If it cannot be made or written to.

    Examples
    --------
    >>> writable_folder(".")
    PosixPath('.')
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        raise InvalidInputError(
            f"The {role} must be a folder, but {str(path)!r} cannot be made ({error.strerror}); "
            "name another."
        ) from error
    if not writable:
        raise InvalidInputError(f"The {role} folder {str(path)!r} must be writable; name another.")
    return folder


@contextmanager
def replacing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that takes its name only once it is complete; mode "w" is UTF-8, "wb" bytes."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "")
    try:
        with part.open(mode, encoding=encoding, newline=newline) as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise InvalidInputError(
            f"{str(path)!r} must be writable, but is not ({error.strerror}); name another folder."
        ) from error
    finally:
        part.unlink(missing_ok=True)
