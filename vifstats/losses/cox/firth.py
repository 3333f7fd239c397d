"""Firth's penalty for Cox's partial likelihood, by the cumulants of the covariates in each risk set.

Each term q of the loss (an event time; one of Efron's terms of a tied one) has weights over those at
risk with mean m_q and covariance V_q. With a_q its coefficient, I = sum a V, and the derivatives of
I are the sums of their third and fourth cumulants, as log phi_q generates them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.losses.cox import hessian as curvature
from vifstats.losses.cox.loss import APPROXIMATE, Cox
from vifstats.losses.cox.risk_sums import RiskSums, risk_sums
from vifstats.losses.cox.segment_sums import Bins, expanded
from vifstats.losses.firth import Firth
from vifstats.typing import Differentiable

__all__ = ["FirthCox"]


class FirthCox(Firth, Cox, penalty="firth"):
    """The loss that ``Cox(..., penalty="firth")`` is."""

    plain: Any

    def __init__(self, X: Any, T: Any, E: Any = None, **options: Any) -> None:
        checks.one_of(options.get("ties", "efron"), APPROXIMATE, "ties")
        Cox.__init__(self, X, T, E, **{**options, "penalty": None})
        self.penalty: Any = "firth"

    @classmethod
    def of(cls, plain: Cox) -> "FirthCox":
        """A loss with this penalty in the place of none."""
        checks.one_of(plain.ties, APPROXIMATE, "ties")
        twin = Cox.__new__(cls)
        twin.__dict__.update(plain.__dict__)
        twin.penalty = "firth"
        return twin

    @cached_property
    def plain(self) -> Cox:  # type: ignore[no-redef]  # computed once, not given
        twin = Cox.__new__(Cox)
        twin.__dict__.update(self.__dict__)
        twin.penalty = None
        return twin

    def with_ties(self, ties: str) -> Cox:
        return FirthCox.of(self.plain.with_ties(ties))

    def bending(self, theta: np.ndarray, present: np.ndarray | None) -> "RiskBending | None":
        sets, X, w, offset = self.risk_sets, self._X, self._weights, self._offset
        efron = self.ties == "efron"
        if present is None:
            return RiskBending(risk_sums(sets, X, w, X @ theta + offset, efron))
        rows = np.flatnonzero(present[sets.order])
        some = sets.take(rows)
        if not some.n_cells:
            return None
        X = X[rows]
        X = X - X.mean(axis=0)  # digits change, not results
        return RiskBending(risk_sums(some, X, w[rows], self._X[rows] @ theta + offset[rows], efron))

    def traced_information(self, theta: Differentiable, presence: Differentiable) -> Any:
        w, z, present, _ = self._at_risk(theta, presence)
        r, X = w * anp.exp(z), self._X
        coefficient, phi, exists = self._terms(w, r, present)
        phi = anp.where(exists, phi, 1.0)

        def mean(values: np.ndarray) -> Any:
            return anp.where(exists, self._terms(w, r * values, present)[1], 0.0) / phi

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
    """Sums over the terms of the risk sets, and over the rows in them."""

    sums: RiskSums

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """The cell of each term, and the share 1 - l/d of its deaths that is still there."""
        cell, tie = expanded(self.sums.n_terms)
        return cell, 1 - tie / self.sums.n_terms[cell]

    def _at_risk(self, values: np.ndarray) -> np.ndarray:
        """Sums of r times values (n, k) over each term: (n_terms, k)."""
        sums, (cell, alive) = self.sums, self._cells
        weighted = sums.r[:, None] * values
        exposed = sums.sets.exposed.scatter(weighted)
        dying = sums.sets.by_death.sums(weighted[sums.sets.own])
        return exposed[cell] + alive[:, None] * dying[cell]

    def _over_terms(self, values: np.ndarray) -> np.ndarray:
        """For each row r times the sum of values (n_terms, k) over the terms it is in: (n, k)."""
        sums, (cell, alive) = self.sums, self._cells
        bins = Bins(cell, sums.sets.n_cells)
        out = sums.sets.exposed.gather(bins.sums(values))
        own = sums.sets.own
        out[own] += bins.sums(alive[:, None] * values)[sums.sets.cell_of_event]
        return sums.r[:, None] * out

    @cached_property
    def _phi(self) -> np.ndarray:
        cell, alive = self._cells
        return self.sums.R[cell] + alive * self.sums.S0D[cell]

    @cached_property
    def _a(self) -> np.ndarray:
        return self.sums.a[self._cells[0]]

    @cached_property
    def _means(self) -> np.ndarray:
        return self._at_risk(self.sums.X) / self._phi[:, None]

    @cached_property
    def information(self) -> np.ndarray:
        """The sum of a V."""
        return curvature.hessian(self.sums)

    @cached_property
    def _squares(self) -> np.ndarray:
        """x x' of each row, shape (n, p p)."""
        X = self.sums.X
        return (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)

    @cached_property
    def _weight(self) -> np.ndarray:
        """a/phi, the coefficient of r in the sum of expectations, shape (n_terms,)."""
        return self._a / self._phi

    @cached_property
    def slopes(self) -> np.ndarray:
        """The sum of a times the third cumulants: E[xxx] - 3 E[xx]m + 2 mmm, symmetrised."""
        X, m, p = self.sums.X, self._means, self.sums.X.shape[1]
        rho = self._over_terms(self._weight[:, None])
        third = (X * rho).T.dot(self._squares).reshape(p, p, p)
        seen = self._over_terms(self._weight[:, None] * m)
        mixed = seen.T.dot(self._squares).reshape(p, p, p)
        pairs = (m[:, :, None] * m[:, None, :]).reshape(len(m), -1)
        cubes = (m * self._a[:, None]).T.dot(pairs).reshape(p, p, p)
        turned = mixed + mixed.transpose(1, 0, 2) + mixed.transpose(1, 2, 0)
        return third - turned + 2 * cubes

    def bends(self, M: np.ndarray) -> np.ndarray:
        """The sum of a times the fourth cumulants, two of their four places taken with M.

        With z = x - m and q = z'Mz that is E[q zz'] - tr(MV) V - 2 V M V.
        """
        X, m, a = self.sums.X, self._means, self._a
        p = X.shape[1]
        size, phi = np.einsum("na,na->n", X @ M, X), self._phi[:, None]
        u = m @ M
        s = np.einsum("qa,qa->q", u, m)
        E = self._at_risk(self._squares) / phi
        second = E.reshape(-1, p, p)
        V = second - m[:, :, None] * m[:, None, :]
        sized = self._at_risk(np.column_stack([size, size[:, None] * X])) / phi
        # E[(x'Mx - 2u'x + s) xx'] by rows, less what the means take away
        rho = self._over_terms(self._weight[:, None])[:, 0]
        along = np.einsum("na,na->n", self._over_terms(self._weight[:, None] * u), X)
        rows = (rho * size - 2 * along)[:, None] * X
        total = X.T @ rows + np.einsum("q,qab->ab", a * s, second)
        # E[q x] m' + m E[q x]' - E[q] m m'
        first = sized[:, 1:] - 2 * np.einsum("qab,qb->qa", second, u) + s[:, None] * m
        zeroth = sized[:, 0] - 2 * np.einsum("qa,qa->q", m, u) + s
        crossed = (first * a[:, None]).T @ m
        total -= crossed + crossed.T - (m * (a * zeroth)[:, None]).T @ m
        turned = V @ M
        spread = np.einsum("qaa->q", turned)
        total -= np.einsum("q,qab->ab", a * spread, V)
        return total - 2 * np.einsum("q,qab,qbc->ac", a, turned, V, optimize=True)
