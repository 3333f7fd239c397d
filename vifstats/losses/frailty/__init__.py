"""Shared frailty: rows of a cluster have a risk in common, which is integrated out."""

from vifstats.losses.frailty.loss import SharedFrailty

__all__ = ["SharedFrailty"]
