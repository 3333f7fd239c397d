"""Influence on data larger than memory, chunk by chunk.

found = vs.streaming.cox(theta, vs.streaming.row_groups("rows.parquet"), time="t", event="d",
                         columns=names, to="influence")
"""

from vifstats.streaming.chunks import RowGroup, row_groups
from vifstats.streaming.cox import cox
from vifstats.streaming.glm import glm
from vifstats.streaming.result import StreamedInfluence

__all__ = ["RowGroup", "StreamedInfluence", "cox", "glm", "row_groups"]
