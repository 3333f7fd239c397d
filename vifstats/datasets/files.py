"""Files of data that may not be redistributed: where they are looked for, and their digest."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from vifstats import checks
from vifstats.errors import DataMismatchError, MissingDataError

__all__ = ["VARIABLE", "find_file", "require_digest"]

VARIABLE = "VIFSTATS_DATA"


def find_file(title: str, names: Sequence[str], path: str | Path | None, source: str) -> Path:
    """The file that was given, else the first of these names in a folder.

    `title`: what errors call the data; `names`: file names, in order of preference; `path`: a file,
    or a folder with one of the names; default the folder that the environment variable
    VIFSTATS_DATA names; `source`: where a user gets it. Raises MissingDataError if there is no such
    file.
    """
    given = os.environ.get(VARIABLE) if path is None else path
    found = f"no path was given and {VARIABLE} is not set"
    if given is not None:
        place = checks.file_path(given, "path")
        for candidate in (place, *(place / name for name in names)):
            if candidate.is_file():
                return candidate
        found = f"there is none in {str(given)!r}"
    wanted = " or ".join(names)
    raise MissingDataError(
        f"{title} is not part of this package and must be a file {wanted}, but {found}. Get it "
        f"from {source}; then either pass its path, or set {VARIABLE} to the folder it is in."
    )


def require_digest(path: Path, sha256: str) -> None:
    """Raise unless a file is, to the byte, the one whose digest is known.

    Raises DataMismatchError if it is another, or a part of it.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise DataMismatchError(
            f"{path.name} must have the SHA-256 {sha256}, but {str(path)!r} has {found}: it is "
            "another version, or was not copied in full; get it again."
        )
