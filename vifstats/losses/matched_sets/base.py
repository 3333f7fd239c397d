"""What regressions of matched sets share: rows with an outcome and a set."""

from abc import abstractmethod

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.losses.base import Loss
from vifstats.losses.matched_sets.separation import Pairs
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Penalty, TableLike

__all__ = ["MatchedSets"]


class MatchedSets(Loss):
    """The likelihood of the outcomes of each set given their sum; `Pairs` tell where it diverges.

    A subclass takes the outcomes, and computes what its sums read.
    """

    n_params: int

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
        rows = (self.n_objects, self.labels, X)
        self._take_outcomes(checks.row_vector(y, "y", *rows))
        self.offset = (
            np.zeros(self.n_objects)
            if offset is None
            else checks.row_vector(offset, "offset", *rows)
        )
        labels = checks.group_labels(sets, self.labels)
        self.set_of_row, self.set_labels = pd.factorize(pd.Series(np.asarray(labels)))
        self.penalty = checks.penalty_matrix(penalty, self.n_params)
        self._prepare()

    @abstractmethod
    def _take_outcomes(self, y: np.ndarray) -> None:
        """Check and keep the outcomes, (n,)."""

    @abstractmethod
    def _prepare(self) -> None:
        """Compute what the sums read of the rows."""

    @property
    @abstractmethod
    def _pairs(self) -> Pairs | None:
        """Each case with each other member of its set; None where they are too many."""

    def separated(self, theta: np.ndarray, removals: Removals) -> np.ndarray:
        pairs = self._pairs
        return super().separated(theta, removals) if pairs is None else pairs.separated(removals)

    def endless(self, theta: np.ndarray) -> np.ndarray | None:
        return None if self._pairs is None else self._pairs.falling()
