"""What a sum over the terms of risk sets has to say of its summands."""

from typing import Protocol

import numpy as np

from vifstats.losses.cox.explicit_pairs import Terms
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.risk_sums import PowerSums
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tiles import TileTerms

__all__ = ["Kernel"]


class Kernel(Protocol):
    """What is summed: the change of the gradient, or of the Hessian."""

    @property
    def width(self) -> int:
        """Number of columns of what is summed."""

    @property
    def table_width(self) -> int:
        """Number of columns of its table."""

    @property
    def columns(self) -> Columns:
        """The pairs of covariates whose second moments it needs."""

    @property
    def ahead(self) -> int:
        """By how much the power of 1/phi in its table is more than that of r."""

    def table(self, k: int, powers: PowerSums, cells: np.ndarray | slice) -> np.ndarray:
        """What is to be summed over the cells of a range for the k-th power."""

    def pairs(self, odds: np.ndarray, terms: TileTerms) -> np.ndarray:
        """The sum of all powers of r^k times the tables, from eps/(1 - eps) of pieces and terms.

        `odds` (t, s, c). Returns (t, s, table_width).
        """

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """The part of all powers for some pieces, from the sums over k of r^k times the tables'."""

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, shape (n_terms, width)."""
