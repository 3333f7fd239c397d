"""Risk sets of survival data and the sums over them."""

from vifstats.risksets.data import RiskSets, risk_sets
from vifstats.risksets.ranges import Ranges
from vifstats.risksets.variation import constant_columns

__all__ = ["Ranges", "RiskSets", "constant_columns", "risk_sets"]
