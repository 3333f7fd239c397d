"""Several edits of a row beside each other, each an object of its own."""

import numpy as np
import pandas as pd

from vifstats.diagnostics.edited_regression import rows_beside
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.losses.cox.cox_edit import edits_beside
from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.losses.edited import Edited
from vifstats.losses.regression.edited_rows import EditedRows

__all__ = ["alternatives"]


def alternatives(**edits: Estimate) -> Estimate:
    """Put several kinds of edit side by side: one estimate whose objects are all of them.

    A search for a set then chooses for each row the kind that serves it best. Of the edits of one
    row no two are made together.

    Parameters
    ----------
    **edits : Estimate
        Of `edit`, all of the same estimate. The keywords say what each kind is called.

    Returns
    -------
    Estimate
        Its labels are text, the kind and the row, as in ``"flip: 17"``.

    Raises
    ------
    InvalidInputError
        If there is none, or they are edits of different data.
    InvalidTypeError
        If one is not an estimate of `edit`.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0], [0.0], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1])
    >>> est = vs.minimize(loss, [0.0], names=["arm"])
    >>> both = vs.alternatives(
    ...     flip=vs.edit(est, event="flip", rows=[1]),
    ...     later=vs.edit(est, time=9.0, rows=[1]),
    ... )
    >>> vs.leave_one_out(both).params_without.round(4)
                 arm
    flip: 1   0.9406
    later: 1 -0.4812
    """
    if not edits:
        raise InvalidInputError(
            "Alternatives are of one or more kinds of edit, but none is given; name each, as in "
            'flip=vs.edit(est, event="flip").'
        )
    for name, est in edits.items():
        if not (isinstance(est, Estimate) and isinstance(est.loss, Edited)):
            raise InvalidTypeError(
                f"Alternatives are estimates of vs.edit, but {name!r} is a {type(est).__name__}; "
                f"pass {name}=vs.edit(...)."
            )
    first = next(iter(edits.values()))
    labels = pd.Index([f"{name}: {row}" for name, est in edits.items() for row in est.labels])
    same = all(np.array_equal(est.theta, first.theta) for est in edits.values())
    loss = _beside([est.loss for est in edits.values()], labels) if same else None
    if loss is None:
        raise InvalidInputError(
            f"Alternatives must be edits of the same estimate, but {list(edits)} are of different "
            "ones; edit one estimate in each of these ways."
        )
    return Estimate(
        loss,
        first.theta,
        names=first.names,
        dispersion=first.dispersion,
        profile=first.profile,
        tol=first.tol,
        inference=first.inference,
    )


def _beside(losses: list, labels: pd.Index) -> Edited | None:
    if all(type(loss) is type(losses[0]) for loss in losses):
        if isinstance(losses[0], EditedCox):
            return edits_beside(losses, labels)
        if isinstance(losses[0], EditedRows):
            return rows_beside(losses, labels)
    return None
