"""The most influential rows of a fit, confirmed by refits, and how far to trust the others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from time import perf_counter

import numpy as np
import pandas as pd

from vifstats.agreement import Agreement, compare
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.refits import leave_one_out
from vifstats.result import Influence
from vifstats.shortcuts import METHODS

__all__ = ["METHODS", "Findings", "confirm", "find", "only", "removal_of_each_row"]

RANDOM_ROWS = 50
SEED = 0
Z95 = NormalDist().inv_cdf(0.975)
# The first refits that are timed; the next are twice as many, or what the time allows.
FIRST_REFITS = 4


@dataclass(frozen=True, eq=False)
class Findings:
    """What a reader is told about a fit; `find` makes it.

    Attributes
    ----------
    influence : Influence
        One row per removal; those in `refitted` are exact.
    approximate : Influence
        The same before refits replaced any row; of method "refit", that result itself.
    top : ndarray of int
        Positions of the most influential rows, the largest Cook's distance first.
    refitted : ndarray of int
        Positions of the rows that were refitted to see how good the method is: the top ones and a
        random sample.
    agreement : Agreement or None
        Of the method with the refits, before they replaced its rows. None where nothing can be
        compared: every row was refitted, or no refit converged.
    n_planned : int
        How many rows were to be in `refitted`; it has fewer where the time ran out.
    seconds : float
        Wall time of the refits.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> find(vs.minimize(loss, [0.0]), top=1).hazard_ratios_without.shape
    (1, 1)
    """

    influence: Influence
    approximate: Influence
    top: np.ndarray
    refitted: np.ndarray
    agreement: Agreement | None
    n_planned: int
    seconds: float = 0.0

    @property
    def hazard_ratios(self) -> pd.DataFrame:
        """Hazard ratio with its 95 % confidence interval (naive), one row per parameter."""
        params, margin = self.influence.params, Z95 * self.influence.estimate.standard_errors
        log_ratios = {
            "hazard_ratio": params,
            "lower_95": params - margin,
            "upper_95": params + margin,
        }
        return np.exp(pd.DataFrame(log_ratios))

    @property
    def hazard_ratios_without(self) -> pd.DataFrame:
        """Hazard ratios without each of the top rows."""
        return np.exp(self.influence.params_without.iloc[self.top])


def find(
    source: Estimate | Influence,
    method: str = "vif",
    *,
    top: int = 10,
    seconds: float = np.inf,
    progress: bool = False,
) -> Findings:
    """Compute the influence of every row, and refit without the top ones and a random sample.

    Parameters
    ----------
    source : Estimate or Influence
        An Influence is taken as it is, with its own method.
    method : {"vif", "if", "newton", "refit"}
        Of an Estimate.
    top : int
        How many of the most influential rows to refit.
    seconds : float
        When to stop refitting, whatever is left to do.
    progress : bool
        Show a progress bar over the refits.

    Returns
    -------
    Findings

    Raises
    ------
    InvalidInputError
        If the method is unknown, `top` is negative, or one group is all there is.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0, 11.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = find(vs.minimize(loss, [0.0]), top=2)
    >>> found.top
    array([3, 0])
    """
    if method not in METHODS:
        raise InvalidInputError(f"`method` must be one of {list(METHODS)}, but is {method!r}.")
    if top < 0:
        raise InvalidInputError(f"`top` must be >= 0, but is {top}.")
    influence = _influence(source, method, progress)
    _require_a_remainder(influence)
    everyone = np.arange(len(influence.index))
    first = _largest(influence, everyone)[:top]
    if influence.method == "refit":
        return Findings(influence, influence, first, everyone, None, len(everyone))
    random = _random_rows(everyone)
    planned = np.concatenate([first, np.setdiff1d(random, first, assume_unique=True)])
    planned = planned[influence.removals.sizes[planned] > 0]
    begin = perf_counter()
    confirmed, done = _confirmed(influence, planned, seconds, progress)
    refitted = np.sort(done)
    return Findings(
        confirmed,
        influence,
        _largest(confirmed, first),
        refitted,
        _agreement(influence, confirmed, refitted),
        len(planned),
        perf_counter() - begin,
    )


def confirm(
    findings: Findings, rows: np.ndarray, *, seconds: float = np.inf, progress: bool = False
) -> Findings:
    """Refit without more rows, which say nothing about the others and do not count as a sample.

    Parameters
    ----------
    findings : Findings
    rows : ndarray of int
        Positions; those that are exact already are left alone.
    seconds : float
        When to stop.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Findings

    Examples
    --------
    >>> import vifstats as vs
    >>> rng = np.random.default_rng(0)
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, rng.normal(size=99))
    >>> found = find(vs.minimize(loss, [0.0]), top=0)
    >>> int(confirm(found, np.arange(99)).influence.exact.sum())
    99
    """
    influence = findings.influence
    known = influence.exact | influence.failed | (influence.removals.sizes == 0)
    begin = perf_counter()
    confirmed, _ = _confirmed(influence, rows[~known[rows]], seconds, progress)
    spent = findings.seconds + perf_counter() - begin
    return replace(findings, influence=confirmed, seconds=spent)


def only(influence: Influence, rows: np.ndarray) -> Influence:
    """The same result with some of its rows.

    Parameters
    ----------
    influence : Influence
    rows : ndarray of int
        Positions.

    Returns
    -------
    Influence

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
    >>> only(vs.vif(vs.minimize(loss, [0.0])), np.array([2])).index.to_list()
    [2]
    """
    return replace(
        influence,
        values=influence.values[rows],
        removals=influence.removals.take(rows),
        exact=influence.exact[rows],
        failed=influence.failed[rows],
        guarded=influence.guarded[rows],
    )


def removal_of_each_row(influence: Influence) -> np.ndarray:
    """The row of a result that takes each row of the data: its groups, by number.

    Parameters
    ----------
    influence : Influence

    Returns
    -------
    ndarray of int, shape (n_labels,)
        -1 for rows that no removal takes.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
    >>> removal_of_each_row(vs.vif(vs.minimize(loss, [0.0]), groups=["b", "a", "b"]))
    array([0, 1, 0])
    """
    codes = np.full(len(influence.estimate.labels), -1)
    codes[influence.estimate.kept] = influence.removals.codes
    return codes


def _influence(source: Estimate | Influence, method: str, progress: bool) -> Influence:
    if isinstance(source, Influence):
        return source
    if method == "refit":
        return leave_one_out(source, progress=progress)
    return METHODS[method](source)


def _require_a_remainder(influence: Influence) -> None:
    removals = influence.removals
    if removals.sizes.max(initial=0) == removals.n_objects:
        raise InvalidInputError(
            "There must be at least two groups, but all rows are in "
            f"{removals.labels[int(removals.sizes.argmax())]!r}: without it nothing is left."
        )


def _largest(influence: Influence, rows: np.ndarray) -> np.ndarray:
    """These rows, the largest Cook's distance first; rows that are nan last."""
    distances = influence.cooks_distance.to_numpy()[rows]
    return rows[np.argsort(-np.nan_to_num(distances, nan=-1.0), kind="stable")]


def _random_rows(rows: np.ndarray) -> np.ndarray:
    draw = np.random.default_rng(SEED).permutation(rows)
    return draw[:RANDOM_ROWS]


def _agreement(influence: Influence, confirmed: Influence, rows: np.ndarray) -> Agreement | None:
    if not len(rows) or confirmed.failed[rows].all():
        return None
    return compare(only(influence, rows), only(confirmed, rows))


def _confirmed(
    influence: Influence, rows: np.ndarray, seconds: float, progress: bool
) -> tuple[Influence, np.ndarray]:
    """The result with as many of these rows refitted as the time allows, and which those are."""
    from tqdm.auto import tqdm

    values, exact, failed = influence.values.copy(), influence.exact.copy(), influence.failed.copy()
    done = 0
    with tqdm(total=len(rows), disable=not progress, unit="refit", desc="refits") as bar:
        for part in _parts(rows, seconds):
            refits = _refitted(influence, part)
            values[part], exact[part], failed[part] = refits.values, refits.exact, refits.failed
            done += len(part)
            bar.update(len(part))
    return replace(influence, values=values, exact=exact, failed=failed), rows[:done]


def _parts(rows: np.ndarray, seconds: float) -> Iterator[np.ndarray]:
    """Ever more rows at a time, until the time they take would exceed what is left."""
    if np.isinf(seconds):
        if len(rows):
            yield rows
        return
    if seconds <= 0:
        return
    begin, done, size = perf_counter(), 0, FIRST_REFITS
    while done < len(rows) and size > 0:
        yield rows[done : done + size]
        done = min(done + size, len(rows))
        spent = perf_counter() - begin
        size = min(2 * size, int(max(0.0, seconds - spent) / (spent / done)))


def _refitted(influence: Influence, rows: np.ndarray) -> Influence:
    """Refits without these rows of the result, whatever groups it has, in this order."""
    groups = removal_of_each_row(influence)
    return leave_one_out(influence.estimate, groups=groups, objects=rows)
