"""Cox's partial likelihood: the loss, its risk sets, and what removals change in their sums."""

from vifstats.losses.cox.exact_ties import ExactCox
from vifstats.losses.cox.firth import FirthCox
from vifstats.losses.cox.loss import Cox

__all__ = ["Cox", "ExactCox", "FirthCox"]
