"""What the data of a mixed model must have."""

import numpy as np

from vifstats.errors import InvalidInputError
from vifstats.losses.mixed.cross_products import CrossProducts

__all__ = ["require_enough", "require_independent", "require_residuals"]

# Of the diagonal of R in QR: a column that is nearer to a combination of the others is one.
COLLINEAR = 1e-10
# Residuals of this share of y are rounding; and below this one products cannot tell.
ROUNDING, READABLE = 100 * np.finfo(float).eps, 1e-6


def require_enough(n_rows: int, n_fixed: int, n_groups: int) -> None:
    """Groups of several rows, and more rows than fixed effects."""
    if n_groups < 2:
        raise InvalidInputError(
            "A mixed model needs two groups or more, but all rows are of one. Crossed effects, "
            "which need that, cannot be taken; without groups use LinearPredictor(SquaredError(), "
            "X, y)."
        )
    if n_groups == n_rows:
        raise InvalidInputError(
            "A mixed model needs groups with several rows, but each row is a group of its own, so "
            "that the variances between and within groups are not told apart; pass the column of "
            "the subject, or use LinearPredictor(SquaredError(), X, y)."
        )
    if n_rows <= n_fixed:
        raise InvalidInputError(
            f"There must be more rows than fixed effects, but there are {n_rows} and {n_fixed}; "
            "leave out columns."
        )


def require_independent(R: np.ndarray, names: tuple[str, ...]) -> None:
    """No column of X is a combination of those before it."""
    size = np.linalg.norm(R, axis=0)
    for k in np.flatnonzero(np.abs(np.diag(R)) <= COLLINEAR * size):
        raise InvalidInputError(
            f"Columns of `X` must not be collinear, but {names[k]!r} is a combination of those "
            "before it; drop it."
        )


def require_residuals(rows: CrossProducts, n_random: int, y: np.ndarray) -> None:
    """Fixed effects and effects of groups leave something of y (n,), or sigma would be 0.

    The last column of `rows` is what fixed effects leave of y, those of X are orthonormal.
    """
    size, q = np.linalg.norm(y), n_random
    F, B = rows.products[:, :q, :q], rows.products[:, :q, q:]
    within = rows.products[:, q:, q:].sum(axis=0)
    within -= np.einsum("gqa,gqr,grb->ab", B, np.linalg.pinv(F, hermitian=True), B)
    if _last(within) > (READABLE * size) ** 2:
        return
    left, free = np.empty_like(rows.columns[:, q:]), 0
    for k in range(rows.n_groups):
        own = np.flatnonzero(rows.groups == k)
        Z, a = rows.columns[own, :q], rows.columns[own, q:]
        effects, _, rank, _ = np.linalg.lstsq(Z, a, rcond=None)
        left[own] = a - Z @ effects
        free += len(own) - int(rank)
    X, residual = left[:, :-1], left[:, -1]
    rank = np.linalg.matrix_rank(X, tol=COLLINEAR)
    residual = residual - X @ np.linalg.lstsq(X, residual, rcond=COLLINEAR)[0]
    # where the effects are as many as the rows they leave nothing of any y
    if free > rank and np.linalg.norm(residual) <= ROUNDING * size:
        raise InvalidInputError(
            "A mixed model must leave residuals within its groups, but its effects are `y` to the "
            "last digit: sigma would be 0 and the likelihood infinite. Check that `y` is the "
            "outcome; without effects of groups use LinearPredictor(SquaredError(), X, y)."
        )


def _last(products: np.ndarray) -> float:
    """Squared length of what the other columns leave of the last one, by their products."""
    with_others = products[:-1, -1]
    inverse = np.linalg.pinv(products[:-1, :-1], hermitian=True)
    return float(products[-1, -1] - with_others @ inverse @ with_others)
