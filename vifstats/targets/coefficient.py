"""A coefficient as a target, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.targets.base import Fit, Target
from vifstats.typing import Differentiable

__all__ = ["Coefficient", "position_of"]


@dataclass(frozen=True, eq=False)
class Coefficient(Target):
    """One parameter, by name.

    Parameters
    ----------
    name : str
        As in ``estimate.names``.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"])
    >>> vs.newton_step(est).on(Coefficient("mean")).value_without.ravel()
    array([4., 3., 2.])
    """

    name: str
    reads_presence = False

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]  # known with the name
        """The name of the parameter."""
        return (self.name,)

    def bind(self, estimate: Fit) -> "Coefficient":
        return _Coefficient(self.name, position_of(self.name, estimate.names))

    def value(self, theta: Differentiable, presence: Differentiable, loss: Loss) -> Any:
        return theta[position_of(self.name, loss.names or ())]


@dataclass(frozen=True, eq=False)
class _Coefficient(Coefficient):
    """A coefficient whose place is known."""

    position: int = 0

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return theta[self.position]

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return thetas[:, [self.position]]


def position_of(name: str, names: Sequence[str]) -> int:
    """Where a parameter stands, by name."""
    if not checks.among(name, names):
        raise InvalidInputError(
            f"A parameter must be one of {list(names)}, but is {name!r:.60}; name one of these."
        )
    return list(names).index(name)
