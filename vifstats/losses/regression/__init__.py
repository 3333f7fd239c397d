"""Losses whose rows read theta through linear predictors."""

from vifstats.losses.regression.firth import FirthLinearPredictor
from vifstats.losses.regression.linear_predictor import LinearPredictor

__all__ = ["FirthLinearPredictor", "LinearPredictor"]
