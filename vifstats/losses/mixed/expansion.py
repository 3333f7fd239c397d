"""Sums over all groups near one psi, to third order: what many problems near it have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vifstats.losses.mixed.group_sums import GroupSums

__all__ = ["Expansion"]

# Of 1 + |psi|: the step of third derivatives, whose relative error is about its square.
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Expansion:
    """Taylor's, of value and derivatives alike, so that each is the derivative of the one before.

    Shapes: `psi` (m,); `at`: the sums there, of one problem; `logdet3` (m, m, m); `D3`
    (m, m, m, a, a).
    """

    psi: np.ndarray
    at: GroupSums
    logdet3: np.ndarray
    D3: np.ndarray

    @classmethod
    def about(cls, psi: np.ndarray, sums: Callable[[np.ndarray], GroupSums]) -> "Expansion":
        """The expansion of `sums`, of psi (1, m), curved."""
        steps = STEP * (1 + np.abs(psi))
        pairs = [[sums((psi + sign * h)[None]) for sign in (1, -1)] for h in np.diag(steps)]
        thirds = [(ahead - behind).take(np.array([0])) for ahead, behind in pairs]
        logdet3 = np.stack([np.asarray(t.logdet2)[0] for t in thirds]) / (2 * steps)[:, None, None]
        D3 = np.stack([np.asarray(t.D2)[0] for t in thirds]) / (2 * steps).reshape(-1, 1, 1, 1, 1)
        return cls(psi, sums(psi[None]), logdet3, D3)

    def __call__(self, psi: np.ndarray, curved: bool) -> GroupSums:
        """The sums of problems at psi (k, m)."""
        d, at = psi - self.psi, self.at
        of_logdet = _taylor(
            d, [at.logdet[0], at.logdet1[0], np.asarray(at.logdet2)[0], self.logdet3]
        )
        of_D = _taylor(d, [at.D[0], at.D1[0], np.asarray(at.D2)[0], self.D3])
        n = np.repeat(at.n, len(psi))
        first = n, of_logdet[0], of_D[0], of_logdet[1], of_D[1]
        return GroupSums(*first, of_logdet[2], of_D[2]) if curved else GroupSums(*first)


def _taylor(d: np.ndarray, terms: list[np.ndarray]) -> list[np.ndarray]:
    """Value, first and second derivatives at d (k, m), from value and three derivatives at 0."""
    value, first, second, third = terms
    along3 = np.einsum("ki,ijl...->kjl...", d, third)
    along33 = np.einsum("kj,kjl...->kl...", d, along3)
    along2 = np.einsum("kj,jl...->kl...", d, second)
    return [
        value
        + np.einsum("kj,j...->k...", d, first)
        + np.einsum("kl,kl...->k...", d, along2) / 2
        + np.einsum("kl,kl...->k...", d, along33) / 6,
        first + along2 + along33 / 2,
        second + along3,
    ]
