"""What a small change of risk sums does to means and covariances, summed over many terms.

A removal changes the moments of term t from S to S + h^-1(t) K, with K of the removal alone. Then
with eta = -h K0, k1 = K1 - K0 m and k2 = K2 - K1 m' - m K1' + K0 m m',

    m - m' = -h k1/(1 - eta),
    V - V' = -V eta/(1 - eta) - h k2/(1 - eta) + h^2 k1 k1'/(1 - eta)^2,

whose powers of h are sums over terms that do not know the removal: docs/mathematics.md, equations
(23) and (56). What they leave out matters where |eta| > EXPLICIT, and is added pair by pair.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifstats.losses.cox.fine_gray.sums import running
from vifstats.losses.cox.moments import Columns, Moments
from vifstats.losses.cox.ranges import Ranges
from vifstats.losses.cox.segment_sums import slices_of

__all__ = ["Terms", "lost_digits", "moved"]

# eta^POWERS is below rounding up to EXPLICIT.
POWERS, EXPLICIT, DIGITS = 7, 1e-2, 14.0
# Beyond these, 1 - eta has lost half of its digits, or powers leave the range of doubles.
DOMINANT, FAR = 1 - 1e-6, 1e30
# Pairs that are handled at once.
SLICE = 1 << 15


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms a V of a likelihood, in an order in which every removal changes the first few."""

    # a, h (n_terms,): h is 1/phi, times the weight that a change has there
    a: np.ndarray
    h: np.ndarray
    mean: np.ndarray  # (n_terms, p)
    # (n_terms, q): packed, of the pairs of covariates asked for
    covariance: np.ndarray
    columns: Columns

    @property
    def curved(self) -> bool:
        """Whether covariances are asked for, rather than means."""
        return len(self.columns[0]) > 0

    @cached_property
    def scale(self) -> float:
        """The largest h, in units of which powers are taken."""
        return float(self.h.max(initial=0.0)) or 1.0

    @cached_property
    def largest(self) -> np.ndarray:
        """The largest of the first 0, 1, ... h, shape (n_terms + 1,)."""
        return np.append(0.0, np.maximum.accumulate(self.h))

    @cached_property
    def _table(self) -> np.ndarray:
        """1, m and, for covariances, the products of m and V."""
        parts = [np.ones((len(self.a), 1)), self.mean]
        if self.curved:
            i, j = self.columns
            parts += [self.mean[:, i] * self.mean[:, j], self.covariance]
        return np.concatenate(parts, axis=1)

    def power(self, k: int) -> np.ndarray:
        """Sums of a (h/scale)^k [1, m, ...] over the first 0, 1, ... terms."""
        table = self._table * (self.a * (self.h / self.scale) ** k)[:, None]
        return running(table)


def lost_digits(terms: Terms, counts: np.ndarray, K: Moments) -> np.ndarray:
    """Removals that hold most of some term, or dwarf all terms, bool (n,)."""
    out = np.abs(K.r) * terms.scale > FAR
    some = np.flatnonzero(-K.r * terms.largest[counts] > DOMINANT)
    out[some] = True
    return out


def moved(terms: Terms, counts: np.ndarray, K: Moments) -> np.ndarray:
    """Sums of a (m - m') or of a (V - V') over the first terms of each removal.

    `counts` int (n,): how many terms it changes; `K`: by how much. Returns (n, p) or (n, q).
    """
    size = np.abs(K.r) * terms.largest[counts]
    with np.errstate(divide="ignore"):  # a change of nothing needs one power
        needed = np.ceil(DIGITS / -np.log10(np.minimum(size, EXPLICIT)))
    needed = np.clip(needed, 1, POWERS).astype(int)
    width = len(terms.columns[0]) if terms.curved else terms.mean.shape[1]
    out = np.zeros((len(counts), width))
    # a covariance has a second part, of the square of h
    for k in range(1, POWERS + 1):
        rows = np.flatnonzero((needed + terms.curved >= k) & (counts > 0))
        if len(rows):
            sums = terms.power(k).take(counts[rows], axis=0)
            out[rows] += _of_power(k, sums, K.take(rows), terms)
    _add_pairs(out, terms, counts, K, size)
    return out


def _of_power(k: int, sums: np.ndarray, K: Moments, terms: Terms) -> np.ndarray:
    """The part of h^k, of which sums [1, m, ...] are given in units of the scale."""
    p, scale, columns = K.rx.shape[1], terms.scale, terms.columns
    power = scale * (-K.r * scale) ** (k - 1)
    one, mean = sums[:, 0], sums[:, 1 : 1 + p]
    if not terms.curved:
        return -power[:, None] * (K.rx * one[:, None] - K.r[:, None] * mean)
    products, covariance = np.split(sums[:, 1 + p :], 2, axis=1)
    i, j = columns
    mixed = K.rx[:, i] * mean[:, j] + mean[:, i] * K.rx[:, j]
    second = K.rxx * one[:, None] - mixed + K.r[:, None] * products
    out = -power[:, None] * (second - K.r[:, None] * covariance)
    if k > 1:
        squares = K.rx[:, i] * K.rx[:, j] * one[:, None]
        squares -= K.r[:, None] * mixed - (K.r**2)[:, None] * products
        out += ((k - 1) * scale**2 * (-K.r * scale) ** (k - 2))[:, None] * squares
    return out


def _add_pairs(
    out: np.ndarray, terms: Terms, counts: np.ndarray, K: Moments, size: np.ndarray
) -> None:
    """What the powers leave out, for the pairs of a removal and a term where it matters."""
    some = np.flatnonzero(size > EXPLICIT)
    if not len(some):
        return
    with np.errstate(divide="ignore"):  # a term that no removal changes is never below
        key = EXPLICIT / terms.h
    for part in slices_of(np.full(len(some), 16), SLICE):
        chosen = some[part]
        ranges = Ranges(np.zeros_like(chosen), counts[chosen], np.array([0, len(terms.h)]))
        at, term = ranges.pairs_below(key, np.abs(K.r[chosen]))
        for few in slices_of(np.ones(len(at), dtype=int), SLICE):
            rest = _left_out(terms, term[few], K.take(chosen[at[few]]))
            np.add.at(out, chosen[at[few]], rest)


def _left_out(terms: Terms, term: np.ndarray, K: Moments) -> np.ndarray:
    """What POWERS powers leave out of single pairs."""
    h, a, mean = terms.h[term], terms.a[term], terms.mean[term]
    eta, J = -h * K.r, POWERS
    first = K.rx - K.r[:, None] * mean
    left = 1 - eta
    # 1 - eta is 0 where the removal is all there is: such rows are summed afresh
    left = np.where(left > 0, left, 1.0)
    tail = eta**J / left
    if not terms.curved:
        return -(a * h * tail)[:, None] * first
    i, j = terms.columns
    about = K.about(mean, terms.columns)
    squares = first[:, i] * first[:, j]
    twice = (J * eta ** (J - 1) - (J - 1) * eta**J) / left**2
    out = -(tail * eta)[:, None] * terms.covariance[term] - (h * tail)[:, None] * about.rxx
    return a[:, None] * (out + (h**2 * twice)[:, None] * squares)
