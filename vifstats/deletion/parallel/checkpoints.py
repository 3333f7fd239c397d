"""Finished blocks in a folder, so that work that was cut off goes on where it was."""

import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vifstats.checks.folders import replacing
from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.fingerprints import Fingerprint
from vifstats.errors import InvalidInputError

__all__ = ["Checkpoint", "read_fingerprint"]

WORK = "work.json"
# What zipfile and NumPy raise where bytes are missing or others.
UNREADABLE = (BadZipFile, EOFError, KeyError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Checkpoint:
    """A folder with work.json, which says what is computed, and a file for each finished block.

    Every file takes its name only once it is complete.
    """

    folder: Path

    @classmethod
    def of(cls, folder: Path, work: Fingerprint) -> "Checkpoint":
        """The checkpoint of this work in this folder, new or begun.

        Raises
        ------
        InvalidInputError
            If the folder holds other work.
        """
        path = folder / WORK
        if not path.exists():
            with replacing(path) as file:
                json.dump(work.to_json(), file)
            return cls(folder)
        difference = work.difference(read_fingerprint(path))
        if difference:
            raise InvalidInputError(
                "`checkpoint` must be a new folder or that of the same work, but "
                f"{str(folder)!r} holds other work: {difference}. Name another folder, or delete "
                "this one."
            )
        return cls(folder)

    def finished(self, blocks: Blocks) -> dict[int, Rows]:
        """The blocks that are there, by number."""
        numbers = [k for k in range(len(blocks)) if self._path(k).exists()]
        return {k: self._read(k, (len(blocks.positions(k)), blocks.n_params)) for k in numbers}

    def write(self, k: int, rows: Rows) -> None:
        """Keep block k."""
        with replacing(self._path(k), "wb") as file:
            np.savez(file, values=rows.values, failed=rows.failed)

    def _read(self, k: int, shape: tuple[int, int]) -> Rows:
        try:
            with self._path(k).open("rb") as file, np.load(file) as arrays:
                rows = Rows(arrays["values"], arrays["failed"])
        except UNREADABLE as error:
            raise _damaged(self._path(k)) from error
        if rows.values.shape != shape or rows.failed.shape != shape[:1]:
            raise _damaged(self._path(k))
        return rows

    def _path(self, k: int) -> Path:
        return self.folder / f"block-{k:06d}.npz"


def read_fingerprint(path: Path) -> Fingerprint:
    """The fingerprint in a JSON file that this package wrote.

    Raises
    ------
    InvalidInputError
        If there is none in it.
    """
    try:
        return Fingerprint.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"{str(path)!r} must be a file that vifstats wrote, but is damaged or another's; delete it."
    )
