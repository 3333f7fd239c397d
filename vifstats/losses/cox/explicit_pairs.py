"""Pairs of a piece and a term, one by one: those that power sums do not reach."""

from dataclasses import dataclass

import numpy as np

from vifstats.losses.cox.leaving import Pieces
from vifstats.losses.cox.moments import Columns, Moments
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.losses.cox.segment_sums import expanded
from vifstats.losses.cox.sums_afresh import Others, others_afresh

__all__ = ["Terms", "dominated", "geometric", "left_over", "terms_of"]


@dataclass(frozen=True, eq=False)
class Terms:
    """Pairs of a piece and a term, one by one."""

    # piece, cell: int (k,)
    piece: np.ndarray
    cell: np.ndarray
    # a, eps, phi, f: (k,)
    a: np.ndarray
    eps: np.ndarray
    phi: np.ndarray
    f: np.ndarray
    # (k,): 1 - l/d, the share with which deaths of the cell count in the term
    alive: np.ndarray
    # int (k,): the powers that were summed already
    K: np.ndarray
    # int (k,): position in `Others` where eps > 1/2, else -1
    other: np.ndarray


def terms_of(
    piece: np.ndarray,
    cell: np.ndarray,
    K: np.ndarray,
    sums: RiskSums,
    pieces: Pieces,
    others: Others,
) -> Terms:
    """The terms of the cell of each pair, without those that are complete.

    `piece`, `cell`, `K` int (k,): K powers are summed already, or for 0 all where eps <= 1/2.
    """
    pair, tie = expanded(sums.n_terms[cell])
    piece, cell, K = piece[pair], cell[pair], K[pair]
    alive = 1 - tie / sums.n_terms[cell]
    phi = sums.R[cell] + alive * sums.S0D[cell]
    eps = pieces.r[piece] / phi
    if len(left := np.flatnonzero((K > 0) | (eps > 0.5))) < len(eps):
        every = (piece, cell, K, alive, phi, eps)
        piece, cell, K, alive, phi, eps = (values[left] for values in every)
    other = np.where(eps > 0.5, others.find(cell, pieces.code[piece]), -1)
    return Terms(
        piece=piece,
        cell=cell,
        a=sums.a[cell],
        eps=eps,
        phi=phi,
        f=(1 - alive) * sums.S0D[cell] / phi,
        alive=alive,
        K=K.astype(float),
        other=other,
    )


def dominated(
    sums: RiskSums,
    pieces: Pieces,
    candidates: np.ndarray,
    row_code: np.ndarray,
    columns: Columns,
) -> Others:
    """The cells with a piece of eps > 1/2 in some term, at most one a cell, and its others."""
    ranges = pieces.ranges.take(candidates)
    at, cells = ranges.pairs_below(sums.phi_min, 2 * pieces.r[candidates])
    # Who is at risk and does not die sums to phi_min at most, so no two pieces can have more than
    # half of it: a cell stands here once, and is found by its number.
    order = np.argsort(cells)
    code = pieces.code[candidates[at]][order]
    return others_afresh(sums, cells[order], code, row_code, columns)


def left_over(
    sums: RiskSums, terms: Terms, big: np.ndarray, others: Others, columns: Columns
) -> Moments:
    """The moments of some terms without their piece, from sums that never held it."""
    # A piece does not die in its cells, so all rows that do stay in the term, with their share.
    dying = sums.dying(terms.cell[big], columns)
    return others.moments.take(terms.other[big]) + dying.scaled(terms.alive[big])


def geometric(eps: np.ndarray, K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sums of eps^k and of k eps^k over k = 1 .. K."""
    k = np.arange(1, int(K.max(initial=0)) + 1)
    powers = np.where(k <= K[:, None], eps[:, None] ** k, 0.0)
    return powers.sum(axis=1), powers @ k.astype(float)
