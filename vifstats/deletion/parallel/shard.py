"""Which blocks are whose, where jobs know nothing of each other."""

from dataclasses import dataclass
from operator import index
from typing import Any

from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["WHOLE", "Shard"]


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``total``, counted from 1."""

    number: int
    total: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total:
            raise InvalidInputError(
                f"A shard must be numbered from 1 to {self.total}, but is "
                f"{self.number}/{self.total}; the first is 1/{max(self.total, 1)}."
            )

    @classmethod
    def of(cls, shard: Any, checkpoint: Any) -> "Shard":
        """What a user gave as `shard`, with the folder that it goes to; None: the whole."""
        if shard is None:
            return WHOLE
        try:
            number, total = map(index, shard)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                "`shard` must be its number and how many there are, as (3, 50), but is "
                f"{shard!r:.60}; pass two whole numbers."
            ) from error
        if checkpoint is None:
            raise InvalidInputError(
                "A `shard` must be kept where the others are, but no `checkpoint` is given; name "
                "a folder that all shards share."
            )
        return cls(number, total)

    def blocks(self, n_blocks: int) -> range:
        """Its blocks, by number: those of all shards are all blocks, each once."""
        first, end = (n_blocks * k // self.total for k in (self.number - 1, self.number))
        return range(first, end)


WHOLE = Shard(1, 1)
