"""Named types for what may come in, so that a signature says what to pass.

They are for readers and type checkers. What is passed is judged at run time, by `checks`, whose
errors say the rule, the finding and the remedy; so the types here are as wide as what is read.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:

    class Axes:
        """In place of matplotlib's, whose import takes a second."""


__all__ = [
    "ArrayLike",
    "ArrayLike1D",
    "ArrayOf",
    "Axes",
    "Chunk",
    "Column",
    "Differentiable",
    "Draw",
    "Encoder",
    "EquationFunction",
    "FittedModel",
    "Frame",
    "Graph",
    "Groups",
    "Items",
    "Ranked",
    "MapFunction",
    "ObjectEquations",
    "Objects",
    "ObjectValues",
    "ParameterFunction",
    "Penalty",
    "Pool",
    "Profile",
    "RowData",
    "TableLike",
    "Times",
    "ToFile",
    "ValueFunction",
]

# Numbers that a loss or a target computes with: an array or, while a derivative is taken,
# autograd's box around one. The box answers the same calls but is not a subclass of ndarray, so
# never ask isinstance of it: `autodiff.plain` says what is inside.
Differentiable: TypeAlias = np.ndarray


class ArrayOf(Protocol):
    """A column of another library that NumPy can read."""

    def __array__(self) -> np.ndarray:
        """Its values."""


class Frame(Protocol):
    """A table of polars, pyarrow and others, which share this method and no base class."""

    def __dataframe__(self, nan_as_null: bool = ..., allow_copy: bool = ...) -> object:
        """The table by the dataframe interchange protocol."""


class Pool(Protocol):
    """What computes calls elsewhere, as a pool of ``concurrent.futures`` does."""

    def submit(self, function: Callable, /, *arguments: Any) -> Any:
        """A future of ``function(*arguments)``."""


# A fitted model is known by the name of its type, so that nothing is imported to ask.
FittedModel: TypeAlias = object

ArrayLike: TypeAlias = np.ndarray | Sequence | ArrayOf
# Rows by columns.
TableLike: TypeAlias = pd.DataFrame | ArrayLike | Frame
# One value per row, with or without labels of its own.
ArrayLike1D: TypeAlias = pd.Series | pd.Index | ArrayLike
# One label per row, or the name of the column that has it.
Groups: TypeAlias = Hashable | ArrayLike1D
# Which objects: their labels, or one bool for each.
Objects: TypeAlias = Sequence[Hashable] | pd.Index | pd.Series | np.ndarray
# lambda of 0.5 lambda |theta|^2, one for each parameter, or P of 0.5 theta' P theta.
Penalty: TypeAlias = float | ArrayLike
# Where a curve is asked for.
Times: TypeAlias = float | ArrayLike

# A column of a table, by name or position.
Column: TypeAlias = Hashable
# A table, a mapping of names to arrays, or what reads one when it is asked to.
Chunk: TypeAlias = TableLike | Mapping[str, ArrayLike] | Callable[[], TableLike]

# One list of items for each query: a matrix of 0 and 1, or sequences of labels.
Ranked: TypeAlias = TableLike | Sequence[Sequence[Hashable]]
# How many items there are, or their labels.
Items: TypeAlias = int | Sequence[Hashable] | pd.Index
# A networkx graph, or an adjacency matrix.
Graph: TypeAlias = TableLike | object

# Arrays whose rows are the objects: one, or a tuple or dict of them.
RowData: TypeAlias = TableLike | tuple[TableLike, ...] | Mapping[str, TableLike]
# f(theta, data): one value per row. What data are is between its author and `MEstimator`.
ObjectValues: TypeAlias = Callable[..., Differentiable]
# f(theta, b): a loss.
ValueFunction: TypeAlias = Callable[[Differentiable, Differentiable], Differentiable]
# psi(theta, b, *earlier): equations; psi(theta, data, *earlier): the terms of each object.
EquationFunction: TypeAlias = Callable[..., Differentiable]
ObjectEquations: TypeAlias = Callable[..., Differentiable]
# f(theta): a number that no object owns.
ParameterFunction: TypeAlias = Callable[[Differentiable], Differentiable]
# encoder(theta, X): a point for each row of X.
Encoder: TypeAlias = Callable[[Differentiable, np.ndarray], Differentiable]
# Rows of the design, of profiles in raw columns.
Profile: TypeAlias = Callable[[TableLike], np.ndarray]

# map of the builtins, or of a pool: map(function, items).
MapFunction: TypeAlias = Callable[..., Iterable]
# draw(axes): a picture.
Draw: TypeAlias = Callable[[Axes], object]
# A path, or a file that is open for writing.
ToFile: TypeAlias = str | PathLike | object
