"""Rows of a result computed in blocks: on any engine, once, and the same on each.

What a block holds is fixed by the rows asked for, never by who computes it, and every block is
computed with one BLAS thread: sums of the same numbers in another order end in other bits.
"""

from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.checkpoints import Checkpoint, work_in
from vifstats.deletion.parallel.engines import Engine, one_blas_thread
from vifstats.deletion.parallel.fingerprints import Fingerprint
from vifstats.deletion.parallel.run import Run, in_blocks
from vifstats.deletion.parallel.shard import Shard

__all__ = [
    "Blocks",
    "Checkpoint",
    "Engine",
    "Fingerprint",
    "Rows",
    "Run",
    "Shard",
    "in_blocks",
    "one_blas_thread",
    "work_in",
]
