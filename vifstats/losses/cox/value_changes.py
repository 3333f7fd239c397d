"""The change of the loss itself when rows leave, at fixed theta.

Without a piece of mass r each term to which it is exposed falls from a log phi to a log(phi - r),
by -a log(1 - eps) = a (eps + eps^2/2 + eps^3/3 + ...).
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from vifstats.losses.cox.explicit_pairs import Terms, left_over
from vifstats.losses.cox.gradient_changes import by_removal
from vifstats.losses.cox.leaving import Deaths, Pieces, leaving
from vifstats.losses.cox.moments import NO_PAIRS
from vifstats.losses.cox.power_series import exposure
from vifstats.losses.cox.risk_sums import EveryTerm, RiskSums
from vifstats.losses.cox.segment_sums import Bins
from vifstats.losses.cox.sums_afresh import Others
from vifstats.losses.cox.tie_changes import tie_changes
from vifstats.losses.cox.tiles import TermColumns
from vifstats.removals import Removals

__all__ = ["value_differences"]


def value_differences(sums: RiskSums, removals: Removals) -> np.ndarray:
    """L(theta, 1) - L(theta, 1_-i) without penalty, shape (n_removals,).

    `removals`: of rows in the user's order.
    """
    row_code = removals.codes_in(sums.sets.order)
    pieces, deaths = leaving(sums, row_code, removals.single, NO_PAIRS)
    taken = exposure(sums, pieces, LogKernel(sums), row_code)
    own = _own_logs(sums, deaths, row_code)[:, None]
    change = by_removal(taken, pieces, own.__getitem__, deaths, len(removals))[:, 0]
    rows = sums.sets.own[row_code[sums.sets.own] >= 0]
    gone = Bins(row_code[rows], len(removals)).sums(sums.w[rows] * sums.z[rows])
    return change - gone


def _own_logs(sums: RiskSums, deaths: Deaths, row_code: np.ndarray) -> np.ndarray:
    """a sum_l log phi_l of the cells of the deaths, before less after."""
    own = sums.a[deaths.cell] * np.log(sums.S0[deaths.cell])
    tie = tie_changes(sums, deaths, row_code, NO_PAIRS)
    own[tie.at] = tie.before.logs - tie.after.logs
    return own


@dataclass(frozen=True, eq=False)
class LogKernel:
    """-a log(1 - eps)."""

    sums: RiskSums
    columns = NO_PAIRS
    in_two_passes = False
    width = 1
    table_width = 1

    def one_pass(self, compiled: ModuleType, pieces: Pieces) -> None:
        """There is none."""

    def of_terms(self, terms: EveryTerm) -> TermColumns:
        """-a log(1 - eps)."""
        return TermColumns(1, terms.a[:, None], logs=True)

    def combined(self, sums: np.ndarray, pieces: Pieces, rows: np.ndarray | slice) -> np.ndarray:
        """The sums themselves."""
        return sums

    def remainder(self, terms: Terms, pieces: Pieces, others: Others) -> np.ndarray:
        """What the powers up to K left out, or where eps > 1/2 the whole less those powers."""
        eps, plain = terms.eps, terms.other < 0
        logs = np.log1p(-np.where(plain, eps, 0.0))
        big = np.flatnonzero(~plain)
        if len(big):
            logs[big] = np.log(left_over(self.sums, terms, big, others, NO_PAIRS).r)
            logs[big] -= np.log(terms.phi[big])
        k = np.arange(1, int(terms.K.max(initial=0)) + 1)
        done = np.where(k <= terms.K[:, None], eps[:, None] ** k / k, 0.0).sum(axis=1)
        return (terms.a * (-logs - done))[:, None]
