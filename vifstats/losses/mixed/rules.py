"""What the data of a mixed model must have."""

import numpy as np

from vifstats.errors import InvalidInputError

__all__ = ["require_enough", "require_independent"]

# Of the diagonal of R in QR: a column that is nearer to a combination of the others is one.
COLLINEAR = 1e-10


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
