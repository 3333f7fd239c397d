"""Risk sets of survival data and the sums over them."""

from vifstats.risksets.data import RiskSets, risk_sets
from vifstats.risksets.ranges import Ranges

__all__ = ["Ranges", "RiskSets", "risk_sets"]
