"""Fine and Gray's model of competing risks, whose weights depend on who is present."""

from vifstats.losses.cox.fine_gray.loss import FineGray

__all__ = ["FineGray"]
