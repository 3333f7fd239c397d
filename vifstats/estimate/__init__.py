"""A loss at its minimum: H and its factor, what the fit reports, and where it comes from."""

from vifstats.estimate.estimate import Estimate
from vifstats.estimate.minima import minimize, root

__all__ = ["Estimate", "minimize", "root"]
