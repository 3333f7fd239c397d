"""What if it had been recorded otherwise: estimates whose objects are edits of rows."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from vifstats import checks
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.diagnostics.edited_regression import edited_regression
from vifstats.diagnostics.edited_values import Given
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.inference.edits import EditedInference
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.cox.cox_edit import CoxEdit
from vifstats.losses.edited import Edited
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
    entry: Values | None = None,
    covariates: Mapping[str, Values] | None = None,
    stratum: ArrayLike1D | str | None = None,
    weights: Values | None = None,
    outcome: Values | None = None,
    rows: Objects | None = None,
    add: Sequence[Hashable] | None = None,
) -> Estimate:
    """Take edits for the objects of an estimate: what if a row had been recorded otherwise.

    Every verb takes the result, and speaks of edits: the dfbeta of a row is the estimate minus
    what it would be with this row edited and all others as they are. Rows of one of the ``groups``
    of a verb are edited together; `alternatives` puts several edits of a row beside each other.

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
    entry : array_like or callable, optional
        From when on the row is at risk.
    covariates : mapping of column to values or callable, optional
        By columns of the design.
    stratum : array_like, optional
        By the names of strata that are there.
    weights : array_like or callable, optional
    outcome : array_like or callable, optional
        Of a regression.
    rows : sequence of labels or bool mask, optional
        The rows to edit; default all. Rows that an edit leaves as they are have no influence.
    add : sequence of labels, optional
        Instead of ``rows``: rows to *add*, which the other arguments describe in full (weights are
        1 unless given). The dfbeta is the estimate minus what it would be with this row added.

    Returns
    -------
    Estimate
        With one object per edited or added row, labelled as the row. Its errors and p-values are
        those of the estimate: also robust, by clusters, or by t, and computed from the edited data.

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

    What if one more, of arm 1, had had an event at 2.5?

    >>> added = vs.edit(est, add=["new"], event=1, time=2.5, covariates={"arm": 1})
    >>> vs.leave_one_out(added).params_without.round(4)
            arm
    new  0.3401
    """
    est = estimate_of(est, *data)
    if add is None:
        chosen, labels = _rows(est, rows)
        objects = _objects(est, chosen, labels)
    else:
        labels = _added(add, rows)
        chosen = objects = np.full(len(labels), -1)
    given = Given(est.labels, chosen)
    loss, names = est.loss, tuple(est.names)
    edited: Edited
    if isinstance(loss, Cox):
        if outcome is not None:
            raise InvalidInputError(
                "A Cox model has an event and a time, but `outcome` was given; edit its `event` or "
                "`time`."
            )
        edited = CoxEdit(
            event=given.events(event, loss.data.event[objects]),
            time=given.values("time", time, loss.data.time[objects]),
            entry=given.values("entry", entry, loss.data.entry[objects]),
            weights=given.values("weights", weights, loss.data.weights[objects]),
            stratum=given.strata(stratum),
            covariates=given.columns(covariates, names, loss.data.X[objects]),
            names=names,
        ).of(loss, objects, labels)
    elif isinstance(loss, LinearPredictor):
        of_cox = {"event": event, "time": time, "entry": entry, "stratum": stratum}
        if strange := [name for name, values in of_cox.items() if values is not None]:
            raise InvalidInputError(
                "An edit of a regression is one of `outcome`, `covariates` and `weights`, but "
                f"{strange} were given; use those."
            )
        edits = outcome, covariates, weights
        edited = edited_regression(loss, names, objects, labels, given, edits)
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
        inference=EditedInference.of(est),
    )


def _rows(est: Estimate, rows: Any) -> tuple[np.ndarray, pd.Index]:
    """Positions and labels of the rows to edit, of those of the user."""
    if rows is None:
        return np.sort(est.kept), est.labels[np.sort(est.kept)]
    chosen = Removals(est.kept, est.labels).positions(rows, "rows")
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


def _added(add: Any, rows: Any) -> pd.Index:
    """Labels of the rows to add."""
    if rows is not None:
        raise InvalidInputError(
            "An edit is of `rows` that are there or a row to `add`, but both were given; make two "
            "of them and put them together by alternatives."
        )
    given = add if is_list_like(add, allow_sets=False) else [add]
    labels = checks.object_labels(given, None)
    if not len(labels) or labels.has_duplicates:
        raise InvalidInputError(
            f"`add` must have a label for each row to add, all different, but is {list(labels)}; "
            'give such as ["new 1", "new 2"].'
        )
    return labels


def _require_change(changed: np.ndarray, labels: pd.Index, rows: Any) -> None:
    if not changed.any() or (rows is not None and not changed.all()):
        which = "no row" if rows is None else f"not {labels[~changed][:5].tolist()}"
        raise InvalidInputError(
            f"An edit must change every row asked for, but it changes {which}; give other values, "
            "or leave those out of `rows`."
        )
