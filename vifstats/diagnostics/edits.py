"""What if it had been recorded otherwise: estimates whose objects are edits of rows."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.cox.cox_edit import CoxEdit, edited_design
from vifstats.losses.edited import Edited
from vifstats.losses.regression.edited_rows import EditedRows, EditedTogether
from vifstats.removals import Removals
from vifstats.typing import ArrayLike1D, Objects

__all__ = ["edit"]

# New values: one for all, one for each row, or computed from the old ones.
Values: TypeAlias = float | ArrayLike1D | Callable[[np.ndarray], np.ndarray]


def edit(
    est: Source,
    *data: Any,
    event: Values | str | None = None,
    time: Values | None = None,
    covariates: Mapping[str, Values] | None = None,
    stratum: ArrayLike1D | str | None = None,
    weights: Values | None = None,
    outcome: Values | None = None,
    rows: Objects | None = None,
) -> Estimate:
    """Take edits for the objects of an estimate: what if a row had been recorded otherwise.

    Every verb takes the result, and speaks of edits: the dfbeta of a row is the estimate minus
    what it would be with this row edited and all others as they are.

    Parameters
    ----------
    est : Estimate
        Of a Cox model or a regression through linear predictors; for any other loss stack the
        rows and their edited versions yourself in `vifstats.losses.Edited`.
    *data
        What a fitted model was fitted on, where it does not keep it.
    event : "flip" or array_like of 0/1, optional
        Events that become censorings, and censorings that become events, at the same time.
    time : array_like or callable, optional
        In units of the data.
    covariates : mapping of column to values or callable, optional
        By columns of the design.
    stratum : array_like, optional
        By the names of strata that are there.
    weights : array_like or callable, optional
    outcome : array_like or callable, optional
        Of a regression.
    rows : sequence of labels or bool mask, optional
        The rows to edit; default all. Rows that an edit leaves as they are have no influence.

    Returns
    -------
    Estimate
        With one object per edited row, labelled as the row.

    Raises
    ------
    InvalidInputError
        If nothing changes, a row asked for does not change or is not in the fit, or an edit leaves
        the domain of the model. An array needs an entry for each row, or for each edited one; a
        callable takes the old values of the edited rows, a scalar stands for all.
    InvalidTypeError
        If the loss is neither Cox's nor one of linear predictors.

    References
    ----------
    docs/mathematics.md, equation (33).

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1])
    >>> est = vs.minimize(loss, [0.0], names=["arm"])
    >>> edits = vs.edit(est, event="flip", rows=[1])
    >>> vs.leave_one_out(edits).params_without.round(4)
          arm
    1  0.9406
    """
    est = estimate_of(est, *data)
    chosen, labels = _rows(est, rows)
    objects = _objects(est, chosen, labels)
    given = _Given(len(est.labels), chosen)
    loss = est.loss
    edited: Edited
    if isinstance(loss, Cox):
        if outcome is not None:
            raise InvalidInputError("A Cox model has no `outcome`; edit its `event` or `time`.")
        edited = CoxEdit(
            event=given.events(event, loss.data.event[objects]),
            time=given.values("time", time, loss.data.time[objects]),
            weights=given.values("weights", weights, loss.data.weights[objects]),
            stratum=given.entries("stratum", stratum),
            covariates=given.columns(covariates, loss.data.names, loss.data.X[objects]),
        ).of(loss, objects, labels)
    elif isinstance(loss, LinearPredictor):
        if not (event is None and time is None and stratum is None):
            raise InvalidInputError(
                "A regression has no `event`, `time` or `stratum`; edit `outcome`, `covariates` or "
                "`weights`."
            )
        edited = _edited_regression(loss, objects, labels, given, (outcome, covariates, weights))
    else:
        raise InvalidTypeError(
            f"Edits are for Cox models and regressions, not for {type(loss).__name__}; stack the "
            "rows and their edited versions in one loss and wrap it by vifstats.losses.Edited."
        )
    _require_change(edited.changed, labels, rows)
    return Estimate(
        edited,
        est.theta,
        names=est.names,
        dispersion=est.dispersion,
        profile=est.profile,
        tol=est.tol,
    )


def _rows(est: Estimate, rows: Any) -> tuple[np.ndarray, pd.Index]:
    """Positions and labels of the rows to edit, of those of the user."""
    if rows is None:
        return np.sort(est.kept), est.labels[np.sort(est.kept)]
    chosen = Removals(est.kept, est.labels).positions(rows)
    if not len(chosen):
        raise InvalidInputError(
            "`rows` must name rows to edit, but is empty; leave it out for all."
        )
    return chosen, est.labels[chosen]


def _objects(est: Estimate, chosen: np.ndarray, labels: pd.Index) -> np.ndarray:
    """The object of each row to edit."""
    object_of = np.full(len(est.labels), -1)
    object_of[est.kept] = np.arange(len(est.kept))
    objects = object_of[chosen]
    if (objects < 0).any():
        missing = labels[objects < 0][:5].tolist()
        raise InvalidInputError(
            f"`rows` must be rows of the fit, but the model had dropped {missing}; leave them out."
        )
    return objects


class _Given:
    """What the user gives for the edited rows: an array for all rows or for these, or a call."""

    def __init__(self, n: int, chosen: np.ndarray) -> None:
        self.n, self.chosen = n, chosen

    def entries(self, name: str, values: Any) -> np.ndarray | None:
        """As given, one entry per edited row."""
        if values is None:
            return None
        values = np.asarray(values)
        if values.ndim == 0:
            return np.full(len(self.chosen), values[()])
        if values.shape == (self.n,):
            return values[self.chosen]
        if values.shape != self.chosen.shape:
            raise InvalidInputError(
                f"`{name}` must have an entry for each of the {self.n} rows, or for each of the "
                f"{len(self.chosen)} edited ones, but has shape {values.shape}."
            )
        return values

    def values(self, name: str, values: Any, old: np.ndarray) -> np.ndarray | None:
        """Numbers, which may be computed from the old ones."""
        if callable(values):
            values = values(old.copy())
        entries = self.entries(name, values)
        return (
            None
            if entries is None
            else checks.row_vector(
                entries, name, len(entries), pd.RangeIndex(len(entries)), minus_infinity=True
            )
        )

    def events(self, event: Any, old: np.ndarray) -> np.ndarray | None:
        """Statuses, or the old ones flipped."""
        if isinstance(event, str):
            checks.one_of(event, ["flip"], "event")
            return ~old
        return self.values("event", event, old.astype(float))

    def columns(
        self, covariates: Any, names: tuple[str, ...], X: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The edited columns of a design."""
        if covariates is None:
            return {}
        if not isinstance(covariates, Mapping):
            raise InvalidTypeError(
                "`covariates` must map columns to values or callables, as in "
                f"{{'age': lambda age: age + 5}}, but is {covariates!r}."
            )
        if unknown := [name for name in covariates if name not in names]:
            raise InvalidInputError(
                f"`covariates` must be columns of the model, {list(names)}, but {unknown} are not; "
                "an edit is in terms of the design, so name the column of a factor's level."
            )
        new = {
            name: self.values(name, values, X[:, names.index(name)])
            for name, values in covariates.items()
        }
        return {name: values for name, values in new.items() if values is not None}


def _edited_regression(
    loss: LinearPredictor,
    objects: np.ndarray,
    labels: pd.Index,
    given: _Given,
    edits: tuple[Any, Any, Any],
) -> EditedRows:
    outcome, covariates, weights = edits
    if len(loss.designs) > 1 and covariates is not None:
        raise InvalidInputError(
            "`covariates` can be edited where there is one linear predictor, but this model has "
            f"{len(loss.designs)}; edit `outcome` or `weights`."
        )
    y, *others = loss.y if isinstance(loss.y, tuple) else (loss.y,)
    X, *designs = loss.designs
    names = tuple(loss.names or ())
    new_X = edited_design(X[objects], names, given.columns(covariates, names, X[objects]))
    new_y = given.values("outcome", outcome, y[objects])
    new_w = given.values("weights", weights, loss.weights[objects])

    def both(old: np.ndarray, new: np.ndarray | None = None) -> np.ndarray:
        return np.concatenate([old, old[objects] if new is None else new])

    outcomes = (both(y, new_y), *map(both, others))
    stacked = LinearPredictor(
        loss.row_loss,
        (both(X, new_X), *map(both, designs)),
        outcomes if isinstance(loss.y, tuple) else outcomes[0],
        offset=tuple(map(both, loss.offsets)),
        weights=both(loss.weights, new_w),
        penalty=loss.penalty,
        names=names,
    )
    kind = EditedTogether if isinstance(loss.penalty, str) else EditedRows
    return kind(stacked, objects, labels=labels)


def _require_change(changed: np.ndarray, labels: pd.Index, rows: Any) -> None:
    if not changed.any() or (rows is not None and not changed.all()):
        which = "no row" if rows is None else f"not {labels[~changed][:5].tolist()}"
        raise InvalidInputError(
            f"An edit must change every row asked for, but it changes {which}; give other values, "
            "or leave those out of `rows`."
        )
