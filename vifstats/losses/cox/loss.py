"""Cox's negative log partial likelihood, with presence: docs/mathematics.md, equation (17)."""

import inspect
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks import SurvivalInput
from vifstats.losses import autodiff
from vifstats.losses.cox import gradient_changes as gradients
from vifstats.losses.cox import hessian as curvature
from vifstats.losses.cox import value_changes as likelihoods
from vifstats.losses.cox.hessian_changes import HessianKernel
from vifstats.losses.cox.reduced_hessians import ReducedHessians, fewer_than
from vifstats.losses.cox.risk_sets import RiskSets, gathered, in_order, risk_sets
from vifstats.losses.cox.risk_sums import RiskSums, risk_sums
from vifstats.losses.cox.separation import Pairs
from vifstats.losses.penalty import penalised
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, Groups, Penalty, TableLike

__all__ = ["Cox"]

APPROXIMATE = ("efron", "breslow")
TIES = (*APPROXIMATE, "exact")
# Third derivatives are differences of Hessians over this share of 1/sqrt(diag H).
DIFFERENCE = 0.01


class Cox(ReducedHessians):
    """Negative log partial likelihood of Cox's model, a sum over event times.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
    T : array_like, shape (n,)
        Times of event or censoring; or a structured array of (event, time).
    E : array_like, shape (n,), optional
        1 event, 0 censored; None: all events.
    entry : array_like, shape (n,), optional
        Delayed entry: at risk strictly after it.
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    strata : array_like, shape (n,) or (n, k), optional
    offset : array_like, shape (n,), optional
        Added to the linear predictor.
    ties : {"efron", "breslow", "exact"}
        "exact" is the likelihood of which rows had the events, given how many; it takes no
        weights, and time that grows with the square of n.
    penalty : float, array_like, shape (p,) or (p, p), or "firth", optional
        P of 0.5 theta' P theta, in the units of X. It is held when a row is removed. "firth" is
        -1/2 log det of the information of the rows that are present: estimates stay finite on
        separation.

    Raises
    ------
    InvalidInputError
        If the data break a rule of ``vifstats.checks.survival``.

    References
    ----------
    Cox (1975), Biometrika 62; Efron (1977), J. Am. Statist. Ass. 72; Breslow (1974), Biometrics 30.

    Examples
    --------
    >>> loss = Cox([[0.0], [1.0], [0.0]], [3.0, 2.0, 1.0], [1, 1, 1])
    >>> bool(np.isclose(loss.value(np.zeros(1), np.ones(3)), np.log(3 * 2 * 1)))
    True
    """

    hessian_at_hand = True  # two matrix products, from the sums that the gradient needs anyway
    new_differences = True
    # subclasses, by the kind of ties or of penalty
    _kinds: ClassVar[dict[str, type["Cox"]]] = {}

    def __init_subclass__(cls, *, ties: str | None = None, penalty: str | None = None) -> None:
        Cox._kinds.update({kind: cls for kind in (ties, penalty) if kind is not None})

    def __new__(cls, *_: Any, ties: str = "efron", penalty: Any = None, **__: Any) -> "Cox":
        # ties and penalty may select a subclass, as pathlib.Path makes a PosixPath
        kind = penalty if isinstance(penalty, str) else str(ties)
        return super().__new__(Cox._kinds.get(kind, cls) if cls is Cox else cls)

    def __init__(
        self,
        X: TableLike,
        T: ArrayLike1D,
        E: ArrayLike1D | None = None,
        *,
        entry: ArrayLike1D | None = None,
        weights: ArrayLike1D | None = None,
        strata: Groups | None = None,
        offset: ArrayLike1D | None = None,
        ties: str = "efron",
        penalty: Penalty | None = None,
    ) -> None:
        ties = checks.one_of(ties, TIES, "ties")
        data = checks.survival(X, T, E, entry=entry, weights=weights, strata=strata, offset=offset)
        self.ties = ties
        self.n_params = data.X.shape[1]
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        self._in_place = isinstance(X, np.ndarray) and np.may_share_memory(data.X, X)
        self._hold(data)

    def _hold(self, data: SurvivalInput) -> None:
        self.data, self.n_objects = data, len(data.X)
        self.names, self.labels = data.names, data.labels
        self.risk_sets = sets = risk_sets(data)
        self._forget()
        self._X, self.centres = gathered(data.X, sets.order, sets.row_bounds)
        self._weights = in_order(data.weights, sets.order)
        self._offset = in_order(data.offset, sets.order)

    def own(self) -> None:
        """Copy covariates that were read in place, and forget the sums that need as much room.

        `vifstats.vif_cox` calls it in the end; a loss that is made by itself has copied them.

        Examples
        --------
        >>> loss = Cox([[0.0], [1.0]], [1.0, 2.0])
        >>> loss.own()
        """
        if self._in_place:
            self._forget()
            self.data, self._in_place = replace(self.data, X=self.data.X.copy()), False

    def _forget(self) -> None:
        """What is kept of the last theta."""
        self._last: tuple[bytes, RiskSums] | None = None
        self._last_kernel: HessianKernel | None = None
        self._last_hessian: tuple[RiskSums, np.ndarray] | None = None
        self._last_third: tuple[bytes, np.ndarray] | None = None

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        if _plain_and_whole(theta, presence):
            # with the gradient and the Hessian at the same theta, one pass
            return penalised(self.sums(theta).value(), theta, self.penalty)
        return super().value(theta, presence)

    def with_ties(self, ties: str) -> "Cox":
        """The same data with another treatment of ties."""
        twin = copy(self)
        twin.ties = checks.one_of(ties, APPROXIMATE, "ties")
        twin._forget()
        return twin

    def of_data(self, data: SurvivalInput) -> "Cox":
        """The same loss of other data that have been checked."""
        twin = copy(self)
        twin._hold(data)
        return twin

    def reweighted(self, weights: np.ndarray) -> Self:
        twin = super().reweighted(weights)
        twin._forget()
        return twin

    def sums(self, theta: np.ndarray) -> RiskSums:
        """The sums over the risk sets at theta, all rows present; the last ones are kept."""
        key, last = theta.tobytes(), self._last
        if last is not None and last[0] == key:
            return last[1]
        # gone before others take their room
        self._last = self._last_kernel = self._last_hessian = last = None
        eta, efron = self._X @ theta + self._offset, self.ties == "efron"
        sums = risk_sums(self.risk_sets, self._X, self._weights, eta, efron)
        # read and written once each: another thread may be at another theta
        self._last = key, sums
        return sums

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().gradient(theta, presence)
        gradient = self.sums(theta).gradient()
        return gradient if self.penalty is None else gradient + self.penalty @ theta

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().hessian(theta, presence)
        sums, last = self.sums(theta), self._last_hessian
        if last is None or last[0] is not sums:  # each block of refits asks for it
            self._last_hessian = last = sums, curvature.hessian(sums)
        return last[1].copy() if self.penalty is None else last[1] + self.penalty

    def value_differences(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """L(theta, 1) - L(theta, 1_-i), the penalty held, shape (n_removals,)."""
        sums = self.sums(theta)
        compute = partial(likelihoods.value_differences, sums)
        return self._of_each.of("L", sums, self.each(removals), 1, compute)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        sums = self.sums(theta)
        compute = partial(gradients.gradient_differences, sums)
        if len(removals) <= fewer_than(len(theta)):
            return compute(removals)
        return self._of_each.of("D", sums, removals, len(theta), compute)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return gradients.weight_gradients(self.sums(theta), self.each(removals))

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        if len(thetas) == 1 and not removals.sizes.any():
            value = self.value(thetas[0], self.everyone())
            return np.array([value]), self.gradient(thetas[0])[None]
        return super().reduced_slopes(thetas, removals)

    def reduced_slopes_at(
        self, theta: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        if not self.hessian_at_hand or len(removals) <= fewer_than(len(theta)):
            return super().reduced_slopes_at(theta, removals)
        value, gradient = self.value(theta, self.everyone()), self.gradient(theta)
        return (
            value - self.value_differences(theta, removals),
            gradient - self.gradient_differences(theta, removals),
        )

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        if len(thetas) == 1 and not removals.sizes.any():
            return self.hessian(thetas[0])[None]
        return super().reduced_curvatures(thetas, removals)

    def third_derivatives(self, theta: np.ndarray) -> np.ndarray | None:
        if not self.hessian_at_hand:
            return None
        key, last = theta.tobytes(), self._last_third
        if last is not None and last[0] == key:
            return last[1]
        H = self.hessian(theta)
        steps = DIFFERENCE / np.sqrt(np.diag(H))
        nobody = Removals(np.full(self.n_objects, -1), pd.RangeIndex(len(theta)))
        ahead = super().reduced_curvatures(theta + np.diag(steps), nobody)
        third = (ahead - H) / steps[:, None, None]
        # read and written once each, as the sums are
        self._last_third = key, third
        return third

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.empty((len(removals), self.n_objects, thetas.shape[1]))
        out[:, self.risk_sets.order] = np.concatenate(
            [b.scores() for b in self.batches(thetas, removals)]
        )
        return out

    @property
    def _reach(self) -> RiskSets:
        return self.risk_sets

    @property
    def _pairs(self) -> Pairs:
        return Pairs.of(self.risk_sets, self._X, self.penalty)

    def _risk_sums(self, r: Any, present: np.ndarray, presence: Any) -> Any:
        ranges = self.risk_sets.ranges
        return autodiff.LinearMap(ranges.scatter, ranges.gather)(r)


_signature = inspect.signature(Cox.__init__)
# help and documentation would take that of `__new__`
Cox.__signature__ = _signature.replace(  # type: ignore[attr-defined]  # read by inspect
    parameters=list(_signature.parameters.values())[1:]
)


def _plain_and_whole(theta: Any, presence: Any) -> bool:
    """Whether nothing is differentiated and every row is present."""
    plain = isinstance(theta, np.ndarray) and isinstance(presence, np.ndarray)
    return plain and bool((presence == 1).all())
