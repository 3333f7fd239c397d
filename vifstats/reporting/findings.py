"""The most influential rows of a fit, confirmed by refits, and how far to trust the others."""

from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.agreement import Agreement, compare
from vifstats.deletion.in_time import approximate, forecast, refit_rest
from vifstats.deletion.infinite_ends import infinite_without, is_separating
from vifstats.deletion.parallel import Run
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.deletion.shortcuts import METHODS as COMPUTED
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.reporting.timed_refits import refit_rows

__all__ = ["METHODS", "Findings", "confirm", "find"]

# "auto": everything refitted where there is time for it, else "vif".
METHODS = ("auto", *COMPUTED)

RANDOM_ROWS = 50
SEED = 0
LEVEL = 0.05


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
        Positions of the most influential rows: those that separate, then the largest Cook's
        distance first.
    refitted : ndarray of int
        Positions of the rows that were refitted to see how good the method is: the top ones and a
        random sample, without those that were exact before.
    agreement : Agreement or None
        Of the method with the refits, before they replaced its rows. None where nothing can be
        compared: every row was refitted, or no refit converged.
    n_planned : int
        How many rows were to be in `refitted`; it has fewer where the time ran out.
    seconds : float
        Wall time of the refits.
    foreseen : Foreseen, optional
        What was foreseen of verdicts, once the rows have been refitted on which ranges, counts and
        verdicts rest, as far as there was time; see `confirmed` of ``vifstats.reporting.assemble``.
    seed : int
        Of the random sample.
    level : float
        Of the confidence intervals in text and JSON.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
    >>> find(vs.minimize(loss, [0.0]), top=1).effects_without.shape
    (1, 1)
    """

    influence: Influence
    approximate: Influence
    top: np.ndarray
    refitted: np.ndarray
    agreement: Agreement | None
    n_planned: int
    seconds: float = 0.0
    foreseen: Any = None
    seed: int = SEED
    level: float = 1 - LEVEL

    @cached_property
    def dfbetas(self) -> np.ndarray:
        """As `Influence.dfbetas`, nan where there is none: see `infinite`. (n_removals, p)."""
        return np.where(self._without_a_number, np.nan, self.influence.dfbetas.to_numpy())

    @cached_property
    def values(self) -> np.ndarray:
        """As ``Influence.values``, nan where there is none: see `infinite`. (n_removals, p)."""
        return np.where(self._without_a_number, np.nan, self.influence.values)

    @cached_property
    def infinite(self) -> np.ndarray:
        """Where each coefficient goes without each row that separates: (n_removals, p).

        0 where it is finite, 1, -1, or nan where that is not known; see `infinite_without`.
        """
        return infinite_without(self.influence)

    @cached_property
    def diverging(self) -> np.ndarray:
        """Where each coefficient goes with all rows, shape (p,), likewise."""
        est = self.influence.estimate
        if not est.separated:
            return np.zeros(len(est.theta))
        goes = est.loss.diverging(est.theta)
        return goes if np.any(goes != 0) else np.full(len(goes), np.nan)

    @property
    def _without_a_number(self) -> np.ndarray:
        """Predictions that mean nothing, as there is no finite estimate: bool (n_removals, p)."""
        return is_separating(self.influence)[:, None] | (self.diverging != 0)

    @property
    def effects(self) -> pd.DataFrame:
        """Each effect, a hazard ratio say, with its confidence interval: (n_effects, 3)."""
        est = self.influence.estimate
        what, ends = est.effects, [f"{side}_{100 * self.level:g}" for side in ("lower", "upper")]
        values = np.column_stack([est.theta, est.confidence_limits(self.level)])[what.shown]
        names = [est.names[k] for k in what.shown]
        return pd.DataFrame(what.of(values), index=names, columns=[what.column, *ends])

    @property
    def effects_without(self) -> pd.DataFrame:
        """The effects without each of the top rows: (n_top, n_effects)."""
        what = self.influence.estimate.effects
        return what.of(self.influence.params_without.iloc[self.top, what.shown])


def find(
    source: Estimate | Influence,
    method: str = "vif",
    *,
    top: int = 10,
    seconds: float = np.inf,
    progress: bool = False,
    n_jobs: int | None = None,
    seed: int = SEED,
    level: float = 1 - LEVEL,
) -> Findings:
    """Compute the influence of every row, and refit without the top ones and a random sample.

    Parameters
    ----------
    source : Estimate or Influence
        An Influence is taken as it is, with its own method.
    method : {"vif", "if", "newton", "refit", "auto"}
        Of an Estimate. "auto" refits without every row where that is predicted to take less than
        ``seconds``, else it is "vif".
    top : int
        How many of the most influential rows to refit.
    seconds : float
        When to stop refitting, whatever is left to do.
    progress : bool
        Show a progress bar over the refits.
    n_jobs : int, optional
        Workers for refits of everything, as in `leave_one_out`.
    seed : int
        Of the random sample.
    level : float
        Of the confidence intervals in text and JSON.

    Returns
    -------
    Findings

    Raises
    ------
    InvalidInputError
        If the method is unknown, `top` or `seconds` is negative, or one group is all there is.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0, 11.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> found = find(vs.minimize(loss, [0.0]), top=2)
    >>> found.top
    array([3, 0])
    """
    method = checks.one_of(method, METHODS, "method")
    checks.proportion(level, "level")
    checks.whole_number(seed, "seed")
    top, progress = checks.whole_number(top, "top"), checks.flag(progress, "progress")
    if not seconds >= 0:  # of which callers have given a part, so no number is told
        found = "nan" if np.isnan(seconds) else "negative"
        raise InvalidInputError(f"`seconds` must be >= 0, but is {found}.")
    influence = _influence(source, method, seconds, progress, n_jobs)
    _require_a_remainder(influence)
    everyone = np.arange(len(influence.index))
    first = _largest(influence, everyone)[:top]
    if influence.method == "refit":
        n = len(everyone)
        return Findings(influence, influence, first, everyone, None, n, seed=seed, level=level)
    random = _random_rows(everyone, seed)
    planned = np.concatenate([first, np.setdiff1d(random, first, assume_unique=True)])
    # rows that came refitted say nothing about the method
    planned = planned[_to_be_refitted(influence)[planned]]
    begin = perf_counter()
    confirmed, done = refit_rows(influence, planned, seconds, progress)
    refitted = np.sort(done)
    return Findings(
        confirmed,
        influence,
        _largest(confirmed, first),
        refitted,
        _agreement(influence, confirmed, refitted),
        len(planned),
        perf_counter() - begin,
        seed=seed,
        level=level,
    )


def confirm(
    findings: Findings, rows: np.ndarray, *, seconds: float = np.inf, progress: bool = False
) -> Findings:
    """Refit without more rows, which say nothing about the others and do not count as a sample.

    Those of the positions `rows` that are exact already are left alone; after `seconds` it stops.

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
    begin = perf_counter()
    rows = rows[_to_be_refitted(influence)[rows]]
    confirmed, _ = refit_rows(influence, rows, seconds, progress)
    spent = findings.seconds + perf_counter() - begin
    return replace(findings, influence=confirmed, seconds=spent)


def _influence(
    source: Estimate | Influence, method: str, seconds: float, progress: bool, n_jobs: int | None
) -> Influence:
    if isinstance(source, Influence):
        return source
    if method == "refit":
        return leave_one_out(source, progress=progress, n_jobs=n_jobs)
    if method != "auto":
        return COMPUTED[method](source)
    removals = source.removals()
    known = forecast(source, removals, seconds)
    if known.seconds <= seconds:
        return refit_rest(source, removals, known, Run.of(n_jobs, progress=progress))
    return approximate(COMPUTED["vif"](source), known)


def _require_a_remainder(influence: Influence) -> None:
    removals = influence.removals
    if removals.sizes.max(initial=0) == removals.n_objects:
        largest = checks.quoted(removals.labels[int(removals.sizes.argmax())])
        raise InvalidInputError(
            f"There must be at least two groups, but all rows are in {largest}: without it nothing "
            "is left."
        )


def _to_be_refitted(influence: Influence) -> np.ndarray:
    """Rows of which a refit would say something new: none where even all data have no minimum."""
    known = influence.exact | influence.failed | (influence.removals.sizes == 0)
    known = known | is_separating(influence)  # of which there is no minimum either
    return ~known & (not influence.estimate.separated)


def _largest(influence: Influence, rows: np.ndarray) -> np.ndarray:
    """These rows, those that separate first, then by Cook's distance; rows that are nan last."""
    distances = np.nan_to_num(influence.cooks_distance.to_numpy()[rows], nan=-1.0)
    distances[is_separating(influence)[rows]] = np.inf
    return rows[np.argsort(-distances, kind="stable")]


def _random_rows(rows: np.ndarray, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed).permutation(rows)
    return draw[:RANDOM_ROWS]


def _agreement(influence: Influence, confirmed: Influence, rows: np.ndarray) -> Agreement | None:
    if not len(rows) or confirmed.failed[rows].all():
        return None
    return compare(influence.take(rows), confirmed.take(rows))
