"""One shard of the refits, computed and written."""

from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from vifstats.checks.folders import writable_folder
from vifstats.deletion.parallel import Blocks, one_blas_thread
from vifstats.deletion.parallel.shards.parts import Part
from vifstats.deletion.parallel.shards.shard import Shard
from vifstats.deletion.refits import Refit, block_size, leave_one_out
from vifstats.estimate import Estimate

__all__ = ["refit_shard"]


def refit_shard(
    est: Estimate, shard: Shard, folder: str | Path, *, progress: bool = False, **engine: Any
) -> Path:
    """Refit without each row of one part, and write the part to the folder of all.

    What is finished stays there if this is cut off, and the same call goes on from it. A part
    that is whole is left as it is.

    Parameters
    ----------
    est : Estimate
        The same in each shard.
    shard : Shard
    folder : str or Path
    progress : bool
        Show a progress bar.
    **engine : int or object
        ``n_jobs`` or ``executor`` of `leave_one_out`.

    Returns
    -------
    Path
        The CSV of the part; a JSON file beside it says of what work it is.

    Raises
    ------
    InvalidInputError
        If the folder cannot be written to, or holds parts of other work.

    Examples
    --------
    >>> import tempfile, vifstats as vs
    >>> from vifstats.deletion.parallel.shards import merge_shards
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for k in (1, 2):
    ...         path = refit_shard(vs.minimize(loss, [0.0]), Shard(k, 2), folder)
    ...     merged = merge_shards(folder)
    >>> path.name, merged.n_rows, merged.statuses
    ('part-2-of-2.csv', 3, {'ok': 2, 'no influence': 1})
    """
    folder = writable_folder(folder)
    removals, size = est.removals(), block_size(len(est.theta))
    with one_blas_thread():
        refit = Refit.of(est)
        work = refit.fingerprint(est, Blocks(refit, removals, size, len(est.theta)))
    finished = Part.all_in(folder)
    for part in finished:
        part.require(work, shard.total, folder)
    if shard not in [part.shard for part in finished]:
        mine, begun = np.zeros(len(removals), dtype=bool), folder / f"{shard.name}.begun"
        mine[shard.rows(len(removals), size)] = True
        influence = leave_one_out(est, objects=mine, checkpoint=begun, progress=progress, **engine)
        Part.write(folder, shard, len(removals), influence, work)
        rmtree(begun)
    return folder / f"{shard.name}.csv"
