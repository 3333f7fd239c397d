"""A loss at a place theta, and the masks to try it with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.equations import EstimatingEquations

__all__ = ["EquationTrial", "Trial", "some"]

# What is left of absent objects where a limit is sought. On the way there a loss settles: its
# second change is a thousandth of the first. Log 0 changes as much each time, a power more.
FADING = (1e-3, 1e-6, 1e-9)
SETTLED = 0.3
ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Trial:
    """What every rule is given; the arguments are those of `check_loss`."""

    loss: Loss
    theta: np.ndarray
    given_penalty: Callable[[Any], Any] | None
    rebuild: Callable[[np.ndarray], Loss] | None
    max_objects: int
    tol: float
    # by what was computed and mask: rules ask for the same again
    _known: dict[tuple[str, bytes], Any] = field(default_factory=dict)

    # what is tried, in the words of an error, and the class that has the automatic defaults
    noun: ClassVar[str] = "A loss"
    penalised: ClassVar[str] = "the loss must be its"
    defaults: ClassVar[Any] = Loss

    @cached_property
    def objects(self) -> np.ndarray:
        """The objects that are tried one at a time."""
        n = self.loss.n_objects
        drawn = np.random.default_rng(0).permutation(n)[: self.max_objects]
        return np.sort(drawn)

    @cached_property
    def direction(self) -> np.ndarray:
        """A unit vector for derivatives along one direction."""
        v = np.random.default_rng(1).normal(size=len(self.theta))
        return v / np.linalg.norm(v)

    @cached_property
    def halves(self) -> list[np.ndarray]:
        """Masks of random halves of the objects, each followed by its complement."""
        rng, n = np.random.default_rng(2), self.loss.n_objects
        drawn = [np.isin(np.arange(n), rng.permutation(n)[: n // 2]) for _ in range(8)]
        pairs = [(half.astype(float), 1.0 - half) for half in drawn]
        return [half for pair in pairs if all(map(self.defined, pair)) for half in pair]

    @cached_property
    def none(self) -> np.ndarray:
        """The mask of no object."""
        return np.zeros(self.loss.n_objects)

    @cached_property
    def slopes(self) -> np.ndarray:
        """How large the gradient is in each parameter, at any of the halves, (n_params,)."""
        tried = [np.ones(self.loss.n_objects), *self.halves]
        return np.max([np.abs(self.gradient(b)) for b in tried], axis=0)

    def without(self, i: int) -> np.ndarray:
        """The mask 1_-i."""
        mask = np.ones(self.loss.n_objects)
        mask[i] = 0.0
        return mask

    @cached_property
    def removable(self) -> list[int]:
        """The objects tried without which the loss is defined."""
        return [int(i) for i in self.objects if self.defined(self.without(i))]

    @cached_property
    def masks(self) -> list[tuple[str, np.ndarray]]:
        """Masks at which the loss is defined, with the words for them."""
        return [(words, b) for words, b in self._choices() if self.defined(b)]

    @cached_property
    def undefined(self) -> list[str]:
        """The words for masks at which it is not."""
        return [words for words, b in self._choices() if not self.defined(b)]

    def defined(self, presence: np.ndarray) -> bool:
        """Whether the loss has a limit as those who are absent fade out.

        The log of a determinant of an information has none where too few objects are left; what
        rounding makes of it there says nothing.
        """
        if not self.loss.fractional or presence.all():
            return True
        return self._once(self._settles, presence)

    def _once(self, compute: Callable[[np.ndarray], Any], presence: np.ndarray) -> Any:
        key = compute.__name__, presence.tobytes()
        if key not in self._known:
            self._known[key] = compute(presence)
        return self._known[key]

    def _settles(self, presence: np.ndarray) -> bool:
        values = [self.value(np.maximum(presence, share)) for share in FADING]
        first, second = np.abs(np.diff(values))
        noise = ROUNDING * (1 + abs(values[-1]))
        return not second > max(SETTLED * first, noise)

    def _choices(self) -> Iterator[tuple[str, np.ndarray]]:
        yield "with all objects", np.ones(self.loss.n_objects)
        for i in self.objects:
            yield f"without object {i}", self.without(i)
        for i in self.objects:
            yield f"with object {i} alone", 1.0 - self.without(i)
        for half in self.halves:
            yield f"with only objects {some(half)}", half
        yield "without any object", self.none

    def value(self, presence: np.ndarray) -> float:
        """L(theta, b)."""
        return self._once(self._value, presence)

    def _value(self, presence: np.ndarray) -> float:
        return float(self.number(self.loss, self.theta, presence))

    def number(self, loss: Loss, theta: Any, presence: np.ndarray) -> Any:
        """The number that rules on values look at, of this loss or of a changed copy."""
        return loss.value(theta, presence)

    def gradient(self, presence: np.ndarray) -> np.ndarray:
        """The automatic gradient of the number, whatever the loss overrides."""
        return self._once(self._gradient, presence)

    def _gradient(self, presence: np.ndarray) -> np.ndarray:
        return Loss.gradient(self.loss, self.theta, presence)

    def curvature(self, presence: np.ndarray) -> np.ndarray:
        """The automatic Hessian of the number times `direction`."""
        return self._once(self._curvature, presence)

    def _curvature(self, presence: np.ndarray) -> np.ndarray:
        return autodiff.hessian_product(
            lambda t: self.number(self.loss, t, presence), self.theta, self.direction
        )

    def bend(self, presence: np.ndarray) -> np.ndarray:
        """What is halved where half of the objects leave, (n_params,): here the curvature."""
        return self.curvature(presence)

    @cached_property
    def penalty(self) -> float | None:
        """What must be left without objects; None where the loss does not say."""
        own = getattr(self.loss, "penalty", None if self.given_penalty else self)
        penalty = self.given_penalty or own
        if penalty is self:
            return None
        if penalty is None:
            return 0.0
        if callable(penalty):
            return float(penalty(self.theta))
        return 0.5 * float(self.theta @ penalty @ self.theta)


class EquationTrial(Trial):
    """The same of estimating equations: the number is psi along `direction`.

    Its gradient is the transposed Jacobian times `direction`, and stands where a loss curves.
    """

    noun = "Equations"
    penalised = "psi must be the"
    defaults = EstimatingEquations
    loss: EstimatingEquations

    def number(self, loss: Loss, theta: Any, presence: np.ndarray) -> Any:
        assert isinstance(loss, EstimatingEquations)
        return anp.dot(loss.psi(theta, presence), self.direction)

    def _gradient(self, presence: np.ndarray) -> np.ndarray:
        return autodiff.gradient(lambda t: self.number(self.loss, t, presence), self.theta)

    def bend(self, presence: np.ndarray) -> np.ndarray:
        return self._upwards * self.gradient(presence)

    @cached_property
    def _upwards(self) -> float:
        """-1 where psi falls along `direction`: equations have no sign of their own."""
        return float(np.sign(self.gradient(np.ones(self.loss.n_objects)) @ self.direction))

    @cached_property
    def penalty(self) -> float | None:
        """What `held` says is left without objects; None where nothing says it."""
        penalty = self.given_penalty or getattr(self.loss, "held", None)
        return None if penalty is None else float(penalty(self.theta) @ self.direction)


def some(present: np.ndarray) -> str:
    """The first positions of a mask, for an error text."""
    positions = np.flatnonzero(present)
    dots = ", ..." if len(positions) > 4 else ""
    return f"[{', '.join(map(str, positions[:4]))}{dots}]"
