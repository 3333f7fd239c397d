"""Items that are chosen one after another, each from those that are left."""

from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.ranking.item_choice import NOTHING, ItemChoice, log_sum
from vifstats.typing import Differentiable

__all__ = ["SequentialChoice"]


class SequentialChoice(ItemChoice):
    """Minus the log probability of each list; the parameters are those of `ItemChoice`."""

    def query_losses(self, theta: Differentiable, items: Differentiable) -> Any:
        """Eq. 11, from the last choice to the first: pools only grow, nothing is subtracted."""
        scores = self.scores(theta)
        log_weights = self.log_weights(scores, items)
        rows, present = np.arange(len(scores)), autodiff.plain(items) > 0
        pool, loss = log_sum(log_weights, self.lists.staying), 0.0
        for step in reversed(range(self.lists.order.shape[1])):
            item = self.lists.order[:, step]
            there = self.lists.listed[:, step] & present[item]
            pool = anp.logaddexp(pool, anp.where(there, log_weights[rows, item], NOTHING))
            loss = loss + anp.where(there, items[item] * (pool - scores[rows, item]), 0.0)
        return loss

    def coefficients(self, items: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        each = np.where(self.lists.listed, items[self.lists.order] * queries[:, None], 0.0)
        return each, each
