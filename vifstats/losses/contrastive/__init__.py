"""Contrastive losses: examples near what they belong to and far from the others."""

from vifstats.losses.contrastive.base import Contrastive
from vifstats.losses.contrastive.infonce import InfoNCE
from vifstats.losses.contrastive.triplet import Triplet

__all__ = ["Contrastive", "InfoNCE", "Triplet"]
