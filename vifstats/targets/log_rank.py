"""The log-rank test, of curves without a model."""

from dataclasses import dataclass
from typing import Any

from vifstats.errors import InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["LogRank"]


@dataclass(frozen=True, eq=False)
class LogRank(Target):
    """The log-rank test that the hazards of all groups are equal: chi-squared, and its p-value.

    Two values: the statistic on (number of groups with anybody at risk) - 1 degrees of freedom, and
    p. Tied events have the hypergeometric variance, as in R's ``survdiff``; weights count rows.

    Raises
    ------
    InvalidTypeError
        If it is asked of a fitted model: it is a target of `kaplan_meier`.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50; Harrington & Fleming (1982), Biometrika 69;
    docs/mathematics.md, equation (47).

    Examples
    --------
    >>> import vifstats as vs
    >>> km = vs.kaplan_meier([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 1], groups=list("aababb"))
    >>> km.on(LogRank()).table.round(3).loc[3].to_list()
    [-1.707, 0.071]
    """

    def bind(self, estimate: Fit) -> "LogRank":
        raise InvalidTypeError(
            "The log-rank test is one of curves without a model, but this is an estimate; use "
            "vifstats.kaplan_meier(T, E, groups=arm).on(LogRank())."
        )

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return self.bind(loss)  # type: ignore[arg-type]  # it raises, whatever it is given
