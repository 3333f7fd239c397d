"""Which objects leave together: the rows of every influence result."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_list_like

from vifstats.checks.arrays import at, require_order, such_rows
from vifstats.errors import InvalidInputError

__all__ = ["Removals"]


@dataclass(frozen=True, eq=False)
class Removals:
    """A family of disjoint sets of objects, each of which is removed in its turn.

    Examples
    --------
    >>> removals = Removals.of_groups(["b", "a", "b"])
    >>> list(removals.labels), removals.members(0)
    (['b', 'a'], array([0, 2]))
    >>> removals.presence(0)
    array([0., 1., 0.])
    """

    # int (n_objects,): the removal that takes object ``i``, or -1 if none does
    codes: np.ndarray
    # (n_removals,): the user's label of each removal. A removal may be empty: a row that the model
    # dropped
    labels: pd.Index

    @classmethod
    def each(cls, n_objects: int) -> "Removals":
        """Every object on its own."""
        return cls(np.arange(n_objects), pd.RangeIndex(n_objects))

    @classmethod
    def nobody(cls, n_objects: int) -> "Removals":
        """One removal that takes no object: the full problem as one of the reduced ones."""
        return cls(np.full(n_objects, -1), pd.Index(["all"]))

    @classmethod
    def of_groups(cls, groups: Any) -> "Removals":
        """Whole groups, in order of first appearance."""
        codes, labels = pd.factorize(pd.Series(np.asarray(groups)), use_na_sentinel=True)
        return cls(codes.astype(np.intp), pd.Index(labels))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_objects(self) -> int:
        """Number of objects, removed or not."""
        return len(self.codes)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of objects in each removal, shape (n_removals,)."""
        if self._is_identity:
            return np.broadcast_to(np.intp(1), len(self))
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self))

    def codes_in(self, order: np.ndarray) -> np.ndarray:
        """The removal that takes each of some objects, or -1: int (k,)."""
        return order if self._is_identity else self.codes[order]

    @cached_property
    def single(self) -> bool:
        """Whether no removal takes more than one object."""
        return bool(np.all(self.sizes <= 1))

    @cached_property
    def _by_code(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.codes, kind="stable")[np.sum(self.codes < 0) :]
        return order, np.concatenate([[0], np.cumsum(self.sizes)])

    @property
    def in_order(self) -> np.ndarray:
        """The objects of all removals, one removal after the other, int (n_removed,)."""
        return self._by_code[0]

    def members(self, k: int) -> np.ndarray:
        """Positions of the objects that removal ``k`` takes."""
        order, starts = self._by_code
        return order[starts[k] : starts[k + 1]]

    def presence(self, k: int) -> np.ndarray:
        """The mask b = 1_-S of removal ``k``, shape (n_objects,)."""
        presence = np.ones(self.n_objects)
        presence[self.members(k)] = 0.0
        return presence

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.members(k) for k in range(len(self)))

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Add up rows that belong to objects by removal: (n_objects, ...) to (n_removals, ...)."""
        if self._is_identity:
            return rows
        order, starts = self._by_code
        filled = self.sizes > 0
        out = np.zeros((len(self), *rows.shape[1:]), dtype=rows.dtype)
        if filled.any():
            out[filled] = np.add.reduceat(rows[order], starts[:-1][filled], axis=0)
        return out

    @cached_property
    def _is_identity(self) -> bool:
        return len(self) == self.n_objects and bool(
            np.array_equal(self.codes, np.arange(self.n_objects))
        )

    def take(self, rows: np.ndarray) -> "Removals":
        """Only the removals at these positions, in this order."""
        new_code = np.full(len(self) + 1, -1, dtype=np.intp)
        new_code[rows] = np.arange(len(rows))
        return Removals(new_code[self.codes], self.labels[rows])

    def together(self, rows: Sequence[int] | np.ndarray) -> "Removals":
        """One removal, called "set", of all that these removals take."""
        taken = np.isin(self.codes, rows)
        return Removals(np.where(taken, 0, -1), pd.Index(["set"]))

    def blocks(self, size: int) -> Iterator[tuple[slice, "Removals"]]:
        """Consecutive parts of at most ``size`` removals."""
        for start in range(0, len(self), size):
            part = slice(start, min(start + size, len(self)))
            yield part, self.take(np.arange(part.start, part.stop))

    def positions(
        self, objects: Sequence[Hashable] | np.ndarray, name: str = "objects"
    ) -> np.ndarray:
        """Positions of the removals named by label or by a boolean mask.

        `name`: what errors call the argument. Raises InvalidInputError if a label is unknown,
        ambiguous or given twice, or a mask has the wrong length or gaps.
        """
        if getattr(objects, "ndim", 1) > 1:
            raise InvalidInputError(
                f"`{name}` must be labels or a boolean mask, one after the other, but has shape "
                f"{objects.shape}; pass a list of labels."  # type: ignore[union-attr]  # as ndim
            )
        # an Index keeps labels that are tuples, or of several types, as they are
        wanted = pd.Index(objects if is_list_like(objects, allow_sets=False) else [objects])
        if odd := [label for label in wanted if not isinstance(label, Hashable)]:
            raise InvalidInputError(
                f"`{name}` must be labels or a boolean mask, but holds {odd[0]!r}; pass a list of "
                "labels."
            )
        if is_bool_dtype(wanted):
            require_order(objects, name, self.labels)
            return self._in_mask(wanted, name)
        if not self.labels.is_unique:
            raise InvalidInputError(
                f"`{name}` by label needs unique labels, but some occur more than once; "
                "pass a boolean mask instead."
            )
        found = self.labels.get_indexer(wanted)
        if (found < 0).any():
            missing = wanted[found < 0][:5].tolist()
            raise InvalidInputError(
                f"`{name}` must be labels of the result's rows, but {missing} are not among "
                "them; see `estimate.labels`."
            )
        if len(twice := wanted[pd.Index(found).duplicated()]):
            raise InvalidInputError(
                f"`{name}` must name each row once, but {twice[:5].tolist()} occur more often; "
                "drop the repetitions."
            )
        return found

    def _in_mask(self, mask: pd.Index, name: str) -> np.ndarray:
        if mask.shape != (len(self),):
            raise InvalidInputError(
                f"A boolean `{name}` needs one entry per row of the result, {len(self)}, "
                f"but it has shape {mask.shape}; pass labels, or one for each."
            )
        if len(gaps := np.flatnonzero(mask.isna())):
            raise InvalidInputError(
                f"A boolean `{name}` must be True or False for each row, but is missing for "
                f"{at(gaps, self.labels)} ({such_rows(len(gaps))}); fill the gaps."
            )
        return np.flatnonzero(mask)
