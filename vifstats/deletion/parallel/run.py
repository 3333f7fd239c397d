"""All blocks, each from its checkpoint or from an engine, put together in order."""

from concurrent.futures import BrokenExecutor
from contextlib import closing

from vifstats import checks
from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.checkpoints import Checkpoint
from vifstats.deletion.parallel.engines import Engine
from vifstats.streaming.progress import progress_bar

__all__ = ["in_blocks"]


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
    bar = progress_bar(n_rows, "refit", shown=checks.flag(progress, "progress"), initial=n_done)
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
