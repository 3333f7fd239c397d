"""The Versatile Influence Function (VIF): what if this object had not been in the data?

"VIF" here is not the variance inflation factor.
"""

from vifstats import errors, losses, targets
from vifstats.agreement import Agreement, compare
from vifstats.estimate import Estimate, minimize
from vifstats.influence import classical_if, newton_step, vif
from vifstats.losses import FunctionLoss, MEstimator
from vifstats.refits import leave_one_out
from vifstats.result import Influence, TargetInfluence

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "Estimate",
    "FunctionLoss",
    "Influence",
    "MEstimator",
    "TargetInfluence",
    "classical_if",
    "compare",
    "errors",
    "leave_one_out",
    "losses",
    "minimize",
    "newton_step",
    "targets",
    "vif",
]
