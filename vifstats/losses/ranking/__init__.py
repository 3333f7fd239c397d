"""Losses of choices, lists and matches: what is left is compared with what is left."""

from vifstats.losses.ranking.listwise import ListMLE, SoftmaxCrossEntropy
from vifstats.losses.ranking.paired import BradleyTerry, PlackettLuce

__all__ = ["BradleyTerry", "ListMLE", "PlackettLuce", "SoftmaxCrossEntropy"]
