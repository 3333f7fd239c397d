"""How few edits change a conclusion: the fragility index, adjusted for covariates."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.diagnostics.alternatives import alternatives
from vifstats.diagnostics.edits import edit
from vifstats.diagnostics.influential_sets import InfluentialSet, influential_set
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.losses import Cox
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Objects

__all__ = ["Fragility", "fragility", "unadjusted_fragility"]

EDITS = ("censored -> event", "event -> censored", "swap treatment", "any")


@dataclass(frozen=True, eq=False, repr=False)
class Fragility(InfluentialSet):
    """The fewest edits found after which a conclusion changes, proved by a refit.

    Attributes
    ----------
    edits : str
        Which edits were tried.
    unadjusted : int or None
        The classical fragility index of the two arms, without covariates and times; None where
        there are not two.

    Examples
    --------
    See `fragility`.
    """

    edits: str = ""
    unadjusted: int | None = None

    def _heading(self) -> list[str]:
        rows = list(self.members[:10])
        more = f" ... ({len(self)} in all)" if len(self) > 10 else ""
        beside = (
            []
            if self.unadjusted is None
            else [f"  unadjusted fragility index of the two arms: {self.unadjusted}"]
        )
        edits = "1 edit" if len(self) == 1 else f"{len(self)} edits"
        return [
            f"Fragility: {edits} ({self.edits}), {self.goal}, {self.status}",
            f"  {self.target}: {self.value:.4g} as recorded, {self.actual:.4g} with the edits, "
            "refitted",
            *beside,
            f"  edited rows: {rows}{more}",
        ]


def fragility(
    est: Source,
    treatment: str,
    *data: Any,
    edits: str = "censored -> event",
    among: Objects | None = None,
    flip: str = "significance",
    level: float = 0.05,
    max_size: int | None = None,
) -> Fragility:
    """Find the fewest edits after which the treatment's effect changes its significance or sign.

    Parameters
    ----------
    est : Estimate
        Of a Cox model.
    treatment : str
        The parameter, a column of the design.
    *data
        What a fitted model was fitted on, where it does not keep it.
    edits : {"censored -> event", "event -> censored", "swap treatment", "any"}
        What may be recorded otherwise, at the same time; "any" takes either for each row, and
        calls its members "flip: row" and "swap: row".
    among : bool mask or sequence of labels, optional
        The rows that may be edited, such as those of one arm; default all.
    flip : {"significance", "sign"}
    level : float
        Of significance.
    max_size : int, optional
        The most edits to try; default all rows that may be edited but one.

    Returns
    -------
    Fragility
        An `InfluentialSet` whose members are edits: ``members``, ``value``, ``actual``,
        ``status`` and ``path``.

    Raises
    ------
    InvalidInputError
        If no row among those can be edited so, or "swap treatment" is asked of a treatment that
        has not two levels.
    InvalidTypeError
        If the model is not Cox's.

    References
    ----------
    Walsh et al. (2014), J. Clin. Epidemiol. 67, of the unadjusted index; docs/mathematics.md,
    equation (33).

    Examples
    --------
    In how many of those who were rearrested would a censoring make age non-significant?

    >>> import vifstats as vs
    >>> d = vs.datasets.load_rossi()
    >>> est = vs.minimize(vs.losses.Cox(d[["fin", "age", "prio"]], d.week, d.arrest), np.zeros(3))
    >>> found = vs.fragility(est, "age", edits="event -> censored")
    >>> found.status
    'confirmed'
    """
    est = estimate_of(est, *data)
    loss = est.loss
    if not isinstance(loss, Cox):
        raise InvalidTypeError(
            "Fragility is the number of events and censorings that change a Cox model, but the "
            f"loss is {type(loss).__name__}; use influential_set, of vs.edit(...) for a regression."
        )
    checks.one_of(edits, list(EDITS), "edits")
    checks.one_of(treatment, list(est.names), "treatment")
    arm = loss.data.X[:, list(est.names).index(treatment)]
    edited = _edited(est, loss.data.event, treatment, arm, edits, _among(est, among))
    n = len(edited.labels)
    wanted = n - 1 if max_size is None else checks.counting_number(max_size, "max_size")
    size = max(1, min(wanted, n - 1))
    found = influential_set(
        edited, treatment, flip=flip, level=level, max_size=size, method="exchange"
    )
    two = len(np.unique(arm)) == 2
    return Fragility(
        **{field.name: getattr(found, field.name) for field in fields(InfluentialSet)},
        edits=edits,
        unadjusted=unadjusted_fragility(loss.data.event, arm, level=level) if two else None,
    )


def _among(est: Estimate, among: Any) -> np.ndarray:
    """Which objects of the fit may be edited, shape (n_objects,)."""
    mask = np.zeros(len(est.labels), dtype=bool)
    rows = Removals(est.kept, est.labels)  # whatever leaves together
    mask[slice(None) if among is None else rows.positions(among, "among")] = True
    return mask[est.kept]


def _edited(
    est: Estimate,
    event: np.ndarray,
    treatment: str,
    arm: np.ndarray,
    edits: str,
    among: np.ndarray,
) -> Estimate:
    if edits == "any":
        rows, swap = _mask(est, among), {treatment: _swapped(arm)}
        return alternatives(
            flip=edit(est, event="flip", rows=rows), swap=edit(est, covariates=swap, rows=rows)
        )
    if edits == "swap treatment":
        return edit(est, covariates={treatment: _swapped(arm)}, rows=_mask(est, among))
    of = ~event if edits == "censored -> event" else event
    if not (among & of).any():
        raise InvalidInputError(
            f"There must be rows to edit, but none of those allowed is {edits.split(' ->')[0]}; "
            "give other `edits`, or more rows in `among`."
        )
    return edit(est, event="flip", rows=_mask(est, among & of))


def _mask(est: Estimate, objects: np.ndarray) -> np.ndarray:
    """A mask of the user's rows from one of the objects of the fit."""
    mask = np.zeros(len(est.labels), dtype=bool)
    mask[est.kept[objects]] = True
    return mask


def _swapped(arm: np.ndarray) -> Any:
    levels = np.unique(arm)
    if len(levels) != 2:
        raise InvalidInputError(
            f"A treatment to swap must have two levels, but has {len(levels)}; edit its "
            "`covariates` by vs.edit instead."
        )
    return lambda old: levels.sum() - old


def unadjusted_fragility(event: ArrayLike1D, arm: ArrayLike1D, *, level: float = 0.05) -> int:
    """The classical fragility index of two arms: non-events to turn before Fisher's p is level.

    Non-events become events in the arm with the smaller share of events, one by one, until
    Fisher's exact test is no longer significant.

    Parameters
    ----------
    event : array_like of bool, shape (n,)
    arm : array_like, shape (n,)
        Two levels.
    level : float

    Returns
    -------
    int
        0 where the arms do not differ significantly as they are.

    Raises
    ------
    InvalidInputError
        If there are not two arms.

    References
    ----------
    Walsh et al. (2014), J. Clin. Epidemiol. 67, 622-628.

    Examples
    --------
    One event among 100 against nine among 100, as in the paper's figure 1:

    >>> event = np.repeat([1, 0, 1, 0], [1, 99, 9, 91])
    >>> unadjusted_fragility(event, np.repeat([0, 1], 100))
    1
    """
    from scipy.stats import fisher_exact

    happened, arm, level = *_arms(event, arm), checks.proportion(level, "level")
    levels = np.unique(arm)
    if len(levels) != 2:
        raise InvalidInputError(
            f"The unadjusted fragility index compares two arms, but there are {len(levels)}; "
            "leave out the others."
        )
    table = np.array([[np.sum(happened[arm == a]), np.sum(~happened[arm == a])] for a in levels])
    fewer = int(np.argmin(table[:, 0] / table.sum(axis=1)))
    for edits in range(table[fewer, 1] + 1):
        if fisher_exact(table).pvalue >= level:
            return edits
        table[fewer] += (1, -1)
    return edits


def _arms(event: Any, arm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Whether each patient had an event, and the arm: (n,) both."""
    values = checks.finite_array(event, "event")
    if values.ndim != 1 or not np.isin(values, (0, 1)).all():
        raise InvalidInputError(
            f"`event` must be 0 or 1 for each patient, but is {event!r:.60}; recode it."
        )
    return values == 1, checks.group_labels(arm, pd.RangeIndex(len(values)))
