"""Refits shared out among commands that know nothing of each other, as in a job array.

Each writes one part of the rows to a folder they share; merging puts the parts together.
"""

from vifstats.deletion.parallel.shards.merging import Merged, merge_shards
from vifstats.deletion.parallel.shards.refitting import refit_shard
from vifstats.deletion.parallel.shards.shard import Shard

__all__ = ["Merged", "Shard", "merge_shards", "refit_shard"]
