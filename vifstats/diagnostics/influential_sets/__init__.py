"""Sets of rows that a conclusion hangs on."""

from vifstats.diagnostics.influential_sets.influential_set import InfluentialSet, influential_set

__all__ = ["InfluentialSet", "influential_set"]
