"""Several fits of the same people as one estimate: their joint covariance, and what it is for."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.adapters import from_model
from vifstats.adapters.stacks import block_of
from vifstats.errors import InvalidInputError, VifError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import Cox
from vifstats.losses.base import Loss
from vifstats.losses.stacked import Block, Stacked
from vifstats.typing import ArrayLike1D, FittedModel, Groups, TableLike

__all__ = ["competing_risks", "joint"]


def joint(**fits: Estimate | FittedModel) -> Estimate:
    """Several fits on the same rows as one estimate.

    A removal leaves every fit that has the row. So differences and ratios of coefficients, such as
    adjusted minus unadjusted, have influences, standard errors and conclusions.

    Parameters
    ----------
    **fits : Estimate or fitted model that keeps its data
        By name. Rows are the same where their labels are; a row that one fit lacks counts in the
        others, and the estimate says how many each lacks. Groups that leave whole in a fit leave
        whole here.

    Returns
    -------
    Estimate
        Parameters are called "name: parameter"; the covariance is the joint sandwich.

    Raises
    ------
    InvalidInputError
        If no fit is given, they share no row, labels that are not unique differ, or two fits put a
        row in different groups.

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
    if bad := [name for name, fit in fits.items() if isinstance(fit, Loss)]:
        raise InvalidInputError(
            f"Fits must be estimates or fitted models, but {bad} are not; fit them first."
        )
    estimates = {name: _estimate(fit) for name, fit in fits.items()}
    blocks = {name: block_of(name, est) for name, est in estimates.items()}
    labels = _all_labels(blocks)
    blocks = {name: _placed(block, labels) for name, block in blocks.items()}
    theta = np.concatenate([np.asarray(block.theta) for block in blocks.values()])
    return Estimate(Stacked(blocks, labels), theta, groups=_all_groups(estimates, blocks, labels))


def _estimate(fit: Estimate | FittedModel) -> Estimate:
    return fit if isinstance(fit, Estimate) else from_model(fit)


def _all_groups(
    estimates: Mapping[str, Estimate], blocks: Mapping[str, Block], labels: pd.Index
) -> np.ndarray | None:
    """What leaves whole: the groups of the fits, a row by itself that is in none; None for rows."""
    groups = np.full(len(labels), None, dtype=object)
    for name, est in estimates.items():
        if est.groups is None:
            continue
        rows = blocks[name].rows
        rows = np.arange(len(labels)) if rows is None else rows
        own = np.asarray(est.groups, dtype=object)[est.kept]
        known = np.array([group is not None for group in groups[rows]])
        if len(bad := np.flatnonzero(known & (groups[rows] != own))):
            raise InvalidInputError(
                f"Fits must have the same groups, but {checks.at(rows[bad], labels)} is of "
                f"{checks.quoted(groups[rows[bad[0]]])} in one and of "
                f"{checks.quoted(own[bad[0]])} in {name!r}; give all the same `groups`."
            )
        groups[rows] = own
    alone = np.flatnonzero([group is None for group in groups])
    if len(alone) == len(groups):
        return None
    groups[alone] = [f"row {labels[row]}" for row in alone]
    return groups


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
    T: ArrayLike1D | str,
    cause: ArrayLike1D | str,
    *,
    entry: ArrayLike1D | str | None = None,
    weights: ArrayLike1D | str | None = None,
    strata: Groups | str | None = None,
    ties: str = "efron",
) -> Estimate:
    """Cause-specific Cox models of competing risks, fitted together.

    Parameters
    ----------
    X : DataFrame or array_like, shape (n, p)
        Covariates; or a table that has the other arguments as columns, which are given by name.
    T : array_like, shape (n,), or str
        Times of the first event, or of censoring.
    cause : array_like of int, shape (n,), or str
        0 censored, 1, 2, ... the cause of the event.
    entry : array_like, shape (n,), or str, optional
        Delayed entry.
    weights : array_like, shape (n,), or str, optional
        Case weights, > 0.
    strata : array_like, shape (n,), or str, optional
    ties : {"efron", "breslow", "exact"}

    Returns
    -------
    Estimate
        Parameters are called "1: age", "2: age", ...; see `targets.CumulativeIncidence`.

    Raises
    ------
    InvalidInputError
        If causes are not whole numbers from 0, none is observed, rows are in another order, or a
        column is not in the table.
    ConvergenceError
        If the model of a cause has no finite fit; the error says which.

    Notes
    -----
    Models of the causes that are fitted already, each with its own covariates, are put together by
    ``joint(**{"1": fit_of_cause_1, "2": fit_of_cause_2})``, with the same targets.

    References
    ----------
    Prentice et al. (1978), Biometrics 34, section 3; docs/mathematics.md, equation (43).

    Examples
    --------
    >>> X = [[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]
    >>> est = competing_risks(X, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 1, 2, 2, 1, 1])
    >>> est.names
    ('1: x0', '2: x0')
    >>> table = pd.DataFrame({"x": [0.0, 1.0, 0.0, 1.0], "t": [4, 3, 2, 1], "end": [0, 1, 1, 1]})
    >>> competing_risks(table, "t", "end").names
    ('1: x',)
    """
    named = {"T": T, "cause": cause, "strata": strata, "weights": weights, "entry": entry}
    covariates, given = columns_of(X, named)
    T, cause, options = given.pop("T"), given.pop("cause"), given
    matrix, _, labels = checks.design_matrix(covariates)
    codes = checks.causes(cause, len(matrix), labels, covariates)
    fits = {}
    for level in np.unique(codes[codes > 0]).tolist():
        try:
            loss = Cox(covariates, T, codes == level, ties=ties, **options)
            fits[str(level)] = minimize(loss, np.zeros(loss.n_params or 0))
        except VifError as error:
            raise type(error)(f"In the model of cause {level}: {error}") from error
    return joint(**fits)


def columns_of(
    X: TableLike, named: Mapping[str, ArrayLike1D | Groups | str | None]
) -> tuple[TableLike, dict]:
    """The covariates, and what is given by the name of its column as that column."""
    columns = {name: key for name, key in named.items() if isinstance(key, str)}
    if not columns:
        return X, dict(named)
    table = checks.as_pandas(X)
    if not isinstance(table, pd.DataFrame):
        raise InvalidInputError(
            f"Columns are named in a table, but {list(columns)} are text and `X` is not a "
            "DataFrame; pass the values themselves."
        )
    for name, key in columns.items():
        checks.one_of(key, list(table.columns), name)
    values = {name: table[key] for name, key in columns.items()}
    return table.drop(columns=list(columns.values())), {**named, **values}
