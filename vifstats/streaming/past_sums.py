"""What goes on from block to block of one stratum: sums over the event times that are past.

A row of mass r that comes after a block takes from its event times

    sum a u eps/(1 - eps),    eps = r/phi,    u = x - m,

which is sum_k (r/c)^k (x G_k - M_k) with G_k = sum a (c/phi)^k and M_k = sum a m (c/phi)^k, up to
rounding unless eps > 1/10. Rows for which it is more visit the block, and take the sum itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vifstats.losses.cox.plans import MAX_POWER
from vifstats.losses.cox.risk_sums import RiskSums
from vifstats.streaming.event_blocks import Block

__all__ = ["NOTHING_YET", "Past", "Powers", "pasts", "powers_of"]


@dataclass(frozen=True, eq=False)
class Powers:
    """Sums over event times: G_k and M_k for k = 1 .. K."""

    # Logarithm of c, the smallest phi
    log_c: float
    table: np.ndarray  # (K, 1 + p)

    def then(self, later: "Powers") -> "Powers":
        """With those of a later block, in which phi has fallen further."""
        k = np.arange(1, MAX_POWER + 1)
        # The tables are in units of c, the smallest phi so far; it falls from block to block, and
        # by so much the earlier powers shrink. Logarithms keep c^k from leaving the range of
        # doubles.
        table = _padded(self.table) * np.exp(k * (later.log_c - self.log_c))[:, None]
        return Powers(later.log_c, table + _padded(later.table))

    def taken(self, log_r: np.ndarray, x: np.ndarray, K: int = MAX_POWER) -> np.ndarray:
        """What rows that come later take, by the first K powers; shape (n, p)."""
        # Powers that no block needed are rows of 0, at the end.
        K = min(K, int(np.flatnonzero(self.table.any(axis=1)).max(initial=0)) + 1)
        table = self.table[:K]
        # eps^k = (r/c)^k (phi/c)^-k, equation (23): of rows too heavy for this the sum is
        # meaningless, but those were visitors, and what they took replaces it in `Past.settled`.
        shares = np.exp(log_r - self.log_c)[:, None] ** np.arange(1, K + 1)
        out = x * (shares @ table[:, 0])[:, None]
        out -= shares @ table[:, 1:]
        return out


@dataclass(frozen=True, eq=False)
class Past:
    """What a block is told of the event times before it."""

    # None if there were none
    powers: Powers | None
    # int (k,): positions in the block of rows that visited earlier blocks
    settled: np.ndarray
    # (k, p): what these take, instead of what the powers say
    taken: np.ndarray


NOTHING_YET = Past(None, np.zeros(0, dtype=int), np.zeros((0, 0)))


@dataclass(eq=False)
class _Span:
    """One stratum on its way through its blocks."""

    powers: Powers | None = None
    visitors: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def enter(self, block: Block) -> Past:
        """Take out the rows of the block that visited others before."""
        places = np.array(list(self.visitors), dtype=int).reshape(-1, 2)
        positions = block.positions(places)
        here = np.flatnonzero(positions >= 0)
        if not len(here):
            return Past(self.powers, NOTHING_YET.settled, NOTHING_YET.taken)
        taken = np.stack([self.visitors.pop((chunk, row)) for chunk, row in places[here].tolist()])
        return Past(self.powers, positions[here], taken)

    def leave(self, block: Block, powers: Powers | None, visits: np.ndarray) -> None:
        """Add what visitors took, and the powers."""
        assert block.link is not None
        guests = block.link.visitors
        # A visitor may come from blocks before the first that counted it singly: there it was
        # light, and the powers up to here say what it took. From then on its own account is kept.
        before = np.zeros_like(guests.x)
        if self.powers is not None:
            before = self.powers.taken(guests.log_r, guests.x)
        for k, (chunk, row) in enumerate(guests.place.tolist()):
            self.visitors[chunk, row] = self.visitors.get((chunk, row), before[k]) + visits[k]
        if powers is not None:
            self.powers = powers if self.powers is None else self.powers.then(powers)


def powers_of(sums: RiskSums, K: int, shift: float, by: np.ndarray) -> Powers:
    """The powers of all cells of some sums, which are of one stratum.

    `shift`: its r are in units of exp(shift); `by` (p,): from how much further back x is to be
    measured.
    """
    # With the smallest phi as unit every (phi/c)^-k is at most 1.
    c = float(sums.phi_min.min())
    table = np.empty((K, 1 + sums.X.shape[1]))
    for k in range(1, K + 1):
        powers = sums.power_sums(k, c)
        table[k - 1, 0] = powers.Z.sum()
        table[k - 1, 1:] = powers.Z @ sums.m0 + powers.F @ sums.tied.delta + powers.Z.sum() * by
    return Powers(float(np.log(c) + shift), table)


def pasts(
    blocks: Sequence[Sequence[Block]],
    found: Sequence[Sequence[tuple[Powers | None, np.ndarray]]],
) -> list[list[Past]]:
    """What each block is told, from what all blocks found.

    `blocks`: in order, by chunk; `found`: of each block, its powers, and what its visitors took.
    """
    spans: dict[int, _Span] = {}
    out = []
    for some, results in zip(blocks, found, strict=True):
        told = []
        for block, (powers, visits) in zip(some, results, strict=True):
            if block.link is None:
                told.append(NOTHING_YET)
                continue
            span = spans.setdefault(block.link.span, _Span())
            told.append(span.enter(block))
            span.leave(block, powers, visits)
        out.append(told)
    return out


def _padded(table: np.ndarray) -> np.ndarray:
    out = np.zeros((MAX_POWER, table.shape[1]))
    out[: len(table)] = table
    return out
