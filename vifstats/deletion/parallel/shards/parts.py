"""The files of one part: its rows as CSV, and beside it, written last, of what work they are."""

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vifstats.checks.folders import replacing
from vifstats.deletion.parallel import Fingerprint
from vifstats.deletion.parallel.shards.shard import Shard
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError

__all__ = ["Part"]


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of a finished part.

    Attributes
    ----------
    shard : Shard
    n_rows : int
        Of all parts together.
    header : str
        The line of its CSV that the parts have in common.
    digest : str
        The SHA-256 of its CSV.
    statuses : dict of str to int
        How many rows ended how.
    work : Fingerprint
        The same of all parts.
    """

    shard: Shard
    n_rows: int
    header: str
    digest: str
    statuses: dict[str, int]
    work: Fingerprint

    @classmethod
    def write(
        cls, folder: Path, shard: Shard, n_rows: int, influence: Influence, work: Fingerprint
    ) -> None:
        """Write the rows, then what they are."""
        frame = influence.to_frame()
        text = frame.to_csv(index_label="row")
        with replacing(folder / f"{shard.name}.csv") as file:
            file.write(text)
        document = {
            "shard": [shard.number, shard.total],
            "n_rows": n_rows,
            "header": frame.iloc[:0].to_csv(index_label="row"),
            "digest": sha256(text.encode()).hexdigest(),
            "statuses": dict(Counter(influence.status)),
            "work": work.to_json(),
        }
        with replacing(folder / f"{shard.name}.json") as file:
            json.dump(document, file)

    @classmethod
    def all_in(cls, folder: Path) -> list["Part"]:
        """The finished parts in a folder, by number.

        Raises
        ------
        InvalidInputError
            If a file that is called as one is none.
        """
        parts = [cls._read(path) for path in folder.glob("part-*-of-*.json")]
        return sorted(parts, key=lambda part: (part.shard.total, part.shard.number))

    @classmethod
    def _read(cls, path: Path) -> "Part":
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                shard=Shard(*document["shard"]),
                n_rows=document["n_rows"],
                header=document["header"],
                digest=document["digest"],
                statuses=document["statuses"],
                work=Fingerprint.from_json(document["work"]),
            )
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{str(path)!r} must be what `vifstats cox --shard` wrote, but is damaged or "
                "another's; delete it and run that shard again."
            ) from error

    def body(self, folder: Path) -> bytes:
        """The lines of its CSV below the header.

        Raises
        ------
        InvalidInputError
            If the CSV is not there, or not what was written.
        """
        path = folder / f"{self.shard.name}.csv"
        content = path.read_bytes() if path.is_file() else b""
        if sha256(content).hexdigest() != self.digest:
            raise InvalidInputError(
                f"{str(path)!r} must be as it was written, but is "
                f"{'changed' if content else 'missing or empty'}; delete "
                f"{self.shard.name}.json and run shard {self.shard.number}/{self.shard.total} "
                "again."
            )
        return content[len(self.header.encode()) :]

    def require(self, work: Fingerprint, total: int, folder: Path) -> None:
        """Raise InvalidInputError where this is a part of other work, or of other parts."""
        difference = work.difference(self.work)
        if not difference and self.shard.total != total:
            difference = f"there were {self.shard.total} shards, and here are {total}"
        if difference:
            raise InvalidInputError(
                f"All parts in {str(folder)!r} must be of the same work, but {self.shard.name} is "
                f"not: {difference}. Name another folder, or delete that part."
            )
