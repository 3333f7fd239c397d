"""The covariance of edited data, as that of what is left of the rows and their edited versions.

Without the rows that an edit replaces, and without all other versions, the stack of both is the
edited data: so whatever is known of the covariance without rows is known with an edit.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from vifstats.inference.reported import Inference
from vifstats.losses.edited import ONE, Edited
from vifstats.removals import Removals

__all__ = ["EditedInference", "StackedFit"]


@dataclass(frozen=True, eq=False)
class EditedInference(Inference):
    """The inference of a fit, for an estimate whose objects are edits of its rows.

    Attributes
    ----------
    group_of : ndarray of int, shape (n_rows,), or None
        The group of each row of the fit, from 0; its edited versions are of the same group, a row
        to add is a group of its own.
    count_of : ndarray, shape (n_rows,), or None
        How many observations each row stands for.
    """

    group_of: np.ndarray | None = None
    count_of: np.ndarray | None = None

    @classmethod
    def of(cls, est: Any) -> "EditedInference":
        """The inference of an estimate; its edits share the degrees of freedom."""
        given = {f.name: getattr(est.inference, f.name) for f in fields(Inference) if f.init}
        if est.inference.distribution == "t" and not est.inference.refusal:
            given["df"] = est.df
        given |= {"groups": None, "counts": None}
        return cls(**given, group_of=est.clusters, count_of=est.inference.counts)

    def __post_init__(self) -> None:
        """Nothing to check: it is that of a fit, with the groups of its rows in `group_of`."""

    def after(self, n_added: int) -> "EditedInference":
        """The inference of the edits left, after others have added this many rows."""
        groups, counts = self.group_of, self.count_of
        if groups is not None:
            groups = np.append(groups, groups.max() + 1 + np.arange(n_added))
        if counts is not None:
            counts = np.append(counts, np.ones(n_added))
        df = None if self.df is None else self.df + n_added
        return replace(self, group_of=groups, count_of=counts, df=df, reported=None)

    def of_stack(self, loss: Edited) -> Inference:
        """The same for the rows and their edited versions."""
        given = {f.name: getattr(self, f.name) for f in fields(Inference) if f.init}
        codes, counts = self.group_of, self.count_of
        if codes is not None:
            own = codes.max() + 1 + np.arange(loss.n_objects)
            codes = np.append(codes, np.where(loss.rows >= 0, codes[loss.rows], own))
        if counts is not None:
            counts = np.append(counts, np.where(loss.rows >= 0, counts[loss.rows], 1.0))
        return Inference(**(given | {"groups": codes, "counts": counts, "df": None}))


@dataclass(frozen=True, eq=False)
class StackedFit:
    """What the standard errors of a stack of rows and edited versions need to know of the fit."""

    fit: Any
    loss: Edited

    @cached_property
    def inference(self) -> Inference:
        """The inference of the stack."""
        given = self.fit.inference
        return given.of_stack(self.loss) if isinstance(given, EditedInference) else given

    @property
    def theta(self) -> np.ndarray:
        """Parameters on the data as they are."""
        return self.fit.theta

    @property
    def naive_errors(self) -> np.ndarray:
        """Likewise."""
        return self.fit.naive_errors

    @property
    def dispersion(self) -> float:
        """Likewise."""
        return self.fit.dispersion

    @property
    def clusters(self) -> np.ndarray | None:
        """The group of each row of the stack."""
        return self.inference.groups

    @cached_property
    def as_recorded(self) -> Removals:
        """The removal of every edited version."""
        versions = np.arange(self.loss.stacked.n_objects) >= self.loss.n_rows
        return Removals(np.where(versions, 0, -1), ONE)
