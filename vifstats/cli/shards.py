"""``--shard K/N`` and ``merge``: the parts of a job array as files, and these as one.

The refits of a part lie in the checkpoint that all parts share, which is the folder itself. Its
rows are a CSV, and beside it a JSON file, written at once, says of what work they are.
"""

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from itertools import count, islice
from pathlib import Path

from vifstats.checks.folders import reason, replacing, replacing_all, writable_folder
from vifstats.checks.text import inert_frame
from vifstats.deletion.parallel import Fingerprint, Shard, work_in
from vifstats.deletion.refits import leave_one_out
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate

__all__ = ["Merged", "merge_parts", "parse_shard", "write_part"]

NAME = re.compile(r"part-(\d+)-of-(\d+)\.json")
# So many missing parts are listed, more are counted.
FEW = 10


def parse_shard(text: str) -> Shard:
    """The shard that is written 3/50."""
    if not (found := re.fullmatch(r"\s*(\d{1,9})/(\d{1,9})\s*", text)):
        raise InvalidInputError(
            f"A shard must be its number and how many there are, but is {text!r}; write it as 3/50."
        )
    return Shard(int(found[1]), int(found[2]))


def write_part(est: Estimate, shard: Shard, folder: Path, *, progress: bool = False) -> Path:
    """Refit without each row of one part, and write the part to the folder of all."""
    influence = leave_one_out(
        est, checkpoint=folder, shard=(shard.number, shard.total), progress=progress
    )
    frame = inert_frame(influence.to_frame())
    text = frame.to_csv(index_label="row")
    document = {
        "shard": [shard.number, shard.total],
        "header": frame.iloc[:0].to_csv(index_label="row"),
        "n_rows": len(frame),
        "statuses": dict(Counter(influence.status)),
        "csv": _digest(text),
        "work": work_in(folder).to_json(),
    }
    path = folder / f"{_name(shard)}.csv"
    with replacing_all([path, path.with_suffix(".json")]) as (table, about):
        table.write(text)
        about.write(_sealed(document))
    return path


@dataclass(frozen=True)
class Merged:
    """What became of the parts: influence.csv, of how many parts and rows, and how rows ended."""

    path: Path
    n_parts: int
    n_rows: int
    statuses: dict[str, int]


def merge_parts(folder: str | Path, output: str | Path | None = None) -> Merged:
    """Put the parts in a folder together, as influence.csv there or elsewhere.

    InvalidInputError names the parts that are missing, damaged or of other work.
    """
    folder = Path(folder)
    parts = _complete(folder)
    target = writable_folder(folder if output is None else output) / "influence.csv"
    statuses: Counter[str] = Counter()
    with replacing(target) as file:
        file.write(parts[0].header)
        for part in parts:
            file.write(part.body(folder))
            statuses.update(part.statuses)
    n_rows = sum(part.n_rows for part in parts)
    return Merged(target, len(parts), n_rows, dict(statuses.most_common()))


@dataclass(frozen=True, eq=False)
class Part:
    """What the JSON file of a part says: its rows and those of all, and the digest of its CSV."""

    shard: Shard
    header: str
    n_rows: int
    statuses: dict[str, int]
    csv: str
    work: Fingerprint

    @classmethod
    def read(cls, path: Path) -> "Part":
        """The part of this name, as it was written."""
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, reason(error)) from error
        try:
            document = json.loads(content)
            whole = content == _sealed({k: v for k, v in document.items() if k != "sha256"})
            said = {name: document[name] for name in ("header", "n_rows", "statuses", "csv")}
            shard, work = Shard(*document["shard"]), Fingerprint.from_json(document["work"])
            part = cls(shard, work=work, **said)
        except Exception as error:  # nothing is known of what is in there
            raise _damaged(path, "it cannot be read") from error
        if not whole:
            raise _damaged(path, "its content has another digest")
        if path.name != f"{_name(part.shard)}.json":
            raise _damaged(path, f"it is {_name(part.shard)}, renamed or copied")
        return part

    def require_rows(self, folder: Path) -> None:
        """Raise InvalidInputError unless the part has the rows that are its share of the work."""
        n, size = (self.work.given[name] for name in ("n_rows", "block_size"))
        blocks = self.shard.blocks(-(-n // size))
        expected = min(blocks.stop * size, n) - min(blocks.start * size, n)
        if self.n_rows != expected or sum(self.statuses.values()) != expected:
            path = folder / f"{_name(self.shard)}.json"
            raise _damaged(path, f"it has {self.n_rows} rows, and its share is {expected}")

    def body(self, folder: Path) -> str:
        """The lines of its CSV below the header."""
        path = folder / f"{_name(self.shard)}.csv"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _damaged(path, reason(error)) from error
        if sha256(content).hexdigest() != self.csv:
            raise _damaged(path, "it has changed" if content else "it is empty")
        text = content.decode()
        body = text.removeprefix(self.header)
        statuses = Counter(row[-1] for row in csv.reader(StringIO(body, newline="")) if row)
        if not text.startswith(self.header) or statuses != self.statuses:
            raise _damaged(path, "its lines are not those that its JSON file counts")
        return body


def _complete(folder: Path) -> list[Part]:
    """All parts, in their order."""
    try:
        names = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"The folder {str(folder)!r} must hold the parts that `vifstats cox --shard` writes, "
            f"but cannot be read ({reason(error)}); name the folder of -o."
        ) from error
    if not names:
        raise InvalidInputError(
            f"The folder {str(folder)!r} must hold the parts that `vifstats cox --shard` writes, "
            "but has none that is finished; run the shards first, or name their folder of -o."
        )
    parts = sorted(map(Part.read, names), key=lambda part: part.shard.number)
    for part in parts:
        _require_same_work(part, parts[0], folder)
    _require_all(parts, folder)
    for part in parts:
        part.require_rows(folder)
    return parts


def _require_same_work(part: Part, first: Part, folder: Path) -> None:
    difference = first.work.difference(part.work)
    if not difference and part.shard.total != first.shard.total:
        difference = f"there were {part.shard.total} shards, and here are {first.shard.total}"
    if not difference and part.header != first.header:
        difference = "its columns are others"
    if difference:
        raise InvalidInputError(
            f"All parts in {str(folder)!r} must be of the same work, but {_name(part.shard)} is "
            f"not: {difference}. Move it to a folder of its own."
        )


def _require_all(parts: list[Part], folder: Path) -> None:
    total, found = parts[0].shard.total, {part.shard.number for part in parts}
    if len(found) == total:
        return
    missing = (k for k in count(1) if k not in found)  # the total may be large
    few = list(islice(missing, min(FEW, total - len(found))))
    more = total - len(found) - len(few)
    listed = ", ".join(f"{k}/{total}" for k in few) + (f" and {more} more" if more else "")
    raise InvalidInputError(
        f"All {total} parts must be in {str(folder)!r}, but these are not: {listed}; run those "
        "shards (again)."
    )


def _name(shard: Shard) -> str:
    """What files of a part are called."""
    return f"part-{shard.number:0{len(str(shard.total))}d}-of-{shard.total}"


def _sealed(document: dict) -> str:
    """JSON that has its own digest in it."""
    dumped = json.dumps(document, indent=1, sort_keys=True)
    return json.dumps({**document, "sha256": _digest(dumped)}, indent=1, sort_keys=True) + "\n"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _damaged(path: Path, how: str) -> InvalidInputError:
    return InvalidInputError(
        f"{str(path)!r} must be as `vifstats cox --shard` wrote it, but is damaged or another's: "
        f"{how}. Move it away and run that shard again, which reads the refits that are there."
    )
