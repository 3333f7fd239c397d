"""The rules that a loss must keep, each a function from a trial to what it found."""

from vifstats.losses.testing.rules import EQUATION_RULES, RULES
from vifstats.losses.testing.trial import EquationTrial, Trial

__all__ = ["EQUATION_RULES", "RULES", "EquationTrial", "Trial"]
