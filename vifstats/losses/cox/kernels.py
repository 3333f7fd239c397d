"""What a sum over the terms of risk sets must know of its summands."""

from collections.abc import Callable
from types import ModuleType
from typing import Protocol

import numpy as np

from vifstats.losses.cox import tiles
from vifstats.losses.cox.explicit_pairs import Terms
from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.moments import Columns
from vifstats.losses.cox.risk_sums import EveryTerm
from vifstats.losses.cox.sums_afresh import Others

__all__ = ["Kernel", "OnePass"]

# From out (n_pieces, width), pieces, cells, segments and powers, as `exposed_gradients` says, to
# the number of powers summed of each cell, and which pieces have pairs that are left over.
OnePass = Callable[..., tuple[np.ndarray, np.ndarray]]


class Kernel(Protocol):
    """What is summed: the change of the gradient, or of the Hessian."""

    @property
    def width(self) -> int:
        """Number of columns of what is summed."""

    @property
    def table_width(self) -> int:
        """Number of columns of its table: what is summed before a piece's own x is known."""

    @property
    def columns(self) -> Columns:
        """The pairs of covariates whose second moments it needs."""

    @property
    def in_two_passes(self) -> bool:
        """Whether it is the change of the gradient, which has compiled passes for all ranges."""

    def one_pass(self, compiled: ModuleType, pieces: Pieces) -> OnePass | None:
        """The compiled pass over all cells; None if there is none for such pieces."""

    def of_terms(self, terms: EveryTerm) -> tiles.Columns:
        """What stands behind the sums of powers of eps of each term."""

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """The changes by some pieces, from the columns of their tables."""

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, shape (n_terms, width)."""
