"""What a user asks of the rows, checked before any chunk is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.folders import writable_folder
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.targets.base import Target

__all__ = ["Request", "request_of"]

SIZE = "cooks_distance"


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for."""

    # Of the parameters
    names: tuple[str, ...]
    method: str
    # Where the rows are to be written
    to: Path | None
    target: Target | None
    target_names: tuple[str, ...]
    # How many of the largest rows are kept
    top: int
    # What is large: Cook's distance, a parameter or a target value
    by: str
    # Whether the infinitesimal jackknife covariance is wanted
    robust: bool

    @property
    def rows(self) -> bool:
        """Whether single rows are asked for."""
        return self.to is not None or self.top > 0

    @property
    def finite(self) -> bool:
        """Whether the finite differences D_i are needed."""
        return self.method == "vif" and self.rows

    @property
    def derivative(self) -> bool:
        """Whether the derivatives in the weights are needed."""
        return self.robust or (self.method == "if" and self.rows)


def request_of(
    names: Sequence[Any],
    method: str,
    to: Any,
    keep: Sequence[Any],
    target: Any,
    top: int,
    by: str,
    robust: bool,
) -> Request:
    """Check what is asked for."""
    names = tuple(map(str, names))
    bound, target_names = _target(target, names)
    allowed = (SIZE, *names, *target_names)
    columns = (*allowed, *map(str, keep))
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InvalidInputError(
            f"The columns of the result must have one name each, but {twice} would occur twice; "
            "rename columns of the data, or keep others."
        )
    return Request(
        names=names,
        method=checks.one_of(method, ("vif", "if"), "method"),
        to=None if to is None else _new_folder(to),
        target=bound,
        target_names=target_names,
        top=checks.whole_number(top, "top"),
        by=checks.one_of(by, allowed, "by"),
        robust=checks.flag(robust, "robust"),
    )


def _new_folder(to: Any) -> Path:
    path = checks.file_path(to, "to")
    if path.exists():
        raise InvalidInputError(
            f"`to` must be a new folder, but {str(path)!r} exists; remove it or choose another."
        )
    try:
        import pyarrow  # noqa: F401  # asked for now, not when the first rows are ready
    except ImportError as error:
        raise InvalidInputError(
            "`to` is written as Parquet, which needs pyarrow; pip install 'vifstats[parquet]'."
        ) from error
    writable_folder(path.parent, "parent of `to`")
    return path


@dataclass(frozen=True, eq=False)
class Combination(Target):
    """Weighted sums of the parameters: one row of weights for each."""

    weights: np.ndarray
    reads_presence = False

    def value(self, theta: Any, presence: Any, loss: Loss) -> Any:
        return self.weights @ theta

    def values_without(self, loss: Loss, thetas: np.ndarray, removals: Removals) -> np.ndarray:
        return thetas @ self.weights.T


def _target(target: Any, names: tuple[str, ...]) -> tuple[Target | None, tuple[str, ...]]:
    """A target ready for use, and the names of its values."""
    if target is None:
        return None, ()
    if not isinstance(target, Target):
        if callable(target):
            raise InvalidTypeError(
                "`target` must be one of vifstats.targets or weights of the parameters, but is a "
                "function; write it as a Target whose values_without takes many theta at once."
            )
        weights = np.atleast_2d(checks.profiles(target, None, names))
        labels = target.index if isinstance(target, pd.DataFrame) else range(len(weights))
        return Combination(weights), tuple(f"target {label}" for label in labels)
    if target.reads_presence:
        raise InvalidInputError(
            f"`target` must be known from the parameters alone, but {type(target).__name__} reads "
            "the data too; use Influence.on with data in memory."
        )
    bound = target.bind(SimpleNamespace(names=names, profile=None))
    n_values = np.size(bound.value(np.zeros(len(names)), None, None))  # type: ignore[arg-type]  # reads neither
    found = bound.names_of(n_values)
    return bound, tuple(name if name not in names else f"target {name}" for name in found)
