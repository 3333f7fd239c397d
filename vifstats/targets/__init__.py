"""The quantities whose change on removal can be asked for."""

from vifstats.targets.base import FunctionTarget, Target
from vifstats.targets.concordance import Concordance
from vifstats.targets.cox import LogHazardRatio, RelativeRisk
from vifstats.targets.embedding import ExampleLoss, PairLoss
from vifstats.targets.likelihood import LogLikelihood
from vifstats.targets.loss import HeldOutLoss
from vifstats.targets.median import MedianSurvival
from vifstats.targets.parameter import Coefficient
from vifstats.targets.prediction import AverageMarginalEffect, MeanPrediction
from vifstats.targets.restricted_mean import RMST, RMSTDifference
from vifstats.targets.survival import BaselineHazard, SurvivalProbability
from vifstats.targets.wald import ConfidenceLimits, PValue, StandardError, ZValue

__all__ = [
    "AverageMarginalEffect",
    "BaselineHazard",
    "Coefficient",
    "Concordance",
    "ConfidenceLimits",
    "ExampleLoss",
    "FunctionTarget",
    "HeldOutLoss",
    "LogHazardRatio",
    "LogLikelihood",
    "MeanPrediction",
    "MedianSurvival",
    "PValue",
    "PairLoss",
    "RMST",
    "RMSTDifference",
    "RelativeRisk",
    "StandardError",
    "SurvivalProbability",
    "Target",
    "ZValue",
]
