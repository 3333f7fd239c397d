"""Which part of the rows is whose."""

import re
from dataclasses import dataclass

from vifstats.errors import InvalidInputError

__all__ = ["Shard"]


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``total``, counted from 1.

    Raises
    ------
    InvalidInputError
        If there is no such part.

    Examples
    --------
    >>> Shard.parse("3/50")
    Shard(number=3, total=50)
    >>> [Shard(k, 3).rows(100, 32) for k in (1, 2, 3)]  # whole blocks of 32
    [slice(0, 32, None), slice(32, 64, None), slice(64, 100, None)]
    """

    number: int
    total: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total:
            raise InvalidInputError(
                f"A shard must be numbered from 1 to {self.total}, but is "
                f"{self.number}/{self.total}; the first is 1/{max(self.total, 1)}."
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that is written 3/50."""
        if not (found := re.fullmatch(r"\s*(\d+)/(\d+)\s*", text)):
            raise InvalidInputError(
                f"A shard must be its number and how many there are, as 3/50, but is {text!r}."
            )
        return cls(int(found[1]), int(found[2]))

    @property
    def name(self) -> str:
        """What files of this part are called."""
        return f"part-{self.number:0{len(str(self.total))}d}-of-{self.total}"

    def rows(self, n_rows: int, size: int) -> slice:
        """Its rows: whole blocks, so that who computes a row changes no bit of it."""
        n_blocks = -(-n_rows // size)
        first, end = (n_blocks * k // self.total * size for k in (self.number - 1, self.number))
        return slice(min(first, n_rows), min(end, n_rows))
