"""What a loss is: L(theta, b), with every derivative defined by automatic differentiation."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.unidentified import unidentified, unknown_parameters
from vifstats.losses.wording import LEFT_OUT, Wording
from vifstats.removals import Removals
from vifstats.solvers import Cholesky, Solver
from vifstats.solvers.linalg import pinned, solve_each
from vifstats.typing import Differentiable

__all__ = ["Loss"]

# Reduced Hessians are handled in blocks of about this many numbers (128 MB).
BLOCK_NUMBERS = 16_000_000
# From this many reduced Hessians on, solves with them begin with the full one.
MANY_SOLVES = 1000


class Loss(ABC):
    """A sum L(theta, b) whose minimiser in theta is the estimator.

    A subclass sets `n_objects` and `labels`, the other attributes where their default does not do,
    and writes `value` in ``autograd.numpy``. Every other method has a default by automatic
    differentiation, which an override may only make faster: ``check_loss`` and the tests hold
    each override to ``Loss.method(loss, ...)``.

    Attributes
    ----------
    n_objects : int
        Number of objects that can be removed.
    n_params : int or None
        Number of parameters; None where only the start of a fit tells.
    names : tuple of str or None
        Parameter names.
    labels : Index
        The user's label of each object.
    fractional : bool
        Whether presence between 0 and 1 has a meaning, as a share of the object's weight; False
        for a loss on structure that is rebuilt, such as a graph without a node.
    empties : bool
        Whether nothing is left when all objects are absent; not where absent means edited.
    """

    n_objects: int
    n_params: int | None = None
    names: tuple[str, ...] | None = None
    labels: pd.Index
    fractional: bool = True
    empties: bool = True
    # what a result calls it that an object is absent
    wording: Wording = LEFT_OUT
    # whether the loss is defined at every theta, so that no step can leave its domain
    everywhere: bool = False
    # what `status` says where parameters reach the end of where they mean something
    boundary: str = ""
    # whether parameters have units of their own, so that only standard errors compare them
    own_units: bool = False
    # whether it curves so much that one step is often coarse, and a second one worth its time
    curved: bool = False
    # whether a Hessian costs less than the value and gradient at the same theta
    hessian_at_hand: bool = False
    # whether `gradient_differences` are a new array each time, which may be written over
    new_differences: bool = False
    # whether theta minimises the value; equations have a root, and no value
    minimised: bool = True
    # which information a fit reports its standard errors by; see `Inference`
    information: str = "observed"
    # how their H, or Jacobian, is factored
    solver: Solver = Cholesky()

    def __getstate__(self) -> dict[str, Any]:
        """The state without kept results: they may be as large as the data, and can be remade."""
        kinds = {name: getattr(type(self), name, None) for name in self.__dict__}
        return {
            name: value
            for name, value in self.__dict__.items()
            if not isinstance(kinds[name], cached_property)
        }

    @abstractmethod
    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        """The loss, a sum, with the objects at ``presence == 0`` absent.

        Parameters
        ----------
        theta : array, shape (n_params,)
        presence : array, shape (n_objects,)
            1 for present, 0 for absent; between, the share of the object's weight.
        """

    def everyone(self, presence: np.ndarray | None = None) -> np.ndarray:
        """The mask asked for; default b = 1, of the full data."""
        return np.ones(self.n_objects) if presence is None else presence

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        """Gradient in theta, shape (n_params,)."""
        b = self.everyone(presence)
        try:
            return autodiff.gradient(lambda t: self.value(t, b), theta)
        except autodiff.SingularMatrixError:
            if b.all():
                raise
            return np.full(len(theta), np.nan)  # undefined without the objects that it needs

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        """Hessian in theta, shape (n_params, n_params)."""
        b = self.everyone(presence)
        try:
            return autodiff.hessian(lambda t: self.value(t, b), theta)
        except autodiff.SingularMatrixError:
            if b.all():
                raise
            return np.full((len(theta), len(theta)), np.nan)

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        """Hessian times a vector, without the Hessian: shape (n_params,)."""
        b = self.everyone(presence)
        return autodiff.hessian_product(lambda t: self.value(t, b), theta, vector)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        """D_i = grad L(theta, 1) - grad L(theta, 1_-i), shape (n_removals, n_params).

        0 for parameters that vanish with the removal, docs/mathematics.md, equation (10): at a
        minimum grad L(theta, 1) is 0 there, and grad L(theta, 1_-i) is so everywhere.
        """
        removals = self.each(removals)
        full = self.gradient(theta)
        out = np.zeros((len(removals), len(theta)))
        for k in np.flatnonzero(removals.sizes).tolist():
            out[k] = full - self.gradient(theta, removals.presence(k))
        return self.with_owned(out, removals, 0.0)

    @property
    def differs_by_gradients(self) -> bool:
        """Whether each removal costs a gradient of its own, as `gradient_differences` does here."""
        return type(self).gradient_differences is Loss.gradient_differences

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """d/db_i of grad L(theta, b) at b = 1, summed by removal: (n_removals, n_params)."""
        return self.each(removals).sums(self._presence_slopes(theta, self.everyone()))

    def _presence_slopes(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        """d/db of the gradient at b = presence, shape (n_objects, n_params)."""
        if not self.fractional:
            raise InvalidInputError(
                f"A classical influence function is a derivative in presence, but "
                f"{type(self).__name__} rebuilds its data for each removal and has no meaning "
                "between present and absent; use vif."
            )

        def theta_gradient(b: Any) -> Any:
            return autodiff.gradient(lambda t: self.value(t, b), theta)

        return autodiff.gradients(theta_gradient, presence).T

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """H_-i, the Hessian after each removal, shape (n_removals, n_params, n_params)."""
        removals = self.each(removals)
        return np.stack([self.hessian(theta, removals.presence(k)) for k in range(len(removals))])

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values (k,) and gradients (k, p) after each removal, each at its own theta (k, p)."""
        masks = [removals.presence(k) for k in range(len(removals))]
        values = [float(self.value(t, b)) for t, b in zip(thetas, masks, strict=True)]
        gradients = [self.gradient(t, b) for t, b in zip(thetas, masks, strict=True)]
        return np.array(values), np.stack(gradients)

    def reduced_slopes_at(
        self, theta: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        """`reduced_slopes` with one theta (p,) for all."""
        return self.reduced_slopes(np.tile(theta, (len(removals), 1)), removals)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """Hessians (k, p, p) after each removal, each at its own theta (k, p)."""
        return np.stack([self.hessian(t, removals.presence(k)) for k, t in enumerate(thetas)])

    def _differences_at(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """`gradient_differences` from `reduced_slopes`, shape (k, p)."""
        thetas = np.tile(theta, (len(removals), 1))
        return self.gradient(theta) - self.reduced_slopes(thetas, removals)[1]

    def _curvatures_at(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """The Hessians after each removal at one theta, shape (k, p, p)."""
        return self.reduced_curvatures(np.tile(theta, (len(removals), 1)), removals)

    def third_derivatives(self, theta: np.ndarray) -> np.ndarray | None:
        """Of the loss of all data, a few digits of each: (p, p, p); None where they cost much."""
        return None

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """d/db_j of the gradient of each object left, after each removal, each at its own theta.

        Shape (k, n_objects, p), 0 for objects that are gone.
        """
        out = np.zeros((len(removals), self.n_objects, thetas.shape[1]))
        for k, theta in enumerate(thetas):
            left, presence = removals.codes != k, removals.presence(k)
            out[k, left] = self._presence_slopes(theta, presence)[left]
        return out

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        """H_-i^-1 applied to row i, on the parameters that remain: (n_removals, n_params).

        Rows whose reduced Hessian is singular or indefinite come back as nan.
        """
        out = np.empty_like(rows)
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // len(theta) ** 2)):
            H, owned = self.pinned_reduced_hessians(theta, some), self.owned_mask(some, len(theta))
            common = self.pinned_hessian(theta) if len(some) > MANY_SOLVES else None
            out[part] = solve_each(H, rows[part], owned, common)
        return out

    def owned(self, i: int) -> Sequence[int] | np.ndarray:
        """Positions of the parameters that vanish with object ``i``."""
        return ()

    def owned_mask(self, removals: Removals, n_params: int) -> np.ndarray | None:
        """True where a parameter vanishes with a removal; None where nothing is owned."""
        if type(self).owned is Loss.owned:
            return None
        mask = np.zeros((len(removals), n_params), dtype=bool)
        for k, members in enumerate(removals):
            for i in members:
                mask[k, list(self.owned(i))] = True
        return mask

    def with_owned(self, values: np.ndarray, removals: Removals, to: float) -> np.ndarray:
        """Values (n_removals, n_params), with a number in place of what vanishes."""
        owned = self.owned_mask(removals, values.shape[1])
        return values if owned is None else np.where(owned, to, values)

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Whether the estimate diverges after each removal, or some direction is unknown.

        As far as the loss can tell: in general, by the curvature that is left.
        """
        return unidentified(self, theta, removals)

    def undefined(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Whether the loss has no value after each removal, as a determinant of 0 has no log."""
        return np.zeros(len(removals), dtype=bool)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        """A direction along which the loss of all data falls for ever, shape (n_params,).

        None if there is none, as far as the loss can tell.
        """
        return None

    def diverging(self, theta: np.ndarray) -> np.ndarray:
        """Where each parameter goes as the loss of all data falls for ever, shape (n_params,).

        1 to infinity, -1 to minus infinity, 0 nowhere, nan for either or unknown.
        """
        if self.endless(theta) is not None:
            return np.full(len(theta), np.nan)
        return np.where(unknown_parameters(self, theta), np.nan, 0.0)

    def flat(self) -> Sequence[int] | np.ndarray:
        """Positions of the parameters that the loss cannot tell anything about."""
        return ()

    def gauge(self, theta: np.ndarray) -> np.ndarray:
        """Directions along which the loss does not change, whoever is present: (k, n_params).

        At a minimum they span the null space of H. Of what an absent object owns, the part is
        left away. Solves are then on the complement, and only targets have a meaning.
        """
        return np.empty((0, len(theta)))

    def reduced_gauge(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Gauge directions without what each removal owns: (n_removals, k, n_params)."""
        gauge, owned = self.gauge(theta), self.owned_mask(removals, len(theta))
        if owned is None:
            return np.broadcast_to(gauge, (len(removals), *gauge.shape))
        return np.where(owned[:, None], 0.0, gauge)

    def pinned_hessian(self, theta: np.ndarray) -> np.ndarray:
        """The Hessian, held along the gauge: (n_params, n_params)."""
        return pinned(self.hessian(theta), self.gauge(theta))

    def pinned_reduced_hessians(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """`reduced_hessians`, held along the gauge."""
        return pinned(self.reduced_hessians(theta, removals), self.reduced_gauge(theta, removals))

    def pinned_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """`reduced_curvatures`, held along the gauge."""
        H = self.reduced_curvatures(thetas, removals)
        if not len(thetas):
            return H
        each = [removals.take(np.array([k])) for k in range(len(thetas))]
        gauges = [self.reduced_gauge(t, one)[0] for t, one in zip(thetas, each, strict=True)]
        return pinned(H, np.stack(gauges))

    def canonical(self, thetas: np.ndarray) -> np.ndarray:
        """Of parameters that are the same model, such as x and -x, those that are told: (k, p)."""
        return thetas

    def nearby(self, theta: np.ndarray) -> "Loss":
        """This loss near theta, where that is faster after each removal at a theta of its own."""
        return self

    def beside(self, theta: np.ndarray) -> np.ndarray:
        """Where refits begin: theta, unless no slope there says which way they go; (p,)."""
        return theta

    def at_boundary(self, thetas: np.ndarray, full: np.ndarray) -> np.ndarray:
        """Whether what `boundary` names holds at a row of thetas (k, p), but not at full (p,)."""
        return np.zeros(len(thetas), dtype=bool)

    def leverages(self, theta: np.ndarray) -> np.ndarray | None:
        """Share of each object in its own fit, shape (n_objects,); None where it has no meaning."""
        return None

    def warn_of_times(self) -> None:  # noqa: B027  most losses know of no times
        """Say what keeps coefficients of other software from the minimum, of survival times."""

    def reweighted(self, weights: np.ndarray) -> "Loss":
        """The same loss with these case weights in the place of its own, shape (n_objects,)."""
        raise InvalidInputError(f"A {type(self).__name__} has no case weights to replace.")

    def each(self, removals: Removals | None = None) -> Removals:
        """Those asked for; default every object removed on its own."""
        return Removals.each(self.n_objects) if removals is None else removals
