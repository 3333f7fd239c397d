"""The quantities whose change on removal can be asked for."""

from vifstats.targets.auc import AUC
from vifstats.targets.base import FunctionTarget, Target
from vifstats.targets.brier_score import BrierScore
from vifstats.targets.coefficient import Coefficient
from vifstats.targets.concordance import Concordance
from vifstats.targets.cumulative_incidence import CumulativeIncidence, CumulativeIncidenceDifference
from vifstats.targets.embedding import ExampleLoss, PairLoss
from vifstats.targets.hazard_ratios import LogHazardRatio, RelativeRisk
from vifstats.targets.held_out_loss import HeldOutLoss
from vifstats.targets.likelihood import LogLikelihood
from vifstats.targets.log_rank import LogRank
from vifstats.targets.median import MedianSurvival, SurvivalQuantile
from vifstats.targets.mixed_models import FixedEffects, VarianceComponents
from vifstats.targets.prediction import AverageMarginalEffect, MeanPrediction
from vifstats.targets.proportional_hazards import ProportionalHazards
from vifstats.targets.restricted_mean import RMST, RMSTDifference
from vifstats.targets.standardized import StandardizedRMST, StandardizedSurvival
from vifstats.targets.survival import BaselineHazard, SurvivalProbability
from vifstats.targets.wald import ConfidenceLimits, PValue, StandardError, ZValue

__all__ = [
    "AUC",
    "AverageMarginalEffect",
    "BaselineHazard",
    "BrierScore",
    "Coefficient",
    "Concordance",
    "ConfidenceLimits",
    "CumulativeIncidence",
    "CumulativeIncidenceDifference",
    "ExampleLoss",
    "FixedEffects",
    "FunctionTarget",
    "HeldOutLoss",
    "LogHazardRatio",
    "LogLikelihood",
    "LogRank",
    "MeanPrediction",
    "MedianSurvival",
    "PValue",
    "PairLoss",
    "ProportionalHazards",
    "RMST",
    "RMSTDifference",
    "RelativeRisk",
    "StandardError",
    "StandardizedRMST",
    "StandardizedSurvival",
    "SurvivalProbability",
    "SurvivalQuantile",
    "Target",
    "VarianceComponents",
    "ZValue",
]
