"""Strengths of items from rankings and from matches: Plackett-Luce and Bradley-Terry."""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
import scipy.sparse
from scipy.special import expit

from vifstats import checks
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.ranking.choice_pools import Lists
from vifstats.losses.ranking.sequential_choice import SequentialChoice
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Differentiable, Items, Ranked

__all__ = ["BradleyTerry", "PlackettLuce"]


class PlackettLuce(SequentialChoice):
    """Judges rank items, all or some: each next item is chosen in proportion to exp(strength).

    It is `ListMLE` with a bias and no features.

    Parameters
    ----------
    rankings : sequence of sequences
        Item labels of each judge, the best first. The index of a Series labels the judges.
    items : int or sequence, optional
        Item labels; default those that occur, in order of first appearance.
    unranked : {"absent", "last"}
        What a judge says of items that are not in the ranking: nothing, or that they come after
        all of it, in an order that is not told.
    ridge : float
        > 0; 0.5 * ridge * theta'theta is added. Strengths may be shifted together without
        effect, so without it there is no unique minimum; with it, they have mean 0.
    objects : {"items", "judges"}
        What can be removed. Several rankings of one judge leave together through ``groups``.

    Raises
    ------
    InvalidInputError, InvalidTypeError

    References
    ----------
    Luce (1959), Individual Choice Behavior; Plackett (1975), Applied Statistics 24.

    Examples
    --------
    Without the only judge who puts "c" first:

    >>> import vifstats as vs
    >>> rankings = [["a", "b", "c"], ["a", "c", "b"], ["b", "a", "c"], ["c", "a", "b"]]
    >>> est = vs.minimize(PlackettLuce(rankings, ridge=0.1, objects="judges"), np.zeros(3))
    >>> vs.leave_one_out(est).params_without.loc[3].round(2).to_dict()
    {'a': 1.0, 'b': -0.13, 'c': -0.87}
    """

    def __init__(
        self,
        rankings: Ranked,
        *,
        items: Items | None = None,
        unranked: str = "absent",
        ridge: float,
        objects: str = "items",
    ) -> None:
        ranked = checks.item_lists(rankings, items)
        by_items = checks.one_of(objects, ("items", "judges"), "objects") == "items"
        closed = checks.one_of(unranked, ("absent", "last"), "unranked") == "absent"
        lists = Lists(ranked.order, len(ranked.items), closed=closed)
        features, names = np.ones((len(ranked.order), 1)), ("strength",)
        super().__init__(features, names, ranked.queries, ranked.items, lists, ridge, by_items)


class BradleyTerry(Loss):
    """Matches of two: the winner is first with probability expit(strength - the loser's).

    Parameters
    ----------
    winners, losers : sequence of labels, shape (n_matches,)
        The index of a Series labels the matches.
    items : int or sequence, optional
        Item labels; default those that occur, in order of first appearance.
    ridge : float
        > 0, as for `PlackettLuce`.
    objects : {"items", "matches"}
        What can be removed. An item owns its strength and takes its matches with it. Matches of
        one judge, or of one day, leave together through ``groups``.

    Raises
    ------
    InvalidInputError
        If the lengths differ, or an item plays itself.

    References
    ----------
    Bradley & Terry (1952), Biometrika 39.

    Examples
    --------
    Without "c", whom only "b" has beaten, the two come nearer:

    >>> import vifstats as vs
    >>> loss = BradleyTerry(["a", "a", "b", "b"], ["b", "b", "a", "c"], ridge=0.1)
    >>> est = vs.minimize(loss, np.zeros(3))
    >>> est.params.round(2).to_dict()
    {'a': 0.97, 'b': 0.42, 'c': -1.4}
    >>> vs.leave_one_out(est).params_without.loc["c"].round(2).to_dict()
    {'a': 0.32, 'b': -0.32, 'c': nan}
    """

    def __init__(
        self,
        winners: ArrayLike1D,
        losers: ArrayLike1D,
        *,
        items: Items | None = None,
        ridge: float,
        objects: str = "items",
    ) -> None:
        pairs = checks.paired_items(winners, losers, items)
        self.by_items = checks.one_of(objects, ("items", "matches"), "objects") == "items"
        self.winner, self.loser = pairs.order.T
        self.ridge = checks.positive_number(ridge, "ridge")
        self.items = pairs.items
        self.labels = pairs.items if self.by_items else pairs.queries
        self.n_objects = len(self.labels)
        self.n_params = len(pairs.items)
        self.names = tuple(map(str, pairs.items))

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        items, matches = self._both(presence)
        there = autodiff.plain(matches) > 0
        gap = anp.where(there, theta[self.loser] - theta[self.winner], 0.0)
        own = anp.where(autodiff.plain(items) > 0, theta, 0.0)
        penalty = 0.5 * self.ridge * anp.sum(items * own**2)
        return anp.sum(matches * anp.logaddexp(0.0, gap)) + penalty

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        items, matches = self._both(self.everyone(presence))
        upset = matches * self._upset(theta)
        return (
            self._by_item(self.loser, upset)
            - self._by_item(self.winner, upset)
            + (self.ridge * items * theta)
        )

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        items, matches = self._both(self.everyone(presence))
        upset = self._upset(theta)
        matches = matches * upset * (1 - upset)
        pairs = scipy.sparse.csr_array(
            (matches, (self.winner, self.loser)), shape=(self.n_params,) * 2
        ).toarray()
        pairs += pairs.T
        return np.diag(pairs.sum(axis=1) + self.ridge * items) - pairs

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        if self.by_items:
            return super().gradient_differences(theta, removals)
        upset, code = self._upset(theta), removals.codes
        D = np.zeros((len(removals), len(theta)))
        for item, sign in ((self.winner, -1.0), (self.loser, 1.0)):
            np.add.at(D, (code[code >= 0], item[code >= 0]), sign * upset[code >= 0])
        return D

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        if self.by_items:
            return super().weight_gradients(theta, removals)
        return self.gradient_differences(theta, removals)

    def owned(self, i: int) -> Sequence[int]:
        return (i,) if self.by_items else ()

    def _both(self, presence: Any) -> tuple[Any, Any]:
        """Presence of the items and of the matches: as far as both items are there."""
        if self.by_items:
            return presence, presence[self.winner] * presence[self.loser]
        return np.ones(len(self.items)), presence

    def _upset(self, theta: np.ndarray) -> np.ndarray:
        """The probability that the loser would have won, shape (n_matches,)."""
        return expit(theta[self.loser] - theta[self.winner])

    def _by_item(self, item: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.bincount(item, weights, minlength=len(self.items))
