"""Several fits of the same people as one estimate: their joint covariance, and what it is for."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.stacks import block_of
from vifstats.checks.arrays import numbers
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import Cox
from vifstats.losses.stacked import Block, Stacked
from vifstats.typing import ArrayLike1D, FittedModel, Groups, TableLike

__all__ = ["competing_risks", "joint"]

# Levels of a cause beyond so many are no causes.
MANY_CAUSES = 50


def joint(**fits: Estimate | FittedModel) -> Estimate:
    """Several fits on the same rows as one estimate.

    A removal leaves every fit that has the row, so differences and ratios of coefficients, as
    adjusted less unadjusted, have influences, standard errors and conclusions.

    Parameters
    ----------
    **fits : Estimate or fitted model that keeps its data
        By name. Rows are the same where their labels are; a row that one fit lacks counts in the
        others.

    Returns
    -------
    Estimate
        Parameters are called "name: parameter"; the covariance is the joint sandwich.

    Raises
    ------
    InvalidInputError
        If no fit is given, they share no row, or labels that are not unique differ.

    References
    ----------
    Pipper, Ritz & Bisgaard (2012), J. R. Statist. Soc. C 61, section 2; docs/mathematics.md,
    equation (43).

    Examples
    --------
    >>> import vifstats as vs
    >>> y, x = np.array([1.0, 3.0, 5.0, 4.0]), np.array([0.0, 1.0, 2.0, 4.0])
    >>> mean = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, y), [0.0])
    >>> both = joint(y=mean, x=vs.minimize(vs.MEstimator(lambda t, x: (x - t[0]) ** 2, x), [0.0]))
    >>> both.names
    ('y: theta0', 'x: theta0')
    >>> bool(both.cov_params("robust").loc["y: theta0", "x: theta0"] > 0)
    True
    """
    if not fits:
        raise InvalidInputError("A joint estimate needs at least one fit, but none is given.")
    blocks = {name: block_of(name, fit) for name, fit in fits.items()}
    if bad := [name for name, block in blocks.items() if block.theta is None]:
        raise InvalidInputError(
            f"Fits must be estimates or fitted models, but {bad} are not; fit them first."
        )
    labels = _all_labels(blocks)
    blocks = {name: _placed(block, labels) for name, block in blocks.items()}
    theta = np.concatenate([np.asarray(block.theta) for block in blocks.values()])
    return Estimate(Stacked(blocks, labels), theta)


def _all_labels(blocks: dict[str, Block]) -> pd.Index:
    """The labels of all rows, in order of first appearance."""
    (first, one), *others = blocks.items()
    labels = one.labels
    for name, other in others:
        if other.labels.equals(labels):
            continue
        if not (labels.is_unique and other.labels.is_unique):
            raise InvalidInputError(
                f"Rows of {first!r} and {name!r} are told apart by label, but some labels occur "
                "more than once; reset the index."
            )
        new = other.labels[~other.labels.isin(labels)]
        if len(new) == len(other.labels):
            raise InvalidInputError(
                f"Fits must share rows, but {first!r} and {name!r} have no label in common; give "
                "both the index of one table."
            )
        labels = labels.append(new)
    return labels


def _placed(block: Block, labels: pd.Index) -> Block:
    """The block, with the positions of its rows where it lacks some."""
    if block.labels.equals(labels):
        return block
    rows = labels.get_indexer(block.labels)
    return Block(block.equations, block.n_params, block.names, block.labels, block.theta, rows)


def competing_risks(
    X: TableLike,
    T: ArrayLike1D,
    cause: ArrayLike1D,
    *,
    ties: str = "efron",
    strata: Groups | None = None,
    weights: ArrayLike1D | None = None,
    entry: ArrayLike1D | None = None,
) -> Estimate:
    """Cause-specific Cox models of competing risks, fitted together.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
    T : array_like, shape (n,)
        Times of the first event, or of censoring.
    cause : array_like of int, shape (n,)
        0 censored, 1, 2, ... the cause of the event.
    ties : {"efron", "breslow"}
    strata : array_like, shape (n,), optional
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    entry : array_like, shape (n,), optional
        Delayed entry.

    Returns
    -------
    Estimate
        Parameters are called "1: age", "2: age", ...; see `targets.CumulativeIncidence`.

    Raises
    ------
    InvalidInputError
        If causes are not whole numbers from 0, or none is observed.

    References
    ----------
    Prentice et al. (1978), Biometrics 34, section 3; docs/mathematics.md, equation (43).

    Examples
    --------
    >>> X = [[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]
    >>> est = competing_risks(X, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 1, 2, 2, 1, 1])
    >>> est.names
    ('1: x0', '2: x0')
    """
    codes = _causes(cause)
    fits = {}
    for level in np.unique(codes[codes > 0]).tolist():
        loss = Cox(X, T, codes == level, ties=ties, strata=strata, weights=weights, entry=entry)
        fits[str(level)] = minimize(loss, np.zeros(loss.n_params or 0))
    return joint(**fits)


def _causes(cause: Any) -> np.ndarray:
    codes = numbers(cause, "`cause`")
    whole = codes.ndim == 1 and np.isfinite(codes).all() and (codes == np.floor(codes)).all()
    if not whole or (codes < 0).any() or len(np.unique(codes)) > MANY_CAUSES:
        raise InvalidInputError(
            "`cause` must be whole numbers, 0 for censored and 1, 2, ... for the cause of the "
            f"event, but holds {np.unique(codes)[:5].tolist()}; recode it."
        )
    if not (codes > 0).any():
        raise InvalidInputError(
            "Some cause must be observed, but all of `cause` are 0; 0 means censored."
        )
    return codes.astype(int)
