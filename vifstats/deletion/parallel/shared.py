"""A value that many tasks need, sent to each process once.

An engine pickles every task. `Shared` pickles as the name of a file: it is written when the first
task leaves this process, if any does, and each process that gets one reads it once.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

__all__ = ["InMessage", "Shared", "value_of"]

# Values kept by a worker: those of two calls may take turns there.
KEPT = 2


class Shared:
    """A value for every task.

    `value`: functions in it may be lambdas: cloudpickle, which comes with joblib, pickles them;
    `folder`: where the file goes.
    """

    def __init__(self, value: Any, folder: Path) -> None:
        self.value = value
        self._folder = folder

    def __reduce__(self) -> tuple[Callable, tuple]:
        return InFile, (self._file.digest, self._file.path)

    @cached_property
    def _file(self) -> "InFile":
        from joblib import wrap_non_picklable_objects

        pickled = pickle.dumps(wrap_non_picklable_objects(self.value, keep_wrapper=False))
        digest = sha256(pickled).hexdigest()
        path = (self._folder / f"{digest}.pickle").resolve()
        path.write_bytes(pickled)
        return InFile(digest, str(path))

    def in_message(self) -> "InMessage":
        """The value as bytes, for machines that do not see the file."""
        return InMessage(self._file.digest, Path(self._file.path).read_bytes())


@dataclass(frozen=True)
class InFile:
    """What a `Shared` is in another process."""

    digest: str
    path: str = field(compare=False)

    def read(self) -> Any:
        """The value."""
        return pickle.loads(Path(self.path).read_bytes())


@dataclass(frozen=True)
class InMessage:
    """A value that travels with each task, and is unpickled once."""

    digest: str
    pickled: bytes = field(compare=False, repr=False)

    def read(self) -> Any:
        """The value."""
        return pickle.loads(self.pickled)


def value_of(shared: InFile | InMessage) -> Any:
    """The value, read by each process once.

    Raises FileNotFoundError on a machine that does not see the file.
    """
    with _READING:
        return _read(shared)


# Threads of one worker wait for the first that reads.
_READING = Lock()


@lru_cache(maxsize=KEPT)
def _read(shared: InFile | InMessage) -> Any:
    return shared.read()
