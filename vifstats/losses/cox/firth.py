"""Firth's penalty for Cox's partial likelihood, by cumulants of covariates in each risk set.

Each term q of the loss (an event, or one of Efron's terms of tied ones) has weights over those at
risk, with mean m_q and covariance V_q. With a_q its coefficient, I = sum a V, and the derivatives
of I are the sums of their third and fourth cumulants, as log phi_q generates them.
See docs/mathematics.md, equation (60).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.losses.cox.loss import APPROXIMATE, Cox
from vifstats.losses.cox.risk_sets import RiskSets
from vifstats.losses.firth import FIRTH, Firth
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["FirthCox"]


class FirthCox(Firth, Cox, penalty="firth"):
    """The loss that ``Cox(..., penalty="firth")`` is."""

    hessian_at_hand = False  # unlike the plain one's, it costs more than a gradient

    def __init__(self, X: Any, T: Any, E: Any = None, **options: Any) -> None:
        checks.one_of(options.get("ties", "efron"), APPROXIMATE, "ties")
        Cox.__init__(self, X, T, E, **{**options, "penalty": None})
        self.penalty = FIRTH

    @classmethod
    def of(cls, plain: Cox) -> "FirthCox":
        """A loss with this penalty in the place of none."""
        checks.one_of(plain.ties, APPROXIMATE, "ties")
        twin: Any = Cox.__new__(cls)
        twin.__dict__.update(plain.__dict__)
        twin.penalty = FIRTH
        return twin

    def _without_penalty(self) -> Cox:
        twin = Cox.__new__(Cox)
        twin.__dict__.update(self.__dict__)
        twin.penalty = None
        return twin

    def with_ties(self, ties: str) -> Cox:
        return FirthCox.of(self.plain.with_ties(ties))

    def bending(self, thetas: np.ndarray, removals: Removals) -> "RiskBending":
        sets = self.risk_sets
        present = removals.codes[sets.order][:, None] != np.arange(len(removals))
        eta = self._X @ thetas.T + self._offset[:, None]
        largest = np.maximum.reduceat(np.where(present, eta, -np.inf), sets.row_bounds[:-1])
        largest = np.where(np.isfinite(largest), largest, 0.0)[sets.stratum]
        r = np.where(
            present, self._weights[:, None] * np.exp(np.where(present, eta - largest, 0.0)), 0.0
        )
        w = np.where(present, self._weights[:, None], 0.0)[sets.own]
        if self.ties == "efron":
            a, alive = self._efron_terms(w, present[sets.own])
        else:
            a, alive = w, np.ones(w.shape)
        information = self.plain.reduced_curvatures(thetas, removals)
        return RiskBending(sets, self._middle, r, a, alive, information)

    def _efron_terms(self, w: np.ndarray, exists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W/d and 1 - l/d of each event, (n_events, k); 0 for W/d of events that are gone."""
        sets = self.risk_sets
        cell, sums = sets.cell_of_event, sets.by_death.sums
        d = np.maximum(sums(exists.astype(float)), 1.0)[cell]
        rank = np.cumsum(exists, axis=0) - 1.0
        before = rank[sets.first_death] + 1.0 - exists[sets.first_death]
        return np.where(exists, sums(w)[cell] / d, 0.0), 1 - (rank - before[cell]) / d

    @cached_property
    def _middle(self) -> np.ndarray:
        """X less its medians, which no distant row moves: digits change, not results."""
        return self._X - np.median(self._X, axis=0)

    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        w, z, present, _ = self._at_risk(theta, presence)
        r, X = w * anp.exp(z), self._X
        coefficient, phi, exists = self._terms(w, r, present, presence)
        phi = anp.where(exists, phi, 1.0)

        def mean(values: np.ndarray) -> Any:
            return anp.where(exists, self._terms(w, r * values, present, presence)[1], 0.0) / phi

        p = X.shape[1]
        means = [mean(X[:, j]) for j in range(p)]
        entries = {
            (i, j): anp.sum(coefficient * (mean(X[:, i] * X[:, j]) - means[i] * means[j]))
            for i in range(p)
            for j in range(i, p)
        }
        rows = [[entries[min(i, j), max(i, j)] for j in range(p)] for i in range(p)]
        return anp.stack([anp.stack(row) for row in rows])


@dataclass(frozen=True, eq=False)
class RiskBending:
    """Sums over the terms of the risk sets, one for each event, and over the rows in them."""

    sets: RiskSets
    X: np.ndarray  # (n, p), in sorted order
    r: np.ndarray  # (n, k): w exp(x'theta) in some unit, 0 of rows that are gone
    # (n_events, k): coefficients, and the share of the tied deaths that is still at risk
    a: np.ndarray
    alive: np.ndarray
    information: np.ndarray  # (k, p, p)

    def _at_risk(self, values: np.ndarray) -> np.ndarray:
        """Sums of r times values (n, k, m) over each term: (n_events, k, m)."""
        sets, weighted = self.sets, self.r[:, :, None] * values
        cell = sets.cell_of_event
        dying = sets.by_death.sums(weighted[sets.own])[cell]
        return sets.exposed.scatter(weighted)[cell] + self.alive[:, :, None] * dying

    def _over_terms(self, values: np.ndarray) -> np.ndarray:
        """For each row r times the sum of values (n_events, k, m) over its terms: (n, k, m)."""
        sets = self.sets
        out = sets.exposed.gather(sets.by_death.sums(values))
        dying = sets.by_death.sums(self.alive[:, :, None] * values)
        out[sets.own] += dying[sets.cell_of_event]
        return self.r[:, :, None] * out

    @cached_property
    def _phi(self) -> np.ndarray:
        """phi of each term, 1 of those that are gone, shape (n_events, k)."""
        phi = self._at_risk(np.ones((len(self.X), 1, 1)))[:, :, 0]
        return np.where(self.a > 0, phi, 1.0)

    @cached_property
    def _means(self) -> np.ndarray:
        return self._at_risk(self.X[:, None]) / self._phi[:, :, None]

    @cached_property
    def _squares(self) -> np.ndarray:
        """x x' of each row, shape (n, p p)."""
        return (self.X[:, :, None] * self.X[:, None, :]).reshape(len(self.X), -1)

    @cached_property
    def _weight(self) -> np.ndarray:
        """a/phi, the coefficient of r in the sum of expectations, shape (n_events, k, 1)."""
        return (self.a / self._phi)[:, :, None]

    @cached_property
    def _rho(self) -> np.ndarray:
        """r times the hazard that each row was exposed to, shape (k, n)."""
        return self._over_terms(self._weight)[:, :, 0].T

    @property
    def squares(self) -> np.ndarray:
        """The diagonal of the sum of a E[xx], shape (k, p)."""
        return self._rho @ self.X**2

    @cached_property
    def slopes(self) -> np.ndarray:
        """The sum of a times the third cumulants: E[xxx] - 3 E[xx]m + 2 mmm, symmetrised."""
        k, p = self.r.shape[1], self.X.shape[1]
        m = self._means.swapaxes(0, 1)
        third = ((self._rho[:, None] * self.X.T) @ self._squares).reshape(k, p, p, p)
        seen = self._over_terms(self._weight * self._means).transpose(1, 2, 0)
        mixed = (seen @ self._squares).reshape(k, p, p, p)
        pairs = (m[:, :, :, None] * m[:, :, None, :]).reshape(k, -1, p * p)
        cubes = ((m * self.a.T[:, :, None]).swapaxes(1, 2) @ pairs).reshape(k, p, p, p)
        turned = mixed + mixed.transpose(0, 2, 1, 3) + mixed.transpose(0, 2, 3, 1)
        return third - turned + 2 * cubes

    def bends(self, M: np.ndarray) -> np.ndarray:
        """The sum of a times the fourth cumulants, two of their four places taken with M.

        With z = x - m and q = z'Mz that is E[q zz'] - tr(MV) V - 2 V M V. E[q zz'] is E[q xx'], by
        rows, less E[q x] m' + m E[q x]' - E[q] m m'.
        """
        X, a, m = self.X, self.a.T, self._means.swapaxes(0, 1)
        k, p = self.r.shape[1], X.shape[1]
        size = np.einsum("kna,na->kn", X @ M, X)  # x'Mx
        u = m @ M
        s = np.einsum("kqa,kqa->kq", u, m)
        phi = self._phi.T[:, :, None]
        second = self._at_risk(self._squares[:, None]).swapaxes(0, 1) / phi
        sized = size.T[:, :, None] * np.column_stack([np.ones(len(X)), X])[:, None]
        sized = self._at_risk(sized).swapaxes(0, 1) / phi
        along = self._over_terms(self._weight * u.swapaxes(0, 1)).swapaxes(0, 1)
        rows = self._rho * size - 2 * np.einsum("kna,na->kn", along, X)
        total = (X.T * rows[:, None]) @ X
        total += np.einsum("kq,kqc->kc", a * s, second).reshape(k, p, p)
        second = second.reshape(k, -1, p, p)
        V = second - m[:, :, :, None] * m[:, :, None, :]
        first = sized[:, :, 1:] - 2 * np.einsum("kqab,kqb->kqa", second, u) + s[:, :, None] * m
        zeroth = sized[:, :, 0] - 2 * np.einsum("kqa,kqa->kq", m, u) + s
        crossed = (first * a[:, :, None]).swapaxes(1, 2) @ m
        total -= crossed + crossed.swapaxes(1, 2)
        total += (m * (a * zeroth)[:, :, None]).swapaxes(1, 2) @ m
        turned = V @ M[:, None]
        total -= np.einsum("kq,kqab->kab", a * np.einsum("kqaa->kq", turned), V)
        return total - 2 * np.einsum("kqab,kqbc->kac", a[:, :, None, None] * turned, V)
