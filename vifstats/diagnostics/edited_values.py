"""What is given for edited rows: a value for all, for each of them, or computed from the old."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.arrays import require_order
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["Given"]


@dataclass(frozen=True)
class Given:
    """What the user gives for the edited rows: an array for all rows or for these, or a call."""

    # (n,): of the user's rows
    labels: pd.Index
    # int (k,): positions of the edited ones; -1 for a row to add
    chosen: np.ndarray

    @property
    def n(self) -> int:
        """Rows of the user's data."""
        return len(self.labels)

    @property
    def new(self) -> bool:
        """Whether the rows are to be added."""
        return bool((self.chosen < 0).all())

    def entries(self, name: str, values: Any) -> np.ndarray | None:
        """As given, one entry per edited row."""
        if values is None:
            return None
        if not self.new and np.shape(values) == (self.n,):
            require_order(values, name, self.labels)
        values = np.asarray(values)
        if values.ndim == 0:
            return np.full(len(self.chosen), values[()])
        if values.shape == (self.n,) and not self.new:
            return values[self.chosen]
        if values.shape != self.chosen.shape:
            each = f"the {len(self.chosen)} rows to add"
            if not self.new:
                each = f"the {self.n} rows, or for each of the {len(self.chosen)} edited ones"
            raise InvalidInputError(
                f"`{name}` must have an entry for each of {each}, but has shape {values.shape}; "
                "give one value for all, or as many as that."
            )
        return values

    def values(self, name: str, values: Any, old: np.ndarray) -> np.ndarray | None:
        """Numbers, which may be computed from the old ones."""
        if callable(values) and not isinstance(values, type):
            self._require_old(name)
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
            self._require_old("event")
            return ~old
        return self.values("event", event, old.astype(float))

    def _require_old(self, name: str) -> None:
        if self.new:
            raise InvalidInputError(
                f"`{name}` of a row to add must be given as a value, but is to be computed from an "
                "old one, which there is not; give the value."
            )

    def strata(self, stratum: Any) -> np.ndarray | None:
        """Strata, none missing."""
        entries = self.entries("stratum", stratum)
        if entries is not None:
            n = len(entries)
            checks.strata_codes(entries, n, pd.RangeIndex(n))
        return entries

    def columns(
        self, covariates: Any, names: tuple[str, ...], X: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The edited columns of a design."""
        if covariates is None:
            return {}
        if not isinstance(covariates, Mapping):
            raise InvalidTypeError(
                "`covariates` must map columns to values or callables, as in "
                f"{{'age': lambda age: age + 5}}, but is {covariates!r:.60}; pass a dict."
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
