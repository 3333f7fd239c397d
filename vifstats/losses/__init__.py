"""The losses that come with vifstats, and the base for your own."""

from vifstats.losses.base import FunctionLoss, Loss
from vifstats.losses.cox import Cox
from vifstats.losses.linear_predictor import LinearPredictor
from vifstats.losses.m_estimator import MEstimator

__all__ = ["Cox", "FunctionLoss", "LinearPredictor", "Loss", "MEstimator"]
