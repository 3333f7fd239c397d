"""H^-1 M H^-1 after each removal: scores summed by group, squared, between two inverses.

Only the diagonal is needed, so the middle is never formed where rows are scored afresh: with
u_c = H^-1 sum of s_j over the group c, the variances are the sums of u_c^2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.inference.degrees import group_pairs, groups_left
from vifstats.inference.reported import Inference
from vifstats.inference.twins import score_loss
from vifstats.losses import LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.row_losses import SquaredError
from vifstats.removals import Removals

__all__ = ["Sandwich"]

# Scores without several removals together hold about this many numbers (32 MB).
SCORE_NUMBERS = 4_000_000
# The power of 1 - leverage by which squared residuals are divided.
LEVERAGE_POWERS = {"HC2": 1.0, "HC3": 2.0}
# The step of derivatives of the middle in each parameter, in standard errors.
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Sandwich:
    """The middle of a sandwich covariance, and its factors, on the data after each removal.

    Attributes
    ----------
    inference : Inference
    loss : Loss
        That the fit minimises; its rows are scored as the inference says.
    codes : ndarray of int, shape (n_objects,), or None
        The group of each object, from 0; None where each object is one of its own.
    n_params : int
    """

    inference: Inference
    loss: Loss
    codes: np.ndarray | None
    n_params: int

    @cached_property
    def scored(self) -> Loss:
        """The loss whose rows are scored."""
        return score_loss(self.loss, self.inference)

    @cached_property
    def leverage_power(self) -> float:
        """The power of 1 - leverage for this covariance; 0 for none."""
        power = LEVERAGE_POWERS.get(self.inference.covariance, 0.0)
        if power and not _squares(self.loss):
            raise InvalidInputError(
                f"{self.inference.covariance} divides residuals by a leverage, which least squares "
                f"have, but the loss is a {type(self.loss).__name__}; use HC0."
            )
        return power

    def variances(self, inverses: np.ndarray, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """Variances afresh, from inverse Hessians (k, p, p) and parameters (k, p): (k, p)."""
        out = np.empty(thetas.shape)
        for part, some in removals.blocks(max(1, SCORE_NUMBERS // self.loss.n_objects)):
            rows = self.influences(inverses[part], thetas[part], some)
            out[part] = np.einsum("kcp,kcp->kp", rows, rows)
        return out * self.factors(removals)

    def influences(
        self, inverses: np.ndarray, thetas: np.ndarray, removals: Removals
    ) -> np.ndarray:
        """H^-1 times the score of each group that is left: (k, n_groups, p)."""
        scores = self._scores(inverses, thetas, removals) @ inverses
        return scores if self.codes is None else self._by_group(scores)

    def expanded(
        self,
        fit: Any,
        inverse: np.ndarray,
        inverses: np.ndarray,
        thetas: np.ndarray,
        removals: Removals,
    ) -> np.ndarray:
        """Variances by the middle of all data, minus what leaves, and its derivative: (k, p).

        ``fit`` has theta and naive_errors, ``inverse`` is H^-1 of all data. What a removal changes
        in the scores, or leverages, of the others at the same parameters is left out.
        """
        nobody = Removals.nobody(self.loss.n_objects)

        def scores(theta: np.ndarray) -> np.ndarray:
            return self._scores(inverse[None], theta[None], nobody)[0]

        def middle(theta: np.ndarray) -> np.ndarray:
            rows = self._grouped(scores(theta))
            return rows.T @ rows

        steps = STEP * fit.naive_errors
        ahead, behind = (
            np.stack([middle(fit.theta + sign * h) for h in np.diag(steps)]) for sign in (1, -1)
        )
        M = middle(fit.theta) - self._leaving(scores(fit.theta), removals)
        slopes = (ahead - behind) / (2 * steps)[:, None, None]
        M += np.einsum("kj,jab->kab", thetas - fit.theta, slopes)
        variances = np.einsum("kaj,kab,kbj->kj", inverses, M, inverses, optimize=True)
        return np.maximum(variances, 0.0) * self.factors(removals)

    def factors(self, removals: Removals) -> np.ndarray:
        """What the sandwich is multiplied by after each removal, shape (n_removals, 1)."""
        kind, p = self.inference.covariance, self.n_params
        left = (self.loss.n_objects - removals.sizes).astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing left: nan or inf, as it is
            if kind == "HC1":
                factor = left / (left - p)
            elif kind == "cluster" and self.inference.corrected is not False:
                groups = groups_left(self.codes, removals)
                factor = groups / (groups - 1) * (left - 1) / (left - p)
            else:
                factor = np.ones(len(left))
        return (self.inference.factor * factor)[:, None]

    def _scores(self, inverses: np.ndarray, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        """Scores of the objects left, weighted as the covariance says: (k, n_objects, p)."""
        scores = self.scored.reduced_scores(thetas, removals)
        if self.inference.counts is not None and self.codes is None:
            # a row that stands for f observations has f scores of a share 1/f
            scores /= np.sqrt(self.inference.counts)[:, None]
        if self.leverage_power and isinstance(self.loss, LinearPredictor):
            X, w = self.loss.designs[0], self.loss.weights
            leverage = w * np.einsum("na,kab,nb->kn", X, inverses, X, optimize=True)
            gone = removals.codes == np.arange(len(removals))[:, None]
            distance = np.where(gone, 1.0, 1 - leverage)
            distance = np.where(distance > 0, distance, np.nan)
            scores /= (distance ** (self.leverage_power / 2))[:, :, None]
        return scores

    def _grouped(self, scores: np.ndarray) -> np.ndarray:
        return scores if self.codes is None else self._by_group(scores[None])[0]

    def _by_group(self, rows: np.ndarray) -> np.ndarray:
        """Sums by group of rows (k, n_objects, p): (k, n_groups, p)."""
        codes = np.asarray(self.codes)
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
        return np.add.reduceat(rows[:, order], starts, axis=1)

    def _leaving(self, scores: np.ndarray, removals: Removals) -> np.ndarray:
        """What each removal takes from the middle, at the same scores: (k, p, p).

        Of a group with the sum S that loses t: S S' - (S - t)(S - t)' = S t' + t S' - t t'.
        """
        codes = np.arange(len(scores)) if self.codes is None else self.codes
        totals = self._grouped(scores)
        rows = np.flatnonzero(removals.codes >= 0)
        first, _, pair = group_pairs(codes, removals)
        lost = np.zeros((len(first), scores.shape[1]))
        np.add.at(lost, pair, scores[rows])
        S = totals[codes[first]]
        crossed = np.einsum("ca,cb->cab", S, lost)
        change = crossed + crossed.swapaxes(1, 2) - np.einsum("ca,cb->cab", lost, lost)
        out = np.zeros((len(removals), *change.shape[1:]))
        np.add.at(out, removals.codes[first], change)
        return out


def _squares(loss: Loss) -> bool:
    return isinstance(loss, LinearPredictor) and isinstance(loss.row_loss, SquaredError)
