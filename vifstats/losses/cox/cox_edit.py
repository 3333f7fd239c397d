"""The rows of a Cox model, followed by edited versions of some of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks import SurvivalInput
from vifstats.errors import InvalidInputError
from vifstats.losses.cox.edited_cox import EditedCox
from vifstats.losses.cox.edited_exact import EditedExact
from vifstats.losses.cox.loss import Cox

__all__ = ["CoxEdit", "edited_design", "edits_beside"]

COLUMNS = ("X", "time", "event", "entry", "weights", "strata", "offset")


@dataclass(frozen=True, eq=False)
class CoxEdit:
    """What is edited of some rows, each an array with an entry per edited row, or None."""

    # event, time, entry, weights, stratum (k,): stratum holds the user's names of strata
    event: np.ndarray | None
    time: np.ndarray | None
    entry: np.ndarray | None
    weights: np.ndarray | None
    stratum: np.ndarray | None
    covariates: dict[str, np.ndarray]  # (k,)
    # what the user calls the columns of the design, (p,)
    names: tuple[str, ...]

    def of(self, loss: Cox, rows: np.ndarray, labels: pd.Index) -> EditedCox:
        """The loss with these edits as its objects.

        Shapes: `rows` int (k,), all -1 for rows to add; `labels` (k,). Raises InvalidInputError if
        an edit leaves the domain: an event at or before entry, a weight of 0, an unknown stratum or
        column, anything that is not finite; or where a row to add lacks a value.
        """
        old = loss.data
        if (rows < 0).all():
            self._require_whole(old)
            before = _blank(old, labels)
        else:
            before = _taken(old, rows, labels)
        positive = "positive and finite"
        new = replace(
            before,
            X=edited_design(before.X, self.names, self.covariates),
            time=_numbers(self.time, before.time, "time", labels, "finite"),
            event=_events(self.event, before.event, labels),
            entry=before.entry if self.entry is None else self.entry,
            weights=_numbers(self.weights, before.weights, "weights", labels, positive),
            strata=self._strata(before, labels),
        )
        _require_domain(new)
        stacked = _stacked(loss, new)
        afresh = loss.ties == "exact" or isinstance(loss.penalty, str)
        kind = EditedExact if afresh else EditedCox
        return kind(loss, stacked, rows, labels=labels)

    def _require_whole(self, old: SurvivalInput) -> None:
        """A row to add has nothing but what is given."""
        needed = {"event": self.event, "time": self.time}
        if len(old.stratum_names) > 1:
            needed["stratum"] = self.stratum
        if np.isfinite(old.entry).any():
            needed["entry"] = self.entry
        missing = [name for name, values in needed.items() if values is None]
        missing += [name for name in self.names if name not in self.covariates]
        if missing:
            raise InvalidInputError(
                f"A row to add must have a value of everything in the model, but {missing} are not "
                "given; give them as arguments and in `covariates`."
            )
        if old.offset.any():
            raise InvalidInputError(
                "Rows can be added to a model without an offset, but this one has an offset; build "
                "the loss with the rows in it and compare the two fits."
            )

    def _strata(self, before: SurvivalInput, labels: pd.Index) -> np.ndarray:
        if self.stratum is None:
            return before.strata
        names = before.stratum_names
        codes = pd.Index(list(names), tupleize_cols=False).get_indexer(
            pd.Index(list(self.stratum), tupleize_cols=False)
        )
        if (codes < 0).any():
            at = int(np.flatnonzero(codes < 0)[0])
            raise InvalidInputError(
                f"`stratum` must be one of {list(names)}, but row {labels[at]} has "
                f"{checks.quoted(self.stratum[at])}; an edit moves a row between strata that are "
                "there."
            )
        return codes


def edits_beside(losses: Sequence[EditedCox], labels: pd.Index) -> EditedCox | None:
    """Several edits of the same rows as the objects of one loss; None if they are of others."""
    first = losses[0].loss
    if not all(_same(first, each.loss) for each in losses[1:]):
        return None
    each = [(loss.stacked.data, slice(loss.n_rows, None)) for loss in losses]
    versions: dict[str, Any] = {
        name: np.concatenate([getattr(data, name)[at] for data, at in each]) for name in COLUMNS
    }
    new = replace(first.data, labels=labels, **versions)
    rows = np.concatenate([loss.rows for loss in losses])
    return type(losses[0])(first, _stacked(first, new), rows, labels=labels)


def _same(a: Cox, b: Cox) -> bool:
    if a is b:
        return True
    same = all(np.array_equal(getattr(a.data, n), getattr(b.data, n)) for n in COLUMNS)
    pulls = [np.zeros(1) if loss.penalty is None else loss.penalty for loss in (a, b)]
    return same and a.ties == b.ties and np.array_equal(pulls[0], pulls[1])


def _taken(old: SurvivalInput, rows: np.ndarray, labels: pd.Index) -> SurvivalInput:
    """Some rows as they are."""
    return replace(old, labels=labels, **{name: getattr(old, name)[rows] for name in COLUMNS})


def _blank(old: SurvivalInput, labels: pd.Index) -> SurvivalInput:
    """Rows of which nothing is known but that they count once."""
    k = len(labels)
    return replace(
        old,
        labels=labels,
        X=np.full((k, old.X.shape[1]), np.nan),
        time=np.full(k, np.nan),
        event=np.zeros(k, dtype=bool),
        entry=np.full(k, -np.inf),
        weights=np.ones(k),
        strata=np.zeros(k, dtype=np.intp),
        offset=np.zeros(k),
    )


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
            f"`event` must be 0 or 1, but row {labels[at]} would have "
            f"{values[at]:g}; 1 is an "
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
