"""Fine and Gray's regression on the subdistribution hazard: docs/mathematics.md, equation (53)."""

from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.losses import autodiff
from vifstats.losses.batched import Batched
from vifstats.losses.cancellation import mended
from vifstats.losses.cox.fine_gray.batch import WeightedBatch
from vifstats.losses.cox.fine_gray.censoring import censoring_of
from vifstats.losses.cox.fine_gray.changes import changes
from vifstats.losses.cox.fine_gray.slopes import presence_slopes
from vifstats.losses.cox.fine_gray.sums import Sums
from vifstats.losses.cox.moments import NO_PAIRS, Columns
from vifstats.losses.cox.partial_likelihood import PartialLikelihood
from vifstats.losses.cox.risk_sets import RiskSets, gathered, risk_sets
from vifstats.losses.cox.separation import Pairs
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Groups, Penalty, TableLike

__all__ = ["FineGray"]

TIES = ("efron", "breslow")
# Pairs of covariates are taken in blocks of about this many numbers (16 MB).
BLOCK_NUMBERS = 2_000_000
# At most this many removals are summed afresh: for more, the differences of all rows cost less.
FEW = 8


class FineGray(Batched, PartialLikelihood):
    """Negative log partial likelihood of Fine and Gray's model of one of several causes.

    A row with an event of another cause stays at risk, with the weight G(t-)/G(T-) of who is
    still uncensored. G is Kaplan and Meier's estimate of the censoring from who is present, so a
    removal changes the weights of others too. It is R's ``survival::finegray`` with ``coxph``.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
    T : array_like, shape (n,)
        Times of the first event, or of censoring.
    cause : array_like of int, shape (n,)
        0 censored, 1, 2, ... the cause of the event.
    of : int
        The cause that is modelled.
    weights : array_like, shape (n,), optional
        Case weights, > 0. G is of rows, as in R.
    strata : array_like, shape (n,) or (n, k), optional
        Strata of the censoring: G is estimated in each. There is one baseline.
    offset : array_like, shape (n,), optional
        Added to the linear predictor.
    ties : {"efron", "breslow"}
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta, in the units of X. It is held when a row is removed.

    Raises
    ------
    InvalidInputError
        If causes are not whole numbers from 0, `of` is not one of them, or the data break a rule of
        ``vifstats.checks.survival``.

    Notes
    -----
    The naive standard errors treat G as known. Those of Fine and Gray account for the part of each
    row in G: ``est.with_inference("robust")``. Single rows are removed in near-linear time. Groups
    of rows are summed afresh, each in a time that grows with n.
    Delayed entry is not supported: rows that enter late would also need weights by the
    distribution of entries, which each removal changes. Cause-specific models support it:
    ``competing_risks``.

    References
    ----------
    Fine & Gray (1999), J. Am. Statist. Ass. 94, sections 3.1 and 4; docs/mathematics.md,
    equations (53) to (56).

    Examples
    --------
    >>> import vifstats as vs
    >>> X = [[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]
    >>> loss = FineGray(X, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 1, 2, 0, 1, 1])
    >>> est = vs.minimize(loss, [0.0])
    >>> est.theta.round(4)
    array([0.8217])
    >>> vs.vif(est).values.round(2).ravel()
    array([ 0.53,  0.47,  0.53, -0.27,  0.21, -1.09])
    """

    def __init__(
        self,
        X: TableLike,
        T: ArrayLike1D,
        cause: ArrayLike1D,
        *,
        of: int = 1,
        weights: ArrayLike1D | None = None,
        strata: Groups | None = None,
        offset: ArrayLike1D | None = None,
        ties: str = "efron",
        penalty: Penalty | None = None,
    ) -> None:
        self.ties = checks.one_of(ties, TIES, "ties")
        data = checks.survival(X, T, None, weights=weights, strata=strata, offset=offset)
        self.n_objects, self.n_params = data.X.shape
        self.cause = checks.causes(cause, self.n_objects, data.labels, X)
        self.of = checks.observed_cause(of, self.cause)
        self.data = data = replace(data, event=self.cause == self.of)
        self.names, self.labels = data.names, data.labels
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        self.risk_sets = sets = risk_sets(replace(data, strata=np.zeros_like(data.strata)))
        time, codes = data.time[sets.order], self.cause[sets.order]
        self.censoring = censoring_of(sets, time, codes, data.strata[sets.order])
        self._X, self.centres = gathered(data.X, sets.order, sets.row_bounds)
        self._weights, self._offset = data.weights[sets.order], data.offset[sets.order]

    def _risk_sums(self, r: Any, present: np.ndarray, presence: Any) -> Any:
        sets = self.risk_sets
        S0 = autodiff.LinearMap(sets.ranges.scatter, sets.ranges.gather)(r)
        G_cells, G_rows = self.censoring.uncensored(presence[sets.order])
        for stratum, some in enumerate(self.censoring.competing):
            G = G_rows[some.rows]
            usable = present[some.rows]  # G may be 0 for absent rows
            share = anp.where(usable, r[some.rows] / anp.where(usable, G, 1.0), 0.0)
            so_far = autodiff.LinearMap(some.so_far, some.from_then_on)
            S0 = S0 + G_cells[stratum] * so_far(share)
        return S0

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        if _are_few(removals):
            return super().gradient_differences(theta, removals)
        sums = self.sums(theta)
        rows, afresh = changes(sums)
        own = self.risk_sets.own
        rows[own] -= sums.w[own, None] * sums.X[own]
        out, these = self._by_removal(rows, afresh, removals)
        if len(these):
            out[these] = super().gradient_differences(theta, removals.take(these))
        return out

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.each(removals).sums(self._unsorted(presence_slopes(self.sums(theta))))

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        removals = self.each(removals)
        if _are_few(removals):
            return self._curvatures_at(theta, removals)
        full, pairs = self.hessian(theta), np.triu_indices(self.n_params)
        out = np.empty((len(removals), *full.shape))
        again = np.zeros(len(removals), dtype=bool)
        # no fewer than the covariates: what is p wide is summed again with every block
        width = max(self.n_params, BLOCK_NUMBERS // self.n_objects)
        for start in range(0, len(pairs[0]), width):
            i, j = (side[start : start + width] for side in pairs)
            rows, afresh = changes(self.sums(theta, (i, j)))
            packed, these = self._by_removal(rows, afresh, removals)
            again[these] = True
            out[:, i, j] = out[:, j, i] = full[i, j] - packed
        these = np.flatnonzero(again)
        out[these] = self._curvatures_at(theta, removals.take(these))
        return mended(out, full, removals, partial(self._curvatures_at, theta))

    def reduced_scores(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        out = np.zeros((len(removals), self.n_objects, thetas.shape[1]))
        for k, theta in enumerate(thetas):
            left = removals.codes != k
            if self.data.event[left].any():
                out[k, left] = self.take(left).weight_gradients(theta)
        return out

    def _batch(self, **of: Any) -> WeightedBatch:
        return WeightedBatch(censoring=self.censoring, **of)

    def sums(self, theta: np.ndarray, columns: Columns = NO_PAIRS) -> Sums:
        """The moments of the risk sets at theta, with second ones of these pairs of covariates."""
        sets = self.risk_sets
        eta = self._X @ theta + self._offset
        r = self._weights * np.exp(eta - eta.max())
        time = self.data.time[sets.order]
        return Sums(
            sets, self.censoring, time, self._weights, r, self._X, columns, self.ties == "efron"
        )

    def take(self, kept: np.ndarray) -> "FineGray":
        """The loss of some of the rows, by position or bool (n,)."""
        data = self.data
        return FineGray(
            pd.DataFrame(data.X[kept], index=data.labels[kept], columns=list(data.names)),
            data.time[kept],
            self.cause[kept],
            of=self.of,
            weights=data.weights[kept],
            strata=data.strata[kept] if data.stratum_names != (None,) else None,
            offset=data.offset[kept],
            ties=self.ties,
            penalty=self.penalty,
        )

    @property
    def _pairs(self) -> Pairs:
        X, _ = gathered(self.data.X, self._reach.order, self._reach.row_bounds)
        return Pairs.of(self._reach, X, self.penalty)

    @cached_property
    def _reach(self) -> RiskSets:
        """Who has any weight at which event time: the others of an event in Cox's likelihood."""
        sets, last = self.risk_sets, self.data.time.copy()
        G_cells, _ = self.censoring.uncensored(np.ones(self.n_objects))
        for some, G in zip(self.censoring.competing, G_cells, strict=True):
            rows = sets.order[some.rows]
            last[rows] = np.maximum(last[rows], sets.cell_time[G > 0].max(initial=-np.inf))
        return risk_sets(replace(self.data, time=last, strata=np.zeros_like(self.data.strata)))

    def _by_removal(
        self, rows: np.ndarray, afresh: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values of sorted rows by removal, and the removals that are to be summed afresh."""
        again = removals.sums(self._unsorted(afresh).astype(float)) > 0
        out = removals.sums(self._unsorted(rows))
        return out, np.flatnonzero(again | (removals.sizes > 1))

    def _unsorted(self, values: np.ndarray) -> np.ndarray:
        out = np.empty_like(values)
        out[self.risk_sets.order] = values
        return out


def _are_few(removals: Removals) -> bool:
    """Whether sums over the rows that remain cost less than what each row changes."""
    return int((removals.sizes <= 1).sum()) <= FEW
