"""The rows of a Cox model, followed by edited versions of some of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from vifstats.checks import SurvivalInput
from vifstats.errors import InvalidInputError
from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.losses.cox.edited_exact import EditedExact
from vifstats.losses.cox.loss import Cox

__all__ = ["CoxEdit", "edited_design"]


@dataclass(frozen=True, eq=False)
class CoxEdit:
    """What is edited of some rows, each an array with an entry per edited row, or None."""

    # event, time, weights, stratum (k,): stratum holds the user's names of strata
    event: np.ndarray | None
    time: np.ndarray | None
    weights: np.ndarray | None
    stratum: np.ndarray | None
    covariates: dict[str, np.ndarray]  # (k,)

    def of(self, loss: Cox, rows: np.ndarray, labels: pd.Index) -> EditedCox:
        """The loss with these edits as its objects.

        Shapes: `rows` int (k,); `labels` (k,). Raises InvalidInputError if an edit leaves the
        domain: an event at or before entry, a weight of 0, an unknown stratum or column, anything
        that is not finite.
        """
        old = loss.data
        new = replace(
            old,
            X=self._design(old, rows),
            time=_numbers(self.time, old.time[rows], "time", labels, "finite"),
            event=_events(self.event, old.event[rows], labels),
            entry=old.entry[rows],
            weights=_numbers(
                self.weights, old.weights[rows], "weights", labels, "positive and finite"
            ),
            strata=self._strata(old, rows, labels),
            offset=old.offset[rows],
            labels=labels,
        )
        _require_domain(new)
        stacked = _stacked(loss, new)
        afresh = loss.ties == "exact" or isinstance(loss.penalty, str)
        kind = EditedExact if afresh else EditedCox
        return kind(loss, stacked, rows, labels=labels)

    def _design(self, old: SurvivalInput, rows: np.ndarray) -> np.ndarray:
        return edited_design(old.X[rows], old.names, self.covariates)

    def _strata(self, old: SurvivalInput, rows: np.ndarray, labels: pd.Index) -> np.ndarray:
        if self.stratum is None:
            return old.strata[rows]
        codes = pd.Index(list(old.stratum_names), tupleize_cols=False).get_indexer(
            pd.Index(list(self.stratum), tupleize_cols=False)
        )
        if (codes < 0).any():
            at = int(np.flatnonzero(codes < 0)[0])
            raise InvalidInputError(
                f"`stratum` must be one of {list(old.stratum_names)}, but row {labels[at]} has "
                f"{self.stratum[at]!r}; an edit moves a row between strata that are there."
            )
        return codes


def edited_design(
    X: np.ndarray, names: tuple[str, ...], covariates: dict[str, np.ndarray]
) -> np.ndarray:
    """Rows of a design with some columns edited, shape (k, p)."""
    X = X.copy()
    for name, values in covariates.items():
        X[:, names.index(name)] = values
    if not np.isfinite(X).all():
        raise InvalidInputError(
            f"`covariates` must be finite, but {list(covariates)} are not everywhere; drop those "
            "rows from `rows`."
        )
    return X


def _numbers(
    values: np.ndarray | None, old: np.ndarray, name: str, labels: pd.Index, rule: str
) -> np.ndarray:
    """Finite, and positive where the rule says so."""
    if values is None:
        return old
    bad = np.flatnonzero(~np.isfinite(values) | (("positive" in rule) & (values <= 0)))
    if len(bad):
        raise InvalidInputError(
            f"`{name}` must be {rule}, but row {labels[bad[0]]} would have {values[bad[0]]}; "
            "edit it to another value, or leave the row out of `rows`."
        )
    return values


def _events(values: np.ndarray | None, old: np.ndarray, labels: pd.Index) -> np.ndarray:
    if values is None:
        return old
    bad = ~np.isin(values, (0, 1))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InvalidInputError(
            f"`event` must be 0 or 1, but row {labels[at]} would have {values[at]!r}; 1 is an "
            "event, 0 a censoring."
        )
    return values.astype(bool)


def _require_domain(new: SurvivalInput) -> None:
    late = np.flatnonzero((new.entry >= new.time) | ((new.entry == -np.inf) & (new.time < 0)))
    if len(late):
        at = int(late[0])
        entry = new.entry[at]
        bound = f"its entry, {entry:g}" if np.isfinite(entry) else "0"
        raise InvalidInputError(
            f"A row must end after it entered, but row {new.labels[at]} would have time "
            f"{new.time[at]:g}, not after {bound}; edit it to a later time."
        )


def _stacked(loss: Cox, new: SurvivalInput) -> Cox:
    old = loss.data

    def both(name: str) -> Any:
        return np.concatenate([getattr(old, name), getattr(new, name)])

    names = list(old.names)
    entry = both("entry")
    return Cox(
        pd.DataFrame(both("X"), columns=names),
        both("time"),
        both("event").astype(int),
        entry=entry if np.isfinite(entry).any() else None,
        weights=both("weights"),
        strata=both("strata"),
        offset=both("offset"),
        ties=loss.ties,
        penalty=loss.penalty,
    )
