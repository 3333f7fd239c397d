"""All parts as one file, if they are all."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vifstats.checks.folders import replacing, writable_folder
from vifstats.deletion.parallel.shards.parts import Part
from vifstats.errors import InvalidInputError

__all__ = ["Merged", "merge_shards"]

# So many missing parts are listed, more are counted.
FEW = 10


@dataclass(frozen=True)
class Merged:
    """What became of the parts.

    Attributes
    ----------
    path : Path
        The CSV, with one line for each row.
    n_parts, n_rows : int
    statuses : dict of str to int
        How many rows ended how; those that did not converge are nan in the file.

    Examples
    --------
    >>> merged = Merged(Path("influence.csv"), 2, 64, {"ok": 63, "did not converge": 1})
    >>> sum(merged.statuses.values()) == merged.n_rows
    True
    """

    path: Path
    n_parts: int
    n_rows: int
    statuses: dict[str, int]


def merge_shards(folder: str | Path, output: str | Path | None = None) -> Merged:
    """Put the parts that `refit_shard` wrote together, as influence.csv.

    Parameters
    ----------
    folder : str or Path
        Where the parts are.
    output : str or Path, optional
        The folder for the whole; default that of the parts.

    Returns
    -------
    Merged

    Raises
    ------
    InvalidInputError
        If parts are missing, damaged or of other work; the error names them.

    Examples
    --------
    >>> merge_shards("nowhere")
    Traceback (most recent call last):
    vifstats.errors.InvalidInputError: The folder 'nowhere' must hold the parts that \
`vifstats cox --shard` writes, but has none that is finished.
    """
    folder = Path(folder)
    parts = _complete(folder)
    target = writable_folder(folder if output is None else output) / "influence.csv"
    statuses: Counter[str] = Counter()
    with replacing(target, "wb") as file:
        file.write(parts[0].header.encode())
        for part in parts:
            file.write(part.body(folder))
            statuses.update(part.statuses)
    return Merged(target, len(parts), parts[0].n_rows, dict(statuses.most_common()))


def _complete(folder: Path) -> list[Part]:
    """All parts, in their order."""
    if not (parts := Part.all_in(folder)):
        raise InvalidInputError(
            f"The folder {str(folder)!r} must hold the parts that `vifstats cox --shard` writes, "
            "but has none that is finished."
        )
    total = parts[0].shard.total
    for part in parts:
        part.require(parts[0].work, total, folder)
    found = {part.shard.number for part in parts}
    if missing := [k for k in range(1, total + 1) if k not in found]:
        listed = ", ".join(f"{k}/{total}" for k in missing[:FEW])
        more = f" and {len(missing) - FEW} more" if len(missing) > FEW else ""
        raise InvalidInputError(
            f"All {total} parts must be in {str(folder)!r}, but these are not: {listed}{more}; "
            "run those shards (again)."
        )
    return parts
