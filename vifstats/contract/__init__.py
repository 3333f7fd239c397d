"""The rules that a loss must keep, each a function from a trial to what it found."""

from vifstats.contract.rules import RULES
from vifstats.contract.trial import Trial

__all__ = ["RULES", "Trial"]
