"""The Versatile Influence Function (VIF): what if this object had not been in the data?

"VIF" here is not the variance inflation factor.
"""

from vifstats import closed_form, errors, losses, targets
from vifstats.adapters import from_model
from vifstats.agreement import Agreement, compare
from vifstats.check_loss import LossReport, check_loss
from vifstats.estimate import Estimate, minimize
from vifstats.influence import classical_if, newton_step, vif
from vifstats.losses import FunctionLoss, MEstimator
from vifstats.refits import leave_one_out, truncated_refits
from vifstats.result import Influence, TargetInfluence
from vifstats.shortcuts import vif_cox
from vifstats.versions import __version__, show_versions

__all__ = [
    "__version__",
    "Agreement",
    "Estimate",
    "FunctionLoss",
    "Influence",
    "LossReport",
    "MEstimator",
    "TargetInfluence",
    "check_loss",
    "classical_if",
    "closed_form",
    "compare",
    "errors",
    "from_model",
    "leave_one_out",
    "losses",
    "minimize",
    "newton_step",
    "show_versions",
    "targets",
    "truncated_refits",
    "vif",
    "vif_cox",
]
