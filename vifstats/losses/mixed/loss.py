"""Linear mixed models by REML and ML: the likelihood, its derivatives, and who is there."""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.batched import Batched
from vifstats.losses.mixed.cross_products import CrossProducts
from vifstats.losses.mixed.expansion import Expansion
from vifstats.losses.mixed.group_sums import GroupSums, group_sums
from vifstats.losses.mixed.likelihood import InUserUnits, Likelihood, fixed_effects
from vifstats.losses.mixed.random_effects import random_effects
from vifstats.losses.mixed.rules import require_enough, require_independent, require_residuals
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, Groups, TableLike

__all__ = ["MixedModel"]

# Numbers of one array of a block of problems at once (16 MB).
CHUNK_NUMBERS = 2_000_000
# lme4 calls a fit singular where an entry of the factor's diagonal is below this (isSingular).
BOUNDARY = 1e-4
# Where a refit begins that would begin with a variance of 0, where the slope is 0 whatever the
# curvature: a standard deviation of this many sigma.
BESIDE = 0.1
# From this many groups on, one group hardly moves the variances, and an expansion of third order
# gives the rest. For an outlier of 8 sigma it misses 4 % of the influence with 200 groups, and a
# thousandth with 1,000.
MANY_GROUPS = 1_000

# Which of the removals, and the sums without each.
Blocks = Iterator[tuple[slice, GroupSums]]


class MixedModel(Batched):
    r"""-log likelihood of y = X beta + Z u + e, restricted (REML) or full (ML).

    Groups are independent; within one, u has the covariance sigma^2 Lambda Lambda'. theta holds
    beta, log(sigma) and the entries of Lambda, a lower triangle by rows. A row that leaves takes
    itself off the covariance of its group; whole groups leave by ``groups=``.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Fixed effects, with a column of ones where there is an intercept.
    y : array_like, shape (n,)
    groups : array_like, shape (n,)
        The label of each row's group, such as a subject.
    Z : DataFrame or array_like, shape (n, q), optional
        Random effects, correlated within a group. Default an intercept; where there are
        `components`, none.
    components : dict, optional
        Further variances, each of independent effects within a group: a name, and labels (n,)
        with an effect for each, such as classes within schools; or a design (n, c) with an
        effect for each column.
    reml : bool
        Whether the likelihood is the restricted one.

    Raises
    ------
    InvalidInputError
        If columns of X are collinear, there are fewer than two groups, no more rows than
        groups and fixed effects to tell sigma by, or no residuals within groups.

    Notes
    -----
    theta is unconstrained: Lambda and -Lambda are the same model, and a variance is 0 where the
    diagonal of Lambda is; `status` names the rows without which that happens.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), J. Statist. Software 67, equations 18, 34 and 39 to
    41; docs/mathematics.md, equations (48) to (52).

    Examples
    --------
    Three pairs; by REML, sigma^2 is half the mean square of the differences within pairs:

    >>> import vifstats as vs
    >>> y = [1.0, 3.0, 5.0, 5.0, 8.0, 10.0]
    >>> loss = MixedModel(np.ones((6, 1)), y, ["a", "a", "b", "b", "c", "c"])
    >>> est = vs.minimize(loss, loss.start())
    >>> vs.vif(est).on(vs.targets.VarianceComponents()).value.round(4)
    array([ 1.1547, 11.6667])
    """

    n_params: int
    names: tuple[str, ...]
    everywhere, own_units, curved = True, True, True
    boundary = "variance at 0 without it"

    def __init__(
        self,
        X: TableLike,
        y: ArrayLike1D,
        groups: Groups,
        Z: TableLike | None = None,
        *,
        components: Mapping[str, Any] | None = None,
        reml: bool = True,
    ) -> None:
        self.X, names, self.labels = checks.design_matrix(X)
        self.n_objects, self.n_fixed = self.X.shape
        self.y = checks.row_vector(y, "y", self.n_objects, self.labels, X)
        self.reml = checks.flag(reml, "reml")
        group_labels = checks.group_labels(groups, self.labels)
        self.group_of_row, known = pd.factorize(pd.Series(np.asarray(group_labels)))
        self.group_labels = pd.Index(known)
        self.random = random_effects(Z, components, self.group_of_row, self.labels)
        require_enough(self.n_objects, self.n_fixed, len(self.group_labels))
        fixed = names or tuple(f"x{k}" for k in range(self.n_fixed))
        self.names = (*fixed, "log(sigma)", *self.random.parameter_names)
        self.n_params = len(self.names)
        # orthonormal columns, and residuals: sums of their products have all their digits
        Q, self._R = np.linalg.qr(self.X)
        require_independent(self._R, fixed)
        self._beta = np.linalg.solve(self._R, Q.T @ self.y)
        residuals = self.y - self.X @ self._beta
        self._rows = CrossProducts(
            np.column_stack([self.random.Z, Q, residuals]), self.group_of_row
        )
        require_residuals(self._rows, self.random.Z.shape[1], self.y)
        self._expansion: Expansion | None = None
        self._log_scale = np.log(np.abs(np.diag(self._R))).sum()

    def start(self) -> np.ndarray:
        """Where a fit may start, (n_params,): least squares, effects as large as its residuals."""
        left = self.y - self.X @ self._beta
        sigma = np.sqrt(left @ left / (self.n_objects - self.n_fixed)) or 1.0
        squares = np.mean(self.random.Z**2, axis=0)
        size = np.sqrt(np.einsum("jqq,q->j", self.random.basis, squares))
        psi = self.random.diagonal / np.where(self.random.diagonal, size, 1.0)
        return np.concatenate([self._beta, [np.log(sigma)], psi])

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        beta, log_sigma, _ = self._parts(theta)
        D, logdet = self._products_left(theta, presence)
        u = anp.append(-anp.dot(self._R, beta - self._beta), 1.0)
        twice = logdet + 2 * anp.sum(presence) * log_sigma
        twice = twice + anp.exp(-2 * log_sigma) * anp.dot(u, anp.dot(D, u))
        if self.reml:
            twice = twice + anp.linalg.slogdet(D[:-1, :-1])[1] - 2 * self.n_fixed * log_sigma
            twice = twice + 2 * self._log_scale
        return 0.5 * twice

    def _products_left(self, theta: Any, presence: Any) -> tuple[Any, Any]:
        """(X, y)' V^-1 (X, y) sigma^2 and log det V / sigma^2, in autograd.numpy."""
        C, Q = self._products(presence), self.random.Z.shape[1]
        factor = self.random.factor(self._parts(theta)[2])
        F, B, A = C[:, :Q, :Q], C[:, :Q, Q:], anp.sum(C[:, Q:, Q:], axis=0)
        M = np.eye(Q) + anp.einsum("sq,gst,tr->gqr", factor, F, factor)
        W = anp.einsum("qr,gqa->gra", factor, B)
        D = A - anp.einsum("gra,grs,gsb->ab", W, anp.linalg.inv(M), W)
        return D, anp.sum(anp.linalg.slogdet(M)[1])

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._finish(theta[None], self._everybody(theta, presence, curved=False)).gradient[0]

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        return self._finish(theta[None], self._everybody(theta, presence, curved=True)).hessian[0]

    def _curvatures_at(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        H = np.empty((len(removals), len(theta), len(theta)))
        for part, sums in self._without_at(theta, removals, curved=True):
            H[part] = self._finish(theta[None], sums).hessian
        return H

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = np.empty(len(thetas)), np.empty(thetas.shape)
        for part, sums in self._without(thetas, removals, curved=False):
            found = self._finish(thetas[part], sums)
            values[part], gradients[part] = found.value, found.gradient
        return values, gradients

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        if len(thetas) and (thetas == thetas[0]).all():
            return self._curvatures_at(thetas[0], removals)
        H = np.empty((len(thetas), *thetas.shape[1:] * 2))
        for part, sums in self._without(thetas, removals, curved=True):
            H[part] = self._finish(thetas[part], sums).hessian
        return H

    def fixed_effects(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """beta after each removal by generalised least squares, at its own variances.

        Shapes: `thetas` (k, n_params), of which beta is not read. Returns (k, p); nan where the
        rows that are left cannot tell all of beta.
        """
        out = np.empty((len(thetas), self.n_fixed))
        for part, sums in self._without(thetas, removals, curved=False):
            out[part] = self._beta + np.linalg.solve(self._R, fixed_effects(sums.D).T).T
        return out

    def fixed_effects_at(self, theta: Differentiable, presence: Differentiable) -> Any:
        """The same of one theta at any presence, in autograd.numpy, shape (p,)."""
        D = self._products_left(theta, presence)[0]
        return self._beta + anp.dot(
            np.linalg.inv(self._R), anp.linalg.solve(D[:-1, :-1], D[:-1, -1])
        )

    def variances(self, theta: Differentiable) -> Any:
        """sigma, then the covariance of the random effects by rows, in units of y: (1 + m,)."""
        p, psi = self.n_fixed, self._parts(theta)[2]
        sigma = anp.exp(theta[p : p + 1])
        return anp.concatenate([sigma, self.random.variances(psi, sigma**2)])

    def at_boundary(self, thetas: np.ndarray, full: np.ndarray) -> np.ndarray:
        """Whether a variance is 0, or was stepped past 0, that is not 0 at `full`: bool (k,)."""
        now, then = (t[..., self.n_fixed + 1 :][..., self.random.diagonal] for t in (thetas, full))
        inside = np.abs(then) > BOUNDARY
        return (inside & (now * np.sign(then) <= BOUNDARY)).any(axis=1)

    def undefined(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        """Removals after which the rows left do not identify beta, which REML needs."""
        out = np.zeros(len(removals), dtype=bool)
        if self.reml:
            for part, sums in self._without_at(theta, removals, curved=False):
                out[part] = np.isnan(self._finish(theta[None], sums).value)
        return out

    def canonical(self, thetas: np.ndarray) -> np.ndarray:
        """The factor of the same covariance whose diagonal is not negative."""
        out, rows_columns = thetas.copy(), self.random.triangle
        psi = out[:, self.n_fixed + 1 :]
        for column in range(self.random.n_correlated):
            entries = np.flatnonzero(rows_columns[1] == column)
            psi[:, entries] *= np.where(psi[:, entries[:1]] < 0, -1.0, 1.0)
        components = psi[:, len(rows_columns[0]) :]
        components[:] = np.abs(components)
        return out

    def nearby(self, theta: np.ndarray) -> Loss:
        """With many groups, their sums expanded to third order in the variances, once for all."""
        if self._rows.n_groups < MANY_GROUPS:
            return self
        twin, p = copy(self), self.n_fixed
        n, products = self._rows.counts[None], self._rows.products[None]
        twin._expansion = Expansion.about(
            theta[p + 1 :], lambda psi: group_sums(self.random.basis, psi, n, products, True)
        )
        return twin

    def beside(self, theta: np.ndarray) -> np.ndarray:
        """Where refits begin: off a variance of 0, where no slope says which way it goes."""
        out, of_psi = theta.copy(), slice(self.n_fixed + 1, None)
        small = self.random.diagonal & (np.abs(theta[of_psi]) <= BOUNDARY)
        out[of_psi][small] = BESIDE
        return out

    def _parts(self, theta: Any) -> tuple[Any, Any, Any]:
        p = self.n_fixed
        return theta[:p], theta[p], theta[p + 1 :]

    def _products(self, presence: Any) -> Any:
        """Cross-products of each group, (n_groups, d, d), in autograd.numpy."""
        flat = autodiff.LinearMap(lambda b: self._rows.of(b).ravel(), self._rows.slopes)
        d = self._rows.columns.shape[1]
        return anp.reshape(flat(presence), (-1, d, d))

    def _everybody(self, theta: np.ndarray, presence: np.ndarray | None, curved: bool) -> GroupSums:
        products, counts = self._rows.products, self._rows.counts
        if presence is not None:
            products = self._rows.of(presence)
            counts = np.bincount(self.group_of_row, presence, self._rows.n_groups)
        psi = theta[None, self.n_fixed + 1 :]
        return group_sums(self.random.basis, psi, counts[None], products[None], curved)

    def _without_at(self, theta: np.ndarray, removals: Removals, curved: bool) -> Blocks:
        """Blocks of removals, and the sums after each, at one theta: all minus what changes."""
        basis, psi = self.random.basis, theta[None, self.n_fixed + 1 :]
        everybody = self._everybody(theta, None, curved)
        of_group = group_sums(
            basis, psi, self._rows.counts[:, None], self._rows.products[:, None], curved
        )
        for part, some in removals.blocks(self._block(1)):
            pairs = self._rows.without(some)
            if not len(pairs.group):
                yield part, everybody.take(np.zeros(len(some), dtype=int))
                continue
            left = group_sums(basis, psi, pairs.counts[:, None], pairs.products[:, None], curved)
            change = left - of_group.take(pairs.group)
            yield part, everybody + change.summed(pairs.removal, len(some))

    def _without(self, thetas: np.ndarray, removals: Removals, curved: bool) -> Blocks:
        """Blocks of removals, and the sums without each at its own theta: all groups afresh."""
        if len(thetas) and (thetas == thetas[0]).all():
            yield from self._without_at(thetas[0], removals, curved)
            return
        if self._expansion is not None:
            yield from self._without_near(self._expansion, thetas, removals, curved)
            return
        rows = self._rows
        for part, some in removals.blocks(self._block(rows.n_groups)):
            pairs = rows.without(some)
            n = np.repeat(rows.counts[None], len(some), axis=0)
            products = np.repeat(rows.products[None], len(some), axis=0)
            n[pairs.removal, pairs.group] = pairs.counts
            products[pairs.removal, pairs.group] = pairs.products
            psi = thetas[part, self.n_fixed + 1 :]
            yield part, group_sums(self.random.basis, psi, n, products, curved)

    def _without_near(
        self, expansion: Expansion, thetas: np.ndarray, removals: Removals, curved: bool
    ) -> Blocks:
        """The same by the expansion: all groups, minus the changes in groups that lose rows."""
        basis, rows = self.random.basis, self._rows
        for part, some in removals.blocks(self._block(1)):
            pairs, psi = rows.without(some), thetas[part, self.n_fixed + 1 :]
            own = psi[pairs.removal]
            before = group_sums(
                basis, own, rows.counts[pairs.group, None], rows.products[pairs.group, None], curved
            )
            left = group_sums(basis, own, pairs.counts[:, None], pairs.products[:, None], curved)
            change = (left - before).summed(pairs.removal, len(some))
            yield part, expansion(psi, curved) + change

    def _block(self, n_groups: int) -> int:
        """How many problems at once, of so many groups each."""
        d, m = self._rows.columns.shape[1], len(self.random.basis)
        return max(1, CHUNK_NUMBERS // (n_groups * d**2 * max(m, 2)))

    def _finish(self, thetas: np.ndarray, sums: GroupSums) -> InUserUnits:
        thetas = np.broadcast_to(thetas, (len(sums.n), self.n_params))
        delta = (thetas[:, : self.n_fixed] - self._beta) @ self._R.T
        found = Likelihood(sums, delta, thetas[:, self.n_fixed], self.reml)
        return InUserUnits(found, self._R, self._log_scale if self.reml else 0.0)
