"""Degrees of freedom of CR3 standard errors of least squares: Bell and McCaffrey's.

With S_g = X_g'X_g, M = (X'X)^-1 and N_g = (M^-1 - S_g)^-1, group g moves parameter j by
e_j'N_g X_g' r_g. If residuals are independent and of one variance, the sum of squares of these is a
quadratic form with the matrix P = diag(a) - B M B', where row g of B is e_j'N_g S_g and a_g is
e_j'N_g S_g N_g e_j; a chi-squared variable with (tr P)^2 / tr P^2 degrees of freedom has its mean
and variance. Weights scale the rows by their root. See docs/mathematics.md, equation (58).
"""

from typing import Any

import numpy as np

from vifstats.inference.least_squares import is_least_squares
from vifstats.losses.base import BLOCK_NUMBERS
from vifstats.removals import Removals

__all__ = ["bell_mccaffrey", "has_bell_mccaffrey"]


def has_bell_mccaffrey(fit: Any) -> bool:
    """Whether a fit is least squares with CR3 errors, and no degrees of freedom of its own."""
    inference = fit.inference
    asked = inference.covariance == "CR3" and inference.df is None
    return asked and is_least_squares(fit) and fit.loss.penalty is None


def bell_mccaffrey(fit: Any, removals: Removals) -> np.ndarray:
    """Degrees of freedom of each parameter after each removal, (k, p); nan where none."""
    X = fit.loss.designs[0] * np.sqrt(fit.loss.weights)[:, None]
    p, n_groups = X.shape[1], int(fit.clusters.max()) + 1
    S = np.zeros((n_groups, p, p))
    np.add.at(S, fit.clusters, X[:, :, None] * X[:, None, :])
    out = np.empty((len(removals), p))
    for part, some in removals.blocks(max(1, BLOCK_NUMBERS // (n_groups * p**2))):
        left = np.broadcast_to(S, (len(some), *S.shape)).copy()
        gone = np.flatnonzero(some.codes >= 0)
        lost = X[gone, :, None] * X[gone, None, :]
        np.subtract.at(left, (some.codes[gone], fit.clusters[gone]), lost)
        out[part] = _degrees(left)
    return out


def _degrees(S: np.ndarray) -> np.ndarray:
    """From the cross products of each group, (k, n_groups, p, p): (k, p)."""
    total = S.sum(axis=1)
    M = _inverses(total)
    N = _inverses(total[:, None] - S)
    B = S @ N  # (k, g, p, p): column j is that of parameter j
    a = np.einsum("kgij,kgij->kgj", N, B)
    inner = np.einsum("kgij,kil,kglj->kgj", B, M, B, optimize=True)
    # B'B over groups, for each parameter
    crossed = np.einsum("kgij,kglj->kjil", B, B, optimize=True)
    trace = (a - inner).sum(axis=1)
    both = np.einsum("kab,kjbc->kjac", M, crossed, optimize=True)
    square = (a**2 - 2 * a * inner).sum(axis=1) + np.einsum("kjac,kjca->kj", both, both)
    with np.errstate(divide="ignore", invalid="ignore"):  # groups that leave nothing behind: nan
        return trace**2 / square


def _inverses(matrices: np.ndarray) -> np.ndarray:
    """Inverses of (..., p, p), nan where there is none."""
    singular = np.linalg.matrix_rank(matrices, hermitian=True) < matrices.shape[-1]
    safe = np.where(singular[..., None, None], np.eye(matrices.shape[-1]), matrices)
    return np.where(singular[..., None, None], np.nan, np.linalg.inv(safe))
