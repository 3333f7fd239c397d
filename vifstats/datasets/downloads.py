"""Public files that are fetched once, checked against a known digest, and kept in a cache."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from vifstats.checks.unfinished import sweep, unfinished_file
from vifstats.datasets.files import VARIABLE, require_digest
from vifstats.errors import DataMismatchError, MissingDataError

__all__ = ["PublicFile", "cache_folder", "fetch"]

SECONDS = 30.0
CHUNK = 1 << 16


@dataclass(frozen=True)
class PublicFile:
    """A file of which every byte is known."""

    # What errors call the data
    title: str
    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]


def cache_folder() -> Path:
    """Where downloads are kept: ``vifstats`` in the user's folder of caches.

    Examples
    --------
    >>> cache_folder().name
    'vifstats'
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vifstats"


def fetch(file: PublicFile) -> Path:
    """The file in the cache, downloaded if it is not there yet.

    It takes its name only once it is complete and its digest is right, so that nothing
    half-downloaded is ever found.

    Raises MissingDataError if it cannot be downloaded; the message has the two ways to get it.
    Raises DataMismatchError if what comes is another file.
    """
    target = cache_folder() / file.name
    if target.is_file():
        require_digest(target, file.sha256)
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent)
        with unfinished_file(target.parent) as (part, descriptor):
            found = _download(file.url, descriptor)
            if found != file.sha256:
                raise DataMismatchError(
                    f"{file.name} must have the SHA-256 {file.sha256}, but {file.url} sent one "
                    f"with {found}; nothing was kept. Try again, or get the file elsewhere."
                )
            part.replace(target)
    except OSError as error:  # urllib's errors are OSErrors
        raise MissingDataError(
            f"{file.title} is not part of this package and must be downloaded once, but {file.url} "
            f"cannot be had ({getattr(error, 'reason', error)}). Either connect and call again, or "
            f"copy {file.name} here and pass its path or set {VARIABLE} to the folder it is in."
        ) from error
    return target


def _download(url: str, descriptor: int) -> str:
    """Write what is at an address, and return its digest."""
    from urllib.request import urlopen  # forty modules that nobody needs who has the file

    digest = hashlib.sha256()
    with urlopen(url, timeout=SECONDS) as answer, os.fdopen(descriptor, "wb") as file:
        while chunk := answer.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
