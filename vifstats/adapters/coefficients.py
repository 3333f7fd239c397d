"""Plain Cox coefficients from wherever they were fitted, with the data they were fitted on."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import columns_by_name, rows_beside
from vifstats.errors import DataMismatchError
from vifstats.estimate import Estimate
from vifstats.losses import Cox

__all__ = ["cox"]


def cox(
    theta: Any,
    X: Any = None,
    T: Any = None,
    E: Any = None,
    *,
    entry: Any = None,
    weights: Any = None,
    strata: Any = None,
    offset: Any = None,
    groups: Any = None,
    ties: str | None = None,
    penalty: Any = None,
    tol: float = 1e-2,
) -> Estimate:
    """An estimate from an array, list or Series of log hazard ratios.

    `theta` (p,): a Series with names finds its columns of a DataFrame X by name; `X` (n, p); `T`
    (n,): times, or a structured array of (event, time); `E` (n,): None: all events; `entry`,
    `weights`, `strata`, `offset`, `groups` (n,); `penalty` (p,) or (p, p): P of 0.5 theta' P theta,
    in the units of X; `tol`: as in `Estimate`. Raises InvalidInputError, InvalidTypeError if the
    data break a rule of `vifstats.checks.survival`. Raises NotAtMinimumError if theta was not
    fitted to these data, in this way.

    Examples
    --------
    >>> est = cox([0.0], [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1])
    >>> est.names
    ('x0',)
    """
    if X is None:
        raise DataMismatchError(
            "Coefficients hold no data, so X, T and E are needed, but `X` is not given; pass the "
            "data they were fitted on."
        )
    if _named(theta):
        T, E, entry, weights, strata, offset = rows_beside(X, T, E, entry, weights, strata, offset)
        X = columns_by_name(X, list(theta.index))
    loss = Cox(
        X,
        T,
        E,
        entry=entry,
        weights=weights,
        strata=strata,
        offset=offset,
        ties="efron" if ties is None else ties,
        penalty=penalty,
    )
    return Estimate(loss, theta, groups=groups, tol=tol)


def _named(theta: Any) -> bool:
    """Whether a Series names its parameters, rather than counting them."""
    return isinstance(theta, pd.Series) and not np.array_equal(theta.index, np.arange(len(theta)))
