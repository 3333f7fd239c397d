"""Which members of a set were the cases, given how many there are: docs/mathematics.md, (36)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff
from vifstats.losses.matched_sets.sets import Members, SetsOfOneSize, cases_of, sets_by_size
from vifstats.losses.matched_sets.symmetric_sums import Logs, log_symmetric_sums
from vifstats.removals import Removals

__all__ = ["Choices"]

# Numbers of one array of sums, or of members, at once (16 MB).
CHUNK_NUMBERS = 2_000_000

# Removals and sets in pairs, and what each set adds to the loss without the removal.
Pairs = Iterator[tuple[np.ndarray, np.ndarray, Logs]]


@dataclass(eq=False)
class Choices:
    """The sum over choices of log e_m(r) - sum over their cases of x'theta."""

    x: np.ndarray  # (n, p)
    offset: np.ndarray  # (n,)
    members: Members
    _last: tuple[Any, tuple[np.ndarray, ...]] | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The state without values that were computed once, as for a loss."""
        return {**{name: self.__dict__[name] for name in ("x", "offset", "members")}, "_last": None}

    @cached_property
    def n_sets(self) -> int:
        """Number of sets."""
        return len(self.members.reads)

    @cached_property
    def by_size(self) -> tuple[SetsOfOneSize, ...]:
        """The sets in arrays."""
        return tuple(sets_by_size(self.members))

    def value(self, theta: Any, presence: Any) -> Any:
        """The sum at any presence, in autograd.numpy."""
        eta = anp.dot(self.x, theta) + self.offset
        total = 0.0
        for some in self.by_size:
            at = some.rows[some.choice >= 0]
            total = total + self._logs(some, eta, presence) - anp.sum(presence[at] * eta[at])
        return total

    def at(self, theta: np.ndarray, curved: bool) -> tuple[np.ndarray, ...]:
        """What each set adds: values (n_sets,), gradients, Hessians; the last are kept."""
        key, last = (theta.tobytes(), curved), self._last
        if last is not None and last[0] == key:
            return last[1]
        p = self.x.shape[1]
        values, gradients = np.zeros(self.n_sets), np.zeros((self.n_sets, p))
        hessians = np.zeros((self.n_sets, p, p) if curved else (0, p, p))
        nobody = Removals.nobody(len(self.x))
        for _, number, logs in self._every_set(theta[None], nobody, curved):
            values[number], gradients[number] = logs.value, logs.gradient
            if curved:
                hessians[number] = logs.curvature
        # read and written once each: another thread may be at another theta
        self._last = key, (values, gradients, hessians)
        return values, gradients, hessians

    def differences(self, theta: np.ndarray, removals: Removals, curved: bool) -> Logs:
        """Value, gradient and, if `curved`, Hessian with everyone minus those after a removal."""
        p = self.x.shape[1]
        values, gradients, hessians = self.at(theta, curved)
        out = _zeros(len(removals), p, curved)
        for code, number, logs in self._sets_without(theta[None], removals, curved):
            np.add.at(out.value, code, values[number] - logs.value)
            np.add.at(out.gradient, code, gradients[number] - logs.gradient)
            if curved:
                np.add.at(out.curvature, code, hessians[number] - logs.curvature)
        return out

    def without(self, thetas: np.ndarray, removals: Removals, curved: bool) -> Logs:
        """Value, gradient and, if `curved`, Hessian after each removal, at its own theta."""
        out = _zeros(len(removals), self.x.shape[1], curved)
        for code, _, logs in self._every_set(thetas, removals, curved):
            np.add.at(out.value, code, logs.value)
            np.add.at(out.gradient, code, logs.gradient)
            if curved:
                np.add.at(out.curvature, code, logs.curvature)
        return out

    def weight_gradients(self, theta: np.ndarray) -> np.ndarray:
        """d/db_i of the gradient, shape (n, p).

        For each choice of m among others, pi (1 - pi) (x_i + grad log e_(m-1) - grad log e_m), both
        without row i, with pi the probability that it is chosen; less x_i where it is.
        """
        out = np.zeros_like(self.x)
        eta = self.x @ theta + self.offset
        for some in self.by_size:
            at = some.rows[some.choice >= 0]
            np.subtract.at(out, at, self.x[at])
            sets, place = np.nonzero(some.rows >= 0)
            most, p = some.most + 1, self.x.shape[1]
            width = p * max(some.rows.shape[1], most, some.reads.shape[1])
            for part in _parts(len(sets), width):
                i = some.rows[sets[part], place[part]]
                np.add.at(out, i, self._slopes(some, sets[part], place[part], eta))
        return out

    def _slopes(
        self, some: SetsOfOneSize, sets: np.ndarray, place: np.ndarray, eta: np.ndarray
    ) -> np.ndarray:
        rows, n_choices = some.rows[sets], some.reads.shape[1]
        i = rows[np.arange(len(sets)), place]
        others = rows >= 0
        others[np.arange(len(sets)), place] = False
        m = cases_of(some.choice[sets], rows >= 0, n_choices)
        before = np.cumsum(np.pad(others, ((0, 0), (1, 0))), axis=1)
        reads = some.reads[sets]
        # where all are cases row i is one for certain, and its weight says nothing
        open_ = (reads > place[:, None]) & (m <= np.take_along_axis(before, reads, axis=1))
        reads, m = np.where(open_, reads, 0), np.where(open_, m, 0)
        x, z = self.x[rows], eta[rows]
        with_i, without_i = (
            log_symmetric_sums(z, x, others, reads, count, curved=False)
            for count in (np.maximum(m - 1, 0), m)
        )
        odds = eta[i][:, None] + with_i.value - without_i.value
        pi = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        lean = self.x[i][:, None] + with_i.gradient - without_i.gradient
        return np.einsum("kc,kcp->kp", np.where(open_, pi * (1 - pi), 0.0), lean)

    def flat(self) -> np.ndarray:
        """Which covariates are the same for all members at every choice that leaves one out."""
        flat = np.ones(self.x.shape[1], dtype=bool)
        for some in self.by_size:
            inside = some.rows >= 0
            x = self.x[some.rows]
            high = np.maximum.accumulate(np.where(inside[..., None], x, -np.inf), axis=1)
            low = np.minimum.accumulate(np.where(inside[..., None], x, np.inf), axis=1)
            sets, choice = np.nonzero((some.reads > 0) & (some.cases(inside) < some.reads))
            last = sets, some.reads[sets, choice] - 1
            flat &= ~(high[last] > low[last]).any(axis=0)
        return flat

    def _logs(self, some: SetsOfOneSize, eta: Any, presence: Any) -> Any:
        """The sum of log e_m over the choices of some sets, in autograd.numpy."""
        rows = some.rows
        here = (rows >= 0) & (autodiff.plain(presence)[rows] > 0)
        shift = np.max(np.where(here, autodiff.plain(eta)[rows], -np.inf), axis=1)
        shift = np.where(np.isfinite(shift), shift, 0.0)
        z = anp.where(here, eta[rows] - shift[:, None], 0.0)
        r = anp.where(here, presence[rows] * anp.exp(z), 0.0)
        # the number of cases is a count: it is not differentiated
        m = some.cases(here)
        total = np.sum(m * shift[:, None])
        nothing = np.zeros((len(rows), 1))
        e = np.eye(1, int(m.max(initial=0)) + 1).repeat(len(rows), axis=0)
        for j in range(rows.shape[1]):
            e = e + r[:, j, None] * anp.concatenate([nothing, e[:, :-1]], axis=1)
            at, choice = np.nonzero(some.reads == j + 1)
            if len(at):
                total = total + anp.sum(anp.log(e[at, m[at, choice]]))
        return total

    @cached_property
    def _place(self) -> np.ndarray:
        """For each set: which of `by_size` it is in, and where, shape (n_sets, 2)."""
        place = np.empty((self.n_sets, 2), dtype=np.intp)
        for c, some in enumerate(self.by_size):
            place[some.number, 0], place[some.number, 1] = c, np.arange(len(some.number))
        return place

    @cached_property
    def _sets_of_row(self) -> tuple[np.ndarray, np.ndarray]:
        """The sets of each row, one row after the other, and where each begins, (n + 1,)."""
        order = np.argsort(self.members.row, kind="stable")
        counts = np.bincount(self.members.row, minlength=len(self.x))
        return self.members.number[order], np.append(0, np.cumsum(counts))

    def _sets_without(self, thetas: np.ndarray, removals: Removals, curved: bool) -> Pairs:
        """Each set without the members that a removal takes from it, where it takes any."""
        sets, starts = self._sets_of_row
        rows = np.flatnonzero(removals.codes >= 0)
        counts = np.diff(starts)[rows]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        number = sets[np.repeat(starts[rows], counts) + within]
        pairs = np.unique(np.stack([np.repeat(removals.codes[rows], counts), number]), axis=1)
        yield from self._pairs(thetas, removals, pairs[0], pairs[1], curved)

    def _every_set(self, thetas: np.ndarray, removals: Removals, curved: bool) -> Pairs:
        """All sets after each removal, at its own theta."""
        code = np.repeat(np.arange(len(removals)), self.n_sets)
        number = np.tile(np.arange(self.n_sets), len(removals))
        yield from self._pairs(thetas, removals, code, number, curved)

    def _pairs(
        self,
        thetas: np.ndarray,
        removals: Removals,
        code: np.ndarray,
        number: np.ndarray,
        curved: bool,
    ) -> Pairs:
        """Pairs of a removal and a set: the set's loss without it, in chunks of like sets."""
        p = self.x.shape[1]
        for c, some in enumerate(self.by_size):
            here = np.flatnonzero(self._place[number, 0] == c)
            most = max(some.most + 1, some.reads.shape[1])
            width = max(some.rows.shape[1] * p, most * (p * p if curved else p))
            for part in _parts(len(here), width):
                at = here[part]
                theta = thetas if len(thetas) == 1 else thetas[code[at]]
                sets = self._place[number[at], 1]
                logs = self._of_sets(some, sets, theta, removals, code[at], curved)
                yield code[at], number[at], logs

    def _of_sets(
        self,
        some: SetsOfOneSize,
        sets: np.ndarray,
        thetas: np.ndarray,
        removals: Removals,
        code: np.ndarray,
        curved: bool,
    ) -> Logs:
        rows, choice, reads = some.rows[sets], some.choice[sets], some.reads[sets]
        present = (rows >= 0) & (removals.codes[rows] != code[:, None])
        m = cases_of(choice, present, reads.shape[1])
        x = self.x[rows]
        eta = np.einsum("knp,kp->kn", x, np.broadcast_to(thetas, (len(rows), x.shape[2])))
        eta += self.offset[rows]
        logs = log_symmetric_sums(eta, x, present, reads, m, curved)
        cases = (present & (choice >= 0)).astype(float)
        return Logs(
            logs.value.sum(axis=1) - np.einsum("kn,kn->k", cases, eta),
            logs.gradient.sum(axis=1) - np.einsum("kn,knp->kp", cases, x),
            logs.curvature.sum(axis=1) if curved else None,
        )


def _zeros(k: int, p: int, curved: bool) -> Logs:
    return Logs(np.zeros(k), np.zeros((k, p)), np.zeros((k, p, p)) if curved else None)


def _parts(n: int, width: int) -> Iterator[slice]:
    """Slices of n things that take this many numbers each."""
    size = max(1, CHUNK_NUMBERS // width)
    return (slice(first, min(first + size, n)) for first in range(0, n, size))
