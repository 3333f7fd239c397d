"""The rows of a regression, followed by edited versions of some of them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from vifstats.diagnostics.edited_values import Given
from vifstats.errors import InvalidInputError
from vifstats.losses import LinearPredictor
from vifstats.losses.cox.cox_edit import edited_design
from vifstats.losses.reduced import reduced
from vifstats.losses.regression.edited_rows import EditedRows, EditedTogether

__all__ = ["edited_regression", "rows_beside"]

Arrays: TypeAlias = tuple[np.ndarray, ...]
# Designs, outcomes, offsets, weights of some rows.
Parts: TypeAlias = tuple[Arrays, Arrays, Arrays, np.ndarray]


def edited_regression(
    loss: LinearPredictor,
    names: tuple[str, ...],
    objects: np.ndarray,
    labels: pd.Index,
    given: Given,
    edits: tuple[Any, Any, Any],
) -> EditedRows:
    """Edits of a regression: `edits` are outcome, covariates and weights, as the user gave them.

    Shapes: `names` (p,), what the user calls the parameters; `objects` int (k,), all -1 for rows to
    add; `labels` (k,).
    """
    outcome, covariates, weights = edits
    if len(loss.designs) > 1 and covariates is not None:
        raise InvalidInputError(
            "`covariates` can be edited where there is one linear predictor, but this model has "
            f"{len(loss.designs)}; edit `outcome` or `weights`."
        )
    y, *others = loss.y if isinstance(loss.y, tuple) else (loss.y,)
    X, *designs = loss.designs
    names = names[: X.shape[1]]
    columns = given.columns(covariates, names, X[objects])
    if given.new:
        _require_whole(loss, names, columns, outcome)
    new_X = edited_design(X[objects], names, columns)
    new_y = given.values("outcome", outcome, y[objects])
    new_w = given.values("weights", weights, loss.weights[objects])
    if given.new and new_w is None:
        new_w = np.ones(len(objects))

    versions = (
        (new_X, *(design[objects] for design in designs)),
        (y[objects] if new_y is None else new_y, *(other[objects] for other in others)),
        tuple(offset[objects] for offset in loss.offsets),
        loss.weights[objects] if new_w is None else new_w,
    )
    kind = EditedTogether if isinstance(loss.penalty, str) else EditedRows
    return kind(_stacked(loss, versions), objects, labels=labels)


def rows_beside(losses: Sequence[EditedRows], labels: pd.Index) -> EditedRows | None:
    """Several edits of the same rows as the objects of one loss; None if they are of others."""
    first = losses[0]
    n = first.n_rows
    recorded = _parts(first.stacked, slice(n))
    for other in losses[1:]:
        same_kind = repr(other.stacked.row_loss) == repr(first.stacked.row_loss)
        if not same_kind or not _equal(recorded, _parts(other.stacked, slice(other.n_rows))):
            return None
    each = [_parts(loss.stacked, slice(loss.n_rows, None)) for loss in losses]
    designs, outcomes, offsets = (
        tuple(map(np.concatenate, zip(*(part[k] for part in each), strict=True))) for k in range(3)
    )
    versions = (designs, outcomes, offsets, np.concatenate([part[3] for part in each]))
    rows = np.concatenate([loss.rows for loss in losses])
    recorded_loss = reduced(first.stacked, np.arange(first.stacked.n_objects) < n)
    return type(first)(_stacked(recorded_loss, versions), rows, labels=labels)


def _parts(loss: Any, rows: slice) -> Parts:
    """Designs, outcomes, offsets and weights of some rows."""
    y = loss.y if isinstance(loss.y, tuple) else (loss.y,)
    designs, outcomes, offsets = (
        tuple(values[rows] for values in each) for each in (loss.designs, y, loss.offsets)
    )
    return designs, outcomes, offsets, loss.weights[rows]


def _equal(a: Parts, b: Parts) -> bool:
    flat = [[*part[0], *part[1], *part[2], part[3]] for part in (a, b)]
    return len(flat[0]) == len(flat[1]) and all(map(np.array_equal, *flat))


def _stacked(loss: Any, versions: Parts) -> LinearPredictor:
    """The rows, followed by these versions."""
    old = _parts(loss, slice(None))
    designs, outcomes, offsets = (
        tuple(map(np.concatenate, zip(old[k], versions[k], strict=True))) for k in range(3)
    )
    return LinearPredictor(
        loss.row_loss,
        designs,
        outcomes if isinstance(loss.y, tuple) else outcomes[0],
        offset=offsets,
        weights=np.concatenate([old[3], versions[3]]),
        penalty=loss.penalty,
        names=loss.names,
    )


def _require_whole(
    loss: LinearPredictor, names: tuple[str, ...], columns: Any, outcome: Any
) -> None:
    """A row to add has nothing but what is given."""
    missing = [name for name in names if name not in columns]
    missing += ["outcome"] if outcome is None else []
    if missing:
        raise InvalidInputError(
            f"A row to add must have a value of everything in the model, but {missing} are not "
            "given; give `outcome`, and the others in `covariates`."
        )
    if len(loss.designs) > 1 or isinstance(loss.y, tuple) or any(o.any() for o in loss.offsets):
        raise InvalidInputError(
            "Rows can be added to a regression of one outcome with one linear predictor and no "
            "offset, but this model has more; build the loss with the rows in it and compare the "
            "two fits."
        )
