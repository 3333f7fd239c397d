"""Conditional logistic regression: matched sets with one case or several."""

from functools import cached_property, partial
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses.cancellation import mended
from vifstats.losses.matched_sets.base import MatchedSets
from vifstats.losses.matched_sets.choices import Choices
from vifstats.losses.matched_sets.separation import Pairs
from vifstats.losses.matched_sets.sets import Members
from vifstats.losses.penalty import penalised, penalised_slopes, untold
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["ConditionalLogistic"]


class ConditionalLogistic(MatchedSets):
    """-log of how likely the cases of each set are, given how many there are.

    Each set s with m cases adds log e_m(r) - sum over its cases of x'theta, with e_m the
    elementary symmetric polynomial of the risks r = exp(x'theta). With one case a set this is
    Cox's model with the sets as strata. When a row is removed the rest of its set stays; a set
    that is left without a case, or with cases only, has nothing to say.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Without an intercept: what is the same for all members of a set has no effect.
    y : array_like of 0/1, shape (n,)
        1 for cases.
    sets : array_like, shape (n,)
        The label of each row's set.
    offset : array_like, shape (n,), optional
        Added to the linear predictor.
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta, held when a row is removed.

    Raises
    ------
    InvalidInputError
        If a set has no case, y is not 0 or 1, or anything is missing.

    References
    ----------
    Gail, Lubin & Rubinstein (1981), Biometrika 68, for the recursion; docs/mathematics.md,
    equation (36).

    Examples
    --------
    Two pairs, in each of which the exposed one is the case, and one the other way round:

    >>> import vifstats as vs
    >>> X, y = [[1.0], [0.0], [1.0], [0.0], [0.0], [1.0]], [1, 0, 1, 0, 1, 0]
    >>> loss = ConditionalLogistic(X, y, [1, 1, 2, 2, 3, 3])
    >>> vs.minimize(loss, [0.0]).theta.round(4)  # log(2/1)
    array([0.6931])
    """

    def _take_outcomes(self, y: np.ndarray) -> None:
        if not np.isin(y, (0, 1)).all():
            raise InvalidInputError(
                f"`y` must be 1 for cases and 0 for the others, but holds {np.unique(y)[:5]}; "
                "recode it."
            )
        self.case = y == 1

    def _prepare(self) -> None:
        self.n_sets = len(self.set_labels)
        self._require_cases()
        # what a set has in common cancels: digits change, not results
        sums = np.zeros((self.n_sets, self.n_params))
        np.add.at(sums, self.set_of_row, self.X)
        x = self.X - (sums / np.bincount(self.set_of_row)[:, None])[self.set_of_row]
        self.choices = Choices(x, self.offset, Members.whole(self.set_of_row, self.case))

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        total = self.choices.value(theta, presence)
        return penalised(total, theta, self.penalty)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().gradient(theta, presence)
        gradient = self.choices.at(theta, curved=False)[1].sum(axis=0)
        return gradient if self.penalty is None else gradient + self.penalty @ theta

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().hessian(theta, presence)
        return self._penalised(self.choices.at(theta, curved=True)[2].sum(axis=0))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        return self.choices.differences(theta, self.each(removals), curved=False).gradient

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        out = self.choices.weight_gradients(theta)
        return out if removals is None else removals.sums(out)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        full = self.hessian(theta)
        out = full - self.choices.differences(theta, removals, curved=True).curvature
        return mended(out, full, removals, partial(self._curvatures_at, theta))

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        found = self.choices.without(thetas, removals, curved=False)
        return penalised_slopes(found.value, found.gradient, thetas, self.penalty)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return self._penalised(self.choices.without(thetas, removals, curved=True).curvature)

    @cached_property
    def _pairs(self) -> Pairs | None:
        return Pairs.of(self.choices.x, self.case, self.set_of_row, self.penalty)

    def flat(self) -> np.ndarray:
        constant = self.choices.flat()
        return untold(constant, self.penalty)

    def _require_cases(self) -> None:
        cases = np.bincount(self.set_of_row, self.case, minlength=self.n_sets)
        if len(empty := np.flatnonzero(cases == 0)):
            raise InvalidInputError(
                "Every set must have a case, but set "
                f"{checks.quoted(self.set_labels[empty[0]])} has none "
                f"({len(empty)} such sets); it says nothing: drop it."
            )

    def _penalised(self, H: np.ndarray) -> np.ndarray:
        return H if self.penalty is None else H + self.penalty
