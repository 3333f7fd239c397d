"""The rules that a loss must keep, each a function from a trial to what it found."""

from vifstats.losses.testing.rules import RULES
from vifstats.losses.testing.trial import Trial

__all__ = ["RULES", "Trial"]
