"""The quantities whose change on removal can be asked for."""

from vifstats.targets.base import FunctionTarget, Target
from vifstats.targets.concordance import Concordance
from vifstats.targets.cox import LogHazardRatio, RelativeRisk
from vifstats.targets.embedding import PairLoss
from vifstats.targets.lifetimes import RMST, MedianSurvival, RMSTDifference
from vifstats.targets.loss import HeldOutLoss
from vifstats.targets.parameter import (
    Coefficient,
    ConfidenceLimits,
    LogLikelihood,
    PValue,
    StandardError,
    ZValue,
)
from vifstats.targets.prediction import AverageMarginalEffect, MeanPrediction
from vifstats.targets.survival import BaselineHazard, SurvivalProbability

__all__ = [
    "AverageMarginalEffect",
    "BaselineHazard",
    "Coefficient",
    "Concordance",
    "ConfidenceLimits",
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
