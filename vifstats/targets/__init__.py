"""The quantities whose change on removal can be asked for."""

from vifstats.targets.base import FunctionTarget, Target
from vifstats.targets.cox import RelativeRisk
from vifstats.targets.embedding import ExampleLoss, PairLoss
from vifstats.targets.loss import HeldOutLoss

__all__ = ["ExampleLoss", "FunctionTarget", "HeldOutLoss", "PairLoss", "RelativeRisk", "Target"]
