"""Finished blocks in a folder, so that work that was cut off goes on where it was.

A block is what its content proves, not its name: it carries its number, the digest of the work
that it is of, and the digest of all that. Nothing here is deleted or written over, whatever is
wrong with it, so no finished block is lost: the error says what to do.
"""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from vifstats.checks.folders import create, reason, replacing
from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.fingerprints import Fingerprint
from vifstats.errors import InvalidInputError

__all__ = ["Checkpoint", "work_in"]

WORK = "work.json"
TYPES = {"failed": np.bool_, "number": np.int64, "values": np.float64, "work": np.str_}
DIGEST = 64  # hexadecimal figures of a SHA-256
# What there is in a file of a block besides its numbers: names, types and shapes of five arrays.
OVERHEAD = 4096


@dataclass(frozen=True)
class Checkpoint:
    """A folder with work.json, which says what is computed, and a file for each finished block.

    It may be filled in parts, by several processes at once: each file takes its name only once it
    is complete, and two that compute the same block write the same.

    Attributes
    ----------
    folder : Path
    work : str
        The digest of what work.json says.
    """

    folder: Path
    work: str

    @classmethod
    def of(cls, folder: Path, work: Fingerprint) -> "Checkpoint":
        """The checkpoint of this work in this folder, new or begun.

        InvalidInputError if the folder holds other work, or its work.json is damaged.
        """
        path = folder / WORK
        if not os.path.lexists(path):
            cls(folder, work.digest)._require_own_blocks()
            create(path, work.document())
        there = work_in(folder)
        if difference := work.difference(there):
            raise InvalidInputError(
                "`checkpoint` must be a new folder or that of the same work, but "
                f"{str(folder)!r} holds other work: {difference}. Name another folder."
            )
        return cls(folder, there.digest)

    def finished(self, blocks: Blocks, numbers: range) -> dict[int, Rows]:
        """The blocks that are there, of those with these numbers."""
        there = [k for k in numbers if os.path.lexists(self._path(k))]
        return {k: self._read(k, (len(blocks.positions(k)), blocks.n_params)) for k in there}

    def write(self, k: int, rows: Rows) -> None:
        """Keep block k."""
        arrays = {
            "failed": rows.failed,
            "number": np.array(k, dtype=np.int64),
            "values": rows.values,
            "work": np.array(self.work),
        }
        with replacing(self._path(k), "wb") as file:
            file.write(_sealed(arrays))

    def _read(self, k: int, shape: tuple[int, int]) -> Rows:
        path, (n, p) = self._path(k), shape
        block = _read_block(path, n * (8 * p + 1) + OVERHEAD)
        if block.work != self.work:
            raise _other_work(path)
        if block.number != k:
            raise InvalidInputError(
                f"{str(path)!r} must be block {k}, but is block {block.number}: it was renamed or "
                f"copied. Move it away, or back to {self._path(block.number).name!r} if that is "
                "missing; the same call then goes on."
            )
        if block.rows.values.shape != shape or block.rows.failed.shape != shape[:1]:
            raise _damaged(path, "it has other rows")
        return block.rows

    def _path(self, k: int) -> Path:
        return self.folder / f"block-{k:06d}.npz"

    def _require_own_blocks(self) -> None:
        """If work.json is gone, the blocks must say that they are of this work."""
        for path in sorted(self.folder.glob("block-*.npz")):
            if _read_block(path).work != self.work:
                raise _other_work(path)


@dataclass(frozen=True, eq=False)
class Block:
    """What a file holds: rows, which block they are, and the digest of the work it is of."""

    number: int
    work: str
    rows: Rows


def work_in(folder: Path) -> Fingerprint:
    """What the checkpoint in a folder is of."""
    path = folder / WORK
    content = _content(path)
    try:
        work = Fingerprint.from_json(json.loads(content))
        same = work.document().encode() == content
    except Exception as error:  # nothing is known of what is in there
        raise _damaged(path, "it is not what was written") from error
    if not same:
        raise _damaged(path, "it is not what was written")
    return work


def _read_block(path: Path, n_bytes: int | None = None) -> Block:
    """The block in a file, if it is as it was written."""
    content = _content(path, n_bytes)
    sealed, digest = content[:-DIGEST], content[-DIGEST:]
    if _digest(sealed) != digest:
        raise _damaged(path, "its content has another digest")
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        rows = Rows(arrays["values"], arrays["failed"])
        block = Block(arrays["number"].item(), arrays["work"].item(), rows)
        types = {name: array.dtype.type for name, array in arrays.items()}
    except Exception as error:  # zipfile and NumPy raise a dozen kinds, by what somebody made up
        raise _damaged(path, "it cannot be read as arrays") from error
    if types != TYPES:
        raise _damaged(path, "its arrays are others")
    return block


def _content(path: Path, n_bytes: int | None = None) -> bytes:
    try:
        if n_bytes is not None and path.stat().st_size > n_bytes:
            raise _damaged(path, "it is too long")
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"{str(path)!r} must be readable, but is not ({reason(error)}); make it so, or move it "
            "away."
        ) from error


def _sealed(arrays: dict[str, np.ndarray]) -> bytes:
    """An archive of arrays, of which the comment at its end is the digest of all before."""
    file = BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes names for an option
    with ZipFile(file, "a") as archive:
        archive.comment = bytes(DIGEST)
    content = file.getvalue()[:-DIGEST]
    return content + _digest(content)


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


def _damaged(path: Path, how: str) -> InvalidInputError:
    return InvalidInputError(
        f"{str(path)!r} must be as vifstats wrote it, but is damaged or another's: {how}. Move it "
        "out of the folder, and the same call goes on from what is left."
    )


def _other_work(path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"Every block in a checkpoint must be of its work, but {str(path)!r} is of other work. "
        "Name another folder, or move it to its own."
    )
