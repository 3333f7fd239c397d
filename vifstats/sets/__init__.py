"""Sets of rows that a conclusion hangs on."""

from vifstats.sets.influential_set import InfluentialSet, influential_set

__all__ = ["InfluentialSet", "influential_set"]
