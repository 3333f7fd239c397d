"""All blocks, each from its checkpoint or from an engine, put together in order."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from vifstats import checks
from vifstats.checks.folders import writable_folder
from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.checkpoints import Checkpoint
from vifstats.deletion.parallel.engines import Engine
from vifstats.deletion.parallel.fingerprints import Fingerprint
from vifstats.deletion.parallel.shard import WHOLE, Shard
from vifstats.removals import Removals
from vifstats.streaming.progress import progress_bar
from vifstats.typing import Pool

__all__ = ["Run", "in_blocks"]


@dataclass(frozen=True, eq=False)
class Run:
    """Who computes blocks, where they are kept, which are wanted, and whether a bar shows."""

    engine: Engine = field(default_factory=Engine)
    folder: Path | None = None
    shard: Shard = WHOLE
    progress: bool = False

    @classmethod
    def of(
        cls,
        n_jobs: int | None,
        executor: Pool | None = None,
        checkpoint: str | Path | None = None,
        shard: tuple[int, int] | None = None,
        progress: bool = False,
    ) -> "Run":
        """What a user asks for, checked before any work."""
        engine, part = Engine(n_jobs, executor), Shard.of(shard, checkpoint)
        progress = checks.flag(progress, "progress")
        folder = None if checkpoint is None else writable_folder(checkpoint, "checkpoint")
        return cls(engine, folder, part, progress)

    def rows(self, blocks: Blocks, work: Callable[[], Fingerprint]) -> tuple[Removals, Rows]:
        """The rows of its shard, and their removals; `work` is what a checkpoint is known by."""
        numbers = self.shard.blocks(len(blocks))
        rows = in_blocks(
            blocks,
            self.engine,
            numbers=numbers,
            checkpoint=None if self.folder is None else Checkpoint.of(self.folder, work()),
            progress=self.progress,
        )
        if self.shard == WHOLE:
            return blocks.removals, rows
        return blocks.removals.take(blocks.positions_of(numbers)), rows


def in_blocks(
    blocks: Blocks,
    engine: Engine,
    *,
    numbers: range | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = False,
) -> Rows:
    """Compute every block that is not in the checkpoint, and write it there as it finishes.

    ``numbers`` are those of the blocks that are wanted, by default all.
    """
    numbers = range(len(blocks)) if numbers is None else numbers
    done = {} if checkpoint is None else checkpoint.finished(blocks, numbers)
    folder = None if checkpoint is None else checkpoint.folder
    missing = [k for k in numbers if k not in done]
    n_rows, n_done = len(blocks.positions_of(numbers)), sum(map(len, done.values()))
    bar = progress_bar(n_rows, "refit", shown=progress, initial=n_done)
    try:
        with bar, closing(engine.run(blocks, missing, folder)) as finished:
            for k, rows in finished:
                if checkpoint is not None:
                    checkpoint.write(k, rows)
                done[k] = rows
                bar.update(len(rows))
    except (BrokenExecutor, KeyboardInterrupt) as error:
        if checkpoint is not None:
            error.add_note(
                f"{len(done)} of {len(numbers)} blocks are kept in {str(folder)!r}; the same call "
                "goes on from there."
            )
        raise
    return Rows.joined([done[k] for k in numbers], blocks.n_params)
