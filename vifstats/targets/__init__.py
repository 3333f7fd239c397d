"""The quantities whose change on removal can be asked for."""

from vifstats.targets.base import FunctionTarget, Target
from vifstats.targets.cox import RelativeRisk

__all__ = ["FunctionTarget", "RelativeRisk", "Target"]
