"""The likelihood of counts under softmax_v(P_u'Q_v), with derivatives in both tables.

With scores S = P Q', probabilities p, counts C and their row sums c,

    L = sum_u c_u log sum_v exp(S_uv) - sum_uv C_uv S_uv,     G = dL/dS = c p - C,

and S is bilinear in the tables: a change (dP, dQ) moves it by dP Q' + P dQ' + dP dQ'.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats.losses import autodiff

__all__ = ["SoftmaxTables", "log_totals"]


def log_totals(scores: Any) -> Any:
    """log sum_v exp(S_uv), shape (m,), for plain or traced scores (m, m')."""
    shift = np.max(autodiff.plain(scores), axis=1, initial=-np.inf, keepdims=True)
    return shift[:, 0] + anp.log(anp.sum(anp.exp(scores - shift), axis=1))


@dataclass(frozen=True, eq=False)
class SoftmaxTables:
    """Counts and the two tables at which derivatives are taken."""

    C: np.ndarray  # (m, m)
    # P, Q: (m, d)
    P: np.ndarray
    Q: np.ndarray

    @cached_property
    def c(self) -> np.ndarray:
        """Row sums of the counts, shape (m, 1)."""
        return self.C.sum(axis=1, keepdims=True)

    @cached_property
    def p(self) -> np.ndarray:
        """Probabilities, shape (m, m)."""
        S = self.P @ self.Q.T
        S -= S.max(axis=1, initial=-np.inf, keepdims=True)
        np.exp(S, out=S)
        S /= S.sum(axis=1, keepdims=True)
        return S

    @cached_property
    def cp(self) -> np.ndarray:
        """Expected counts, shape (m, m)."""
        return self.c * self.p

    @cached_property
    def G(self) -> np.ndarray:
        """dL/dS, shape (m, m)."""
        return self.cp - self.C

    def gradient(self) -> np.ndarray:
        """(dL/dP, dL/dQ), shape (2, m, d)."""
        # BLAS is slow at a large transpose times a narrow table, not at a narrow one times a large
        return np.stack([self.G @ self.Q, (self.P.T @ self.G).T])

    def hessian(self) -> np.ndarray:
        """Second derivatives, shape (2, m, d, 2, m, d)."""
        m, d = self.P.shape
        P, Q, p, cp, u = self.P, self.Q, self.p, self.cp, np.arange(m)
        mean = p @ Q
        H = np.zeros((2, m, d, 2, m, d))
        # rows of P do not meet: c_u times the covariance of Q under p_u
        spread = np.einsum("uv,vk,vl->ukl", cp, Q, Q, optimize=True)
        H[0, u, :, 0, u, :] = spread - self.c[:, :, None] * mean[:, :, None] * mean[:, None, :]
        across = np.einsum("uv,uvk,ul->ukvl", cp, Q - mean[:, None], P, optimize=True)
        across += self.G[:, None, :, None] * np.eye(d)[None, :, None, :]
        H[0, :, :, 1], H[1, :, :, 0] = across, across.transpose(2, 3, 0, 1)
        weighted = (np.sqrt(self.c) * p)[:, :, None] * P[:, None, :]
        H[1, :, :, 1] = -np.tensordot(weighted, weighted, axes=(0, 0))
        H[1, u, :, 1, u, :] += np.einsum("uv,uk,ul->vkl", cp, P, P, optimize=True)
        return H

    def product(self, dP: np.ndarray, dQ: np.ndarray) -> np.ndarray:
        """The Hessian applied to a change of the tables, shape (2, m, d)."""
        dS = dP @ self.Q.T
        dS += self.P @ dQ.T
        dS -= np.einsum("uv,uv->u", self.p, dS)[:, None]
        dS *= self.cp
        return np.stack([dS @ self.Q + self.G @ dQ, (self.P.T @ dS + dP.T @ self.G).T])
