"""Losses of matched sets: how likely these members were the cases, given how many there were."""

from vifstats.losses.matched_sets.conditional_logistic import ConditionalLogistic
from vifstats.losses.matched_sets.conditional_poisson import ConditionalPoisson

__all__ = ["ConditionalLogistic", "ConditionalPoisson"]
