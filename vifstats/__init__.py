"""The Versatile Influence Function (VIF): what if this object had not been in the data?

"VIF" here is not the variance inflation factor.
"""

from vifstats import closed_form, datasets, errors, losses, plots, solvers, streaming, targets
from vifstats.adapters import from_model
from vifstats.adapters.joint import competing_risks, joint
from vifstats.adapters.proximal import proximal
from vifstats.adapters.stacks import stack
from vifstats.deletion.agreement import Agreement, compare
from vifstats.deletion.approximations import classical_if, newton_step, vif
from vifstats.deletion.check_target import TargetReport, check_target
from vifstats.deletion.compare_methods import MethodComparison, compare_methods
from vifstats.deletion.influence import influence
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.refit_top import refit_top
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.deletion.shortcuts import vif_cox
from vifstats.deletion.truncated_refits import truncated_refits
from vifstats.diagnostics.alternatives import alternatives
from vifstats.diagnostics.conclusions import Conclusions, conclusions
from vifstats.diagnostics.covariate_sensitivity import covariate_sensitivity
from vifstats.diagnostics.cross_validation import CrossValidation, cross_validated_loglik
from vifstats.diagnostics.curves.kaplan_meier import CurveInfluence, KaplanMeier, kaplan_meier
from vifstats.diagnostics.edits import edit
from vifstats.diagnostics.firth import firth
from vifstats.diagnostics.fragility import Fragility, fragility, unadjusted_fragility
from vifstats.diagnostics.groups_left_out import GroupsLeftOut, leave_one_group_out
from vifstats.diagnostics.influential_sets import InfluentialSet, influential_set
from vifstats.diagnostics.left_out import LeftOut, leave_out
from vifstats.diagnostics.penalty_choice import PenaltyChoice, choose_penalty
from vifstats.estimate import Estimate, minimize, root
from vifstats.inference import Inference
from vifstats.losses import Equations, FunctionLoss, MEstimator, RowEquations, backends
from vifstats.losses.linearized import linearized
from vifstats.losses.testing.check_loss import LossReport, check_loss
from vifstats.reporting import report
from vifstats.versions import __version__, show_versions

__all__ = [
    "__version__",
    "Agreement",
    "Conclusions",
    "CrossValidation",
    "CurveInfluence",
    "Equations",
    "Estimate",
    "Fragility",
    "FunctionLoss",
    "GroupsLeftOut",
    "Inference",
    "Influence",
    "InfluentialSet",
    "KaplanMeier",
    "LeftOut",
    "LossReport",
    "MEstimator",
    "MethodComparison",
    "PenaltyChoice",
    "RowEquations",
    "TargetInfluence",
    "TargetReport",
    "alternatives",
    "backends",
    "check_loss",
    "check_target",
    "choose_penalty",
    "classical_if",
    "closed_form",
    "compare",
    "compare_methods",
    "competing_risks",
    "conclusions",
    "covariate_sensitivity",
    "cross_validated_loglik",
    "datasets",
    "edit",
    "errors",
    "firth",
    "fragility",
    "from_model",
    "influence",
    "influential_set",
    "joint",
    "kaplan_meier",
    "leave_one_group_out",
    "leave_one_out",
    "leave_out",
    "linearized",
    "losses",
    "minimize",
    "newton_step",
    "plots",
    "proximal",
    "refit_top",
    "report",
    "root",
    "show_versions",
    "solvers",
    "stack",
    "streaming",
    "targets",
    "truncated_refits",
    "unadjusted_fragility",
    "vif",
    "vif_cox",
]


def __dir__() -> list[str]:
    """The public names: rooms that only the package uses stay out of ``vs.<TAB>``."""
    return sorted(__all__)
