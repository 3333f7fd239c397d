"""What Cox's and Fine and Gray's likelihoods share: sums over event times, each of a risk set."""

from abc import abstractmethod
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Any, Self

import autograd.numpy as anp
import numpy as np

from vifstats.checks import SurvivalInput
from vifstats.checks.rounded_times import warn_of_rounding
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.constant_columns import constant_columns
from vifstats.losses.cox.reduced_batch import Batch
from vifstats.losses.cox.risk_sets import RiskSets, time_gaps
from vifstats.losses.cox.separation import Pairs, separating
from vifstats.losses.cox.terms import by_death, likelihood_terms, predictors
from vifstats.losses.penalty import penalised, penalised_slopes, untold
from vifstats.losses.separation import diverging, falling
from vifstats.removals import Removals
from vifstats.typing import Differentiable

__all__ = ["BATCH_NUMBERS", "PartialLikelihood"]

# Refits are taken in batches of about this many numbers for each quantity (8 MB).
BATCH_NUMBERS = 1_000_000


class PartialLikelihood(Loss):
    """Negative log partial likelihood: at each event time, rows are at risk with certain weights.

    A subclass sets the attributes annotated here, and says who is at risk.
    """

    n_params: int
    names: tuple[str, ...]
    everywhere = True
    data: SurvivalInput
    risk_sets: RiskSets
    ties: str
    penalty: np.ndarray | None
    # of sorted rows: covariates (n, p), centred by stratum, case weights and offsets (n,)
    _X: np.ndarray
    _weights: np.ndarray
    _offset: np.ndarray

    @abstractmethod
    def _risk_sums(self, r: Any, present: np.ndarray, presence: Any) -> Any:
        """S0 at each event time, of the risks r (n,) of sorted rows."""

    @property
    @abstractmethod
    def _reach(self) -> RiskSets:
        """Who is at risk with any weight when."""

    @property
    @abstractmethod
    def _pairs(self) -> Pairs:
        """Each event with each other who is in reach."""

    def batches(self, thetas: np.ndarray, removals: Removals) -> Iterator[Batch]:
        """Removals in blocks, each at its own theta, shape (n_removals, p).

        Yields
        ------
        Batch
        """
        size = max(1, BATCH_NUMBERS // max(1, self.n_objects))
        for part, some in removals.blocks(size):
            yield self._batch(
                sets=self.risk_sets,
                X=self._X,
                w=self._weights,
                offset=self._offset,
                efron=self.ties == "efron",
                thetas=thetas[part],
                removals=some,
            )

    def _batch(self, **of: Any) -> Batch:
        return Batch(**of)

    def reweighted(self, weights: np.ndarray) -> Self:
        twin = copy(self)
        twin.data = replace(self.data, weights=weights)
        twin._weights = weights[self.risk_sets.order]
        return twin

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        w, z, present, _ = self._at_risk(theta, presence)
        coefficient, phi, exists = self._terms(w, w * anp.exp(z), present, presence)
        # log 1 for a term that no present event carries, never 0 * log 0
        logs = anp.log(anp.where(exists, phi, 1.0))
        loss = anp.sum(coefficient * logs) - anp.sum((w * z)[self.risk_sets.own])
        return penalised(loss, theta, self.penalty)

    def hazards(self, theta: Differentiable, presence: Differentiable) -> tuple[Any, np.ndarray]:
        """What each event time adds to the cumulative hazard of the stratum's mean covariates.

        Of Fine and Gray's model, to the hazard of the subdistribution.

        Parameters
        ----------
        theta : array, shape (p,)
        presence : array, shape (n,)

        Returns
        -------
        hazards : array, shape (n_cells,)
            In units of exp(-shift).
        shift : ndarray, shape (n_strata,)
        """
        w, z, present, shift = self._at_risk(theta, presence)
        coefficient, phi, exists = self._terms(w, w * anp.exp(z), present, presence)
        terms = coefficient / anp.where(exists, phi, 1.0)
        if self.ties != "efron":
            return terms, shift
        return by_death(self.risk_sets)(terms), shift

    def _at_risk(self, theta: Any, presence: Any) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        """Weights, linear predictors less the shift, who is present, and the shift by stratum."""
        b = presence[self.risk_sets.order]
        present = autodiff.plain(b) > 0
        eta = anp.dot(self._X, theta) + self._offset
        z, shift = predictors(self.risk_sets, eta, present)
        return self._weights * b, z, present, shift

    def _terms(
        self, w: Any, r: Any, present: np.ndarray, presence: Any
    ) -> tuple[Any, Any, np.ndarray]:
        S0 = self._risk_sums(r, present, presence)
        return likelihood_terms(self.risk_sets, self.ties == "efron", w, r, S0, present)

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        parts = [(b.values, b.gradients) for b in self.batches(thetas, removals)]
        if not parts:
            return np.zeros(0), np.zeros(thetas.shape)
        values, gradients = (np.concatenate(side) for side in zip(*parts, strict=True))
        return penalised_slopes(values, gradients, thetas, self.penalty)

    def reduced_curvatures(self, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        empty = np.zeros((0, self.n_params, self.n_params))
        H = np.concatenate([empty, *(b.hessians() for b in self.batches(thetas, removals))])
        return H if self.penalty is None else H + self.penalty

    def warn_of_times(self) -> None:
        warn_of_rounding(time_gaps(self.data, self.risk_sets), "T")

    def flat(self) -> np.ndarray:
        constant = constant_columns(self.data.X, self._reach)
        return untold(constant, self.penalty)

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        return separating(self._pairs, theta, removals)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return falling(self._pairs)

    def diverging(self, theta: np.ndarray) -> np.ndarray:
        return diverging(self._pairs)
