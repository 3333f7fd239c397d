"""A value that many tasks need, sent to each process once.

An engine pickles every task. `Shared` pickles as the name of a file: it is written when the first
task leaves this process, if any does, and each process that gets one reads it once. Nobody but its
owner may read or write the file, and a process unpickles only what has the digest that it was told
with its task: whoever else can write to the folder runs nothing.
"""

import os
import pickle
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from pickle import PicklingError
from tempfile import gettempdir
from threading import Lock
from typing import Any

from vifstats.checks.unfinished import sweep, unfinished_file
from vifstats.deletion.parallel.copies import Inherited
from vifstats.errors import InvalidInputError

__all__ = ["InMessage", "Shared", "value_of"]

# Values kept by a worker: those of two calls may take turns there.
KEPT = 2
OWNER_ONLY = 0o600


class Shared:
    """A value for every task, within ``with``; its file goes with the end of that.

    `value`: functions in it may be lambdas: cloudpickle, which comes with joblib, pickles them;
    `folder`: where the file goes, if there is to be one; default that of temporary files.
    """

    def __init__(self, value: Any, folder: Path | None = None) -> None:
        self.value = value
        self._folder = folder
        self._files = ExitStack()
        self._lock, self._ended = Lock(), False

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._ended = True
            self._files.close()

    def __reduce__(self) -> tuple[Callable, tuple]:
        with self._lock:
            if self._ended:  # a pool still sends what was waiting: no new file for that
                raise PicklingError("the work that needs these data has ended")
            return InFile, (self._file.digest, self._file.path)

    @cached_property
    def _pickled(self) -> bytes:
        from joblib import wrap_non_picklable_objects

        return pickle.dumps(wrap_non_picklable_objects(self.value, keep_wrapper=False))

    @cached_property
    def _file(self) -> "InFile":
        try:
            folder = Path(gettempdir()) if self._folder is None else self._folder
            sweep(folder)
            with ExitStack() as files:  # what cannot be written to its end goes at once
                path, descriptor = files.enter_context(
                    unfinished_file(folder.resolve(), "pickle", OWNER_ONLY)
                )
                with os.fdopen(descriptor, "wb", closefd=False) as file:
                    file.write(self._pickled)
                self._files = files.pop_all()
        except OSError as error:
            raise InvalidInputError(
                "Other processes must find the data in a file, but it cannot be written "
                f"({error.strerror}); set TMPDIR to a folder with room, give a `checkpoint`, or "
                "leave `n_jobs` and `executor` out."
            ) from error
        return InFile(sha256(self._pickled).hexdigest(), str(path))

    def in_message(self) -> "InMessage":
        """The value as bytes, for machines that do not see the file."""
        return InMessage(sha256(self._pickled).hexdigest(), self._pickled)


@dataclass(frozen=True)
class InFile:
    """What a `Shared` is in another process."""

    digest: str
    path: str = field(compare=False)

    def read(self) -> Any:
        """The value."""
        return _verified(self.digest, Path(self.path).read_bytes())


@dataclass(frozen=True)
class InMessage:
    """A value that travels with each task, and is unpickled once."""

    digest: str
    pickled: bytes = field(compare=False, repr=False)

    def read(self) -> Any:
        """The value."""
        return _verified(self.digest, self.pickled)


def _verified(digest: str, pickled: bytes) -> Any:
    if sha256(pickled).hexdigest() != digest:
        raise FileNotFoundError("the file of this name is another")
    return pickle.loads(pickled)


def value_of(shared: InFile | InMessage | Inherited) -> Any:
    """The value, read by each process once.

    Raises OSError on a machine that does not see the file, or sees another in its place.
    """
    with _READING:
        return _read(shared)


# Threads of one worker wait for the first that reads.
_READING = Lock()


@lru_cache(maxsize=KEPT)
def _read(shared: InFile | InMessage | Inherited) -> Any:
    return shared.read()
