"""Conditional logistic regression: matched sets with one case or several."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cancellation import mended
from vifstats.losses.matched_sets.separation import Pairs
from vifstats.losses.matched_sets.sets import SetsOfOneSize, sets_by_size
from vifstats.losses.matched_sets.symmetric_sums import Logs, log_symmetric_sums
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, Penalty, TableLike

__all__ = ["ConditionalLogistic"]

# Numbers of one array of sums, or of members, at once (16 MB).
CHUNK_NUMBERS = 2_000_000


class ConditionalLogistic(Loss):
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

    n_params: int
    _last: tuple[Any, tuple[np.ndarray, ...]] | None = None

    def __init__(
        self,
        X: TableLike,
        y: ArrayLike1D,
        sets: ArrayLike1D,
        *,
        offset: ArrayLike1D | None = None,
        penalty: Penalty | None = None,
    ) -> None:
        self.X, self.names, self.labels = checks.design_matrix(X)
        self.n_objects, self.n_params = self.X.shape
        y = checks.row_vector(y, "y", self.n_objects, self.labels, X)
        if not np.isin(y, (0, 1)).all():
            raise InvalidInputError(
                f"`y` must be 1 for cases and 0 for the others, but holds {np.unique(y)[:5]}; "
                "recode it."
            )
        self.case = y == 1
        self.offset = (
            np.zeros(self.n_objects)
            if offset is None
            else checks.row_vector(offset, "offset", self.n_objects, self.labels, X)
        )
        labels = checks.group_labels(sets, self.labels)
        self.set_of_row, self.set_labels = pd.factorize(pd.Series(np.asarray(labels)))
        self.n_sets = len(self.set_labels)
        self._require_cases()
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        # what a set has in common cancels: digits change, not results
        sums = np.zeros((self.n_sets, self.n_params))
        np.add.at(sums, self.set_of_row, self.X)
        self._x = self.X - (sums / np.bincount(self.set_of_row)[:, None])[self.set_of_row]
        self.by_size = tuple(sets_by_size(self.set_of_row))

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        eta = anp.dot(self._x, theta) + self.offset
        # the number of cases is a count: it is not differentiated
        cases = self.case & (autodiff.plain(presence) > 0)
        total = -anp.sum(presence[self.case] * eta[self.case])
        for some in self.by_size:
            total = total + anp.sum(self._logs(some, eta, presence, cases))
        if self.penalty is None:
            return total
        return total + 0.5 * anp.dot(theta, anp.dot(self.penalty, theta))

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().gradient(theta, presence)
        _, gradients, _ = self._sets_at(theta, curved=False)
        return self._penalised_slope(theta, gradients.sum(axis=0))

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        if presence is not None:
            return super().hessian(theta, presence)
        return self._penalised(self._sets_at(theta, curved=True)[2].sum(axis=0))

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each() if removals is None else removals
        full = self._sets_at(theta, curved=False)[1]
        out = np.zeros((len(removals), self.n_params))
        for code, number, logs in self._sets_without(theta[None], removals, curved=False):
            np.add.at(out, code, full[number] - logs.gradient)
        return out

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        """pi (1 - pi) (x_i + grad log e_(m-1) - grad log e_m) - y_i x_i, both without row i.

        pi is the probability that row i is among the m cases.
        """
        out = -self._x * self.case[:, None]
        eta = self._x @ theta + self.offset
        for some in self.by_size:
            at, place = np.nonzero(some.rows >= 0)
            size = max(1, CHUNK_NUMBERS // (some.rows.shape[1] * self.n_params))
            for first in range(0, len(at), size):
                part = slice(first, first + size)
                rows, i = some.rows[at[part]], some.rows[at[part], place[part]]
                out[i] += self._choice_slopes(rows, i, eta)
        return out if removals is None else removals.sums(out)

    def _choice_slopes(self, rows: np.ndarray, i: np.ndarray, eta: np.ndarray) -> np.ndarray:
        others = (rows >= 0) & (rows != i[:, None])
        m = (self.case[rows] & (rows >= 0)).sum(axis=1)
        x, z = self._x[rows], eta[rows]
        out = np.zeros((len(rows), self.n_params))
        # where all are cases row i is one for certain, and its weight says nothing
        some = np.flatnonzero(m <= others.sum(axis=1))
        x, z, others, m = x[some], z[some], others[some], m[some]
        with_i, without_i = (
            log_symmetric_sums(z, x, others, count, curved=False) for count in (m - 1, m)
        )
        odds = eta[i[some]] + with_i.value - without_i.value
        pi = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        lean = self._x[i[some]] + with_i.gradient - without_i.gradient
        out[some] = (pi * (1 - pi))[:, None] * lean
        return out

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each() if removals is None else removals
        each = self._sets_at(theta, curved=True)[2]
        full = self._penalised(each.sum(axis=0))
        out = np.repeat(full[None], len(removals), axis=0)
        for code, number, logs in self._sets_without(theta[None], removals, curved=True):
            np.add.at(out, code, logs.curvature - each[number])
        return mended(out, full, removals, partial(self._curvatures_at, theta))

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = np.zeros(len(removals)), np.zeros((len(removals), self.n_params))
        for k, _, logs in self._every_set(thetas, removals, curved=False):
            np.add.at(values, k, logs.value)
            np.add.at(gradients, k, logs.gradient)
        if self.penalty is None:
            return values, gradients
        pull = thetas @ self.penalty
        return values + 0.5 * np.einsum("kp,kp->k", pull, thetas), gradients + pull

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        H = np.zeros((len(removals), self.n_params, self.n_params))
        for k, _, logs in self._every_set(thetas, removals, curved=True):
            np.add.at(H, k, logs.curvature)
        return H if self.penalty is None else H + self.penalty

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        pairs = self._case_pairs
        return super().separated(theta, removals) if pairs is None else pairs.separated(removals)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return None if self._case_pairs is None else self._case_pairs.falling()

    @cached_property
    def _case_pairs(self) -> Pairs | None:
        return Pairs.of(self._x, self.case, self.set_of_row, self.penalty)

    def flat(self) -> np.ndarray:
        constant = ~self._x.any(axis=0)
        if self.penalty is not None:
            constant &= ~self.penalty.any(axis=0)
        return np.flatnonzero(constant)

    def _require_cases(self) -> None:
        cases = np.bincount(self.set_of_row, self.case, minlength=self.n_sets)
        if len(empty := np.flatnonzero(cases == 0)):
            raise InvalidInputError(
                f"Every set must have a case, but set {self.set_labels[empty[0]]!r} has none "
                f"({len(empty)} such sets); it says nothing: drop it."
            )

    def _logs(self, some: SetsOfOneSize, eta: Any, presence: Any, cases: np.ndarray) -> Any:
        """log e_m of each set, in autograd.numpy."""
        rows, inside = some.rows, some.rows >= 0
        here = inside & (autodiff.plain(presence)[rows] > 0)
        shift = np.max(np.where(here, autodiff.plain(eta)[rows], -np.inf), axis=1)
        shift = np.where(np.isfinite(shift), shift, 0.0)
        z = anp.where(here, eta[rows] - shift[:, None], 0.0)
        r = anp.where(here, presence[rows] * anp.exp(z), 0.0)
        m = (cases[rows] & inside).sum(axis=1)
        e = [anp.ones(len(rows))] + [anp.zeros(len(rows))] * int(m.max(initial=0))
        for j in range(rows.shape[1]):
            e = [e[0]] + [e[k] + r[:, j] * e[k - 1] for k in range(1, len(e))]
        return anp.log(anp.stack(e)[m, np.arange(len(rows))]) + m * shift

    def _sets_at(self, theta: np.ndarray, curved: bool) -> tuple[np.ndarray, ...]:
        """What each set adds to the loss, its gradient and its Hessian; the last are kept."""
        key = theta.tobytes(), curved
        if self._last is None or self._last[0] != key:
            p = self.n_params
            values, gradients = np.zeros(self.n_sets), np.zeros((self.n_sets, p))
            hessians = np.zeros((self.n_sets, p, p) if curved else (0, p, p))
            nobody = Removals.nobody(self.n_objects)
            for _, number, logs in self._every_set(theta[None], nobody, curved):
                values[number], gradients[number] = logs.value, logs.gradient
                if curved:
                    hessians[number] = logs.curvature
            self._last = key, (values, gradients, hessians)
        return self._last[1]

    def _sets_without(
        self, thetas: np.ndarray, removals: Removals, curved: bool
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Logs]]:
        """Each set without the members that a removal takes from it, where it takes any."""
        rows = np.flatnonzero(removals.codes >= 0)
        pairs = np.unique(np.stack([removals.codes[rows], self.set_of_row[rows]]), axis=1)
        yield from self._pairs(thetas, removals, pairs[0], pairs[1], curved)

    def _every_set(
        self, thetas: np.ndarray, removals: Removals, curved: bool
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Logs]]:
        """All sets without each removal, at its own theta."""
        code = np.repeat(np.arange(len(removals)), self.n_sets)
        number = np.tile(np.arange(self.n_sets), len(removals))
        yield from self._pairs(thetas, removals, code, number, curved)

    @cached_property
    def _place(self) -> np.ndarray:
        """For each set: which of `by_size` it is in, and where, shape (n_sets, 2)."""
        place = np.empty((self.n_sets, 2), dtype=np.intp)
        for c, some in enumerate(self.by_size):
            place[some.number, 0], place[some.number, 1] = c, np.arange(len(some.number))
        return place

    def _pairs(
        self,
        thetas: np.ndarray,
        removals: Removals,
        code: np.ndarray,
        number: np.ndarray,
        curved: bool,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Logs]]:
        """Pairs of a removal and a set: the set's loss without it, in chunks of like sets."""
        p = self.n_params
        for c, some in enumerate(self.by_size):
            here = np.flatnonzero(self._place[number, 0] == c)
            most = int(self.case[some.rows].sum(axis=1).max()) + 1
            width = max(some.rows.shape[1] * p, most * (p * p if curved else p))
            size = max(1, CHUNK_NUMBERS // width)
            for first in range(0, len(here), size):
                at = here[first : first + size]
                rows = some.rows[self._place[number[at], 1]]
                theta = thetas if len(thetas) == 1 else thetas[code[at]]
                yield code[at], number[at], self._of_sets(rows, theta, removals, code[at], curved)

    def _of_sets(
        self,
        rows: np.ndarray,
        thetas: np.ndarray,
        removals: Removals,
        code: np.ndarray,
        curved: bool,
    ) -> Logs:
        present = (rows >= 0) & (removals.codes[rows] != code[:, None])
        cases = present & self.case[rows]
        x = self._x[rows]
        eta = np.einsum("knp,kp->kn", x, np.broadcast_to(thetas, (len(rows), x.shape[2])))
        eta += self.offset[rows]
        logs = log_symmetric_sums(eta, x, present, cases.sum(axis=1), curved)
        own = np.where(cases, eta, 0.0).sum(axis=1)
        own_x = np.where(cases[:, :, None], x, 0.0).sum(axis=1)
        return Logs(logs.value - own, logs.gradient - own_x, logs.hessian)

    def _penalised(self, H: np.ndarray) -> np.ndarray:
        return H if self.penalty is None else H + self.penalty

    def _penalised_slope(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        return gradient if self.penalty is None else gradient + self.penalty @ theta
