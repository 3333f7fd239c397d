"""The log-rank test without each row, in closed form: docs/mathematics.md, equation (47).

With the row of arm g and weight w gone, the expected events and the variance of every arm change at
the event times that see it at risk. Both are sums over event times, so that each is a difference of
prefix sums, of which there is one for each arm and weight that a row may have.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from vifstats.diagnostics.curves.arm import Arm

__all__ = ["log_rank", "log_rank_without"]

# Relative eigenvalues of the variance below this are 0: those of rounding are about 1e-16.
SINGULAR = 1e-10


@dataclass(frozen=True, eq=False)
class Tables:
    """Numbers at risk and dying in each arm at each of some event times."""

    # (k, G)
    at_risk: np.ndarray
    deaths: np.ndarray

    def without(self, arm: np.ndarray, weight: np.ndarray, died: np.ndarray) -> "Tables":
        """With one row less at each time: its arm, weight, and weight if it dies there, (k,)."""
        own = np.arange(self.at_risk.shape[1]) == np.reshape(arm, (-1, 1))
        left = self.at_risk - own * np.reshape(weight, (-1, 1))
        return Tables(left, self.deaths - own * np.reshape(died, (-1, 1)))

    def terms(self) -> np.ndarray:
        """Of each time, expected events (k, m) and their covariance (k, m, m): (k, m + m * m).

        Of all arms but the last, m = G - 1: the others say what that has.
        """
        y = self.at_risk.sum(axis=1)
        d = self.deaths.sum(axis=1)
        m = self.at_risk.shape[1] - 1
        share = self.at_risk[:, :m] / np.where(y > 0, y, 1.0)[:, None]
        spread = np.where(y > 1, d * (y - d), 0.0) / np.where(y > 1, y - 1, 1.0)
        covariance = share[:, :, None] * (np.eye(m) - share[:, None, :])
        both = [d[:, None] * share, (spread[:, None, None] * covariance).reshape(-1, m * m)]
        return np.concatenate(both, axis=1)


def tables(everyone: Arm, arms: np.ndarray, n_arms: int) -> Tables:
    """The tables of all rows; ``everyone`` has the event times of the test; `arms` int (n,)."""
    at_risk, deaths = np.zeros((2, len(everyone.times), n_arms))
    for g in range(n_arms):
        inside = arms == g
        at_risk[:, g] = everyone.weight_at_risk(np.where(inside, everyone.weight, 0.0))
        deaths[:, g] = everyone.deaths_of(everyone.event & inside)
    return Tables(at_risk, deaths)


def log_rank(everyone: Arm, arms: np.ndarray, n_arms: int) -> np.ndarray:
    """Chi-squared and p, (2,)."""
    whole = tables(everyone, arms, n_arms)
    return _tests(whole.deaths.sum(axis=0)[None], whole.terms().sum(axis=0)[None])[0]


def log_rank_without(everyone: Arm, arms: np.ndarray, n_arms: int) -> np.ndarray:
    """Chi-squared and p without each row, (n, 2)."""
    whole = tables(everyone, arms, n_arms)
    sums = _prefix(whole.terms())
    totals = np.empty((len(everyone), sums.shape[1]))
    for weight, rows in everyone.by_weight():
        for g in range(n_arms):
            some = rows[arms[rows] == g]
            less = _prefix(whole.without(np.array(g), np.array(weight), np.array(0.0)).terms())
            first, end = everyone.first[some], everyone.end[some]
            after = end + everyone.event[some]
            totals[some] = sums[first] + less[end] - less[first] + sums[-1] - sums[after]
    dead = np.flatnonzero(everyone.event)
    at = everyone.end[dead]
    w = everyone.weight[dead]
    there = Tables(whole.at_risk[at], whole.deaths[at])
    own = there.without(arms[dead], w, w).terms()
    totals[dead] += np.where((everyone.n_at_risk[at] > 1)[:, None], own, 0.0)
    observed = np.tile(whole.deaths.sum(axis=0), (len(everyone), 1))
    observed[dead, arms[dead]] -= w
    return _tests(observed, totals)


def _prefix(terms: np.ndarray) -> np.ndarray:
    """Sums up to each position: (k, m) to (k + 1, m)."""
    return np.concatenate([np.zeros((1, terms.shape[1])), np.cumsum(terms, axis=0)])


def _tests(observed: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Chi-squared and p from observed events (k, G) and summed terms: (k, 2).

    Nan where fewer than two arms are ever at risk, or nothing varies.
    """
    m = observed.shape[1] - 1
    expected, V = totals[:, :m], totals[:, m:].reshape(-1, m, m)
    scale = observed.sum(axis=1)
    rest = scale - expected.sum(axis=1)
    there = np.column_stack([expected, rest]) > SINGULAR * scale[:, None]
    df = there.sum(axis=1) - 1
    U = observed[:, :m] - expected
    usable = (df > 0) & (np.trace(V, axis1=1, axis2=2) > SINGULAR * scale)
    chi2 = np.full(len(U), np.nan)
    if m == 1:
        chi2[usable] = U[usable, 0] ** 2 / V[usable, 0, 0]
    else:
        # where the last arm is empty U sums to 0, as the rows of V do: any inverse will do
        inverse = np.linalg.pinv(V[usable], rcond=SINGULAR, hermitian=True)
        chi2[usable] = np.einsum("kg,kgh,kh->k", U[usable], inverse, U[usable])
    return np.stack([chi2, chdtrc(df, chi2)], axis=1)
