"""Estimating equations psi(theta, b) = 0: estimators that are roots and minimise nothing.

Everything that a loss says of its gradient is said here of psi, of which the gradient of a loss is
the special case: docs/mathematics.md, equation (41). The Jacobian of psi stands in the place of the
Hessian and need not be symmetric.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, LossError
from vifstats.losses import autodiff
from vifstats.losses.base import BLOCK_NUMBERS, Loss
from vifstats.losses.m_estimator import labels_of
from vifstats.removals import Removals
from vifstats.solvers import LU
from vifstats.solvers.lu import solve_each_square
from vifstats.typing import (
    Differentiable,
    EquationFunction,
    ObjectEquations,
    ParameterFunction,
    RowData,
)

__all__ = ["Equations", "EstimatingEquations", "RowEquations"]


class EstimatingEquations(Loss):
    """Equations psi(theta, b) = 0, one for each parameter, whose root is the estimator.

    A subclass sets `n_objects` and `labels` and writes `psi` in ``autograd.numpy``. Derivatives
    have a default by automatic differentiation, which an override may only make faster.

    Attributes
    ----------
    reads : tuple of str
        The earlier blocks of a `stack` whose parameters these equations read, in the order in
        which ``psi`` takes them after ``theta`` and ``presence``.
    """

    minimised = False
    solver = LU()
    reads: tuple[str, ...] = ()

    @abstractmethod
    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        """The equations with the objects at ``presence == 0`` absent, shape (n_params,).

        Parameters
        ----------
        theta : array, shape (n_params,)
        presence : array, shape (n_objects,)
            1 for present, 0 for absent; between, the share of the object's weight.
        *earlier : array
            The parameters of the blocks in `reads`.
        """

    def value(self, theta: Differentiable, presence: Differentiable) -> Any:
        raise InvalidInputError(
            "A likelihood is the value of a loss, but estimating equations have a root and no "
            "value, so likelihood displacement, held-out likelihood and sets by them have no "
            "meaning; ask for parameters and targets."
        )

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        psi = np.asarray(self.psi(theta, self.everyone(presence)), dtype=float)
        if psi.shape != theta.shape:
            raise LossError(
                f"Equations must return one number for each parameter, shape {theta.shape}, but "
                f"returned {psi.shape}; add up over objects, or use RowEquations."
            )
        return psi

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        b = self.everyone(presence)
        return autodiff.row_jacobian(lambda t: self.psi(t, b), theta)

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        b = self.everyone(presence)
        return autodiff.directional(lambda t: self.psi(t, b), theta, vector)

    def _presence_slopes(self, theta: np.ndarray, presence: np.ndarray) -> np.ndarray:
        return autodiff.gradients(lambda b: self.psi(theta, b), presence).T

    def reduced_slopes(
        self, thetas: np.ndarray, removals: Removals
    ) -> tuple[np.ndarray, np.ndarray]:
        """No values, which are nan where psi is and else 0, and psi after each removal."""
        masks = (removals.presence(k) for k in range(len(removals)))
        psi = np.stack([self.gradient(t, b) for t, b in zip(thetas, masks, strict=True)])
        return np.where(np.isfinite(psi).all(axis=1), 0.0, np.nan), psi

    def reduced_solves(self, theta: np.ndarray, removals: Removals, rows: np.ndarray) -> np.ndarray:
        out = np.empty_like(rows)
        for part, some in removals.blocks(max(1, BLOCK_NUMBERS // len(theta) ** 2)):
            out[part] = solve_each_square(self.reduced_hessians(theta, some), rows[part])
        return out

    def given(self, earlier: tuple[np.ndarray, ...]) -> Loss:
        """The same equations with the parameters of earlier blocks held."""
        return _Given(self, earlier) if self.reads else self

    def crossed(
        self,
        theta: np.ndarray,
        earlier: tuple[np.ndarray, ...],
        removals: Removals,
    ) -> np.ndarray:
        """The derivative of psi in the parameters that it reads, after each removal.

        Shape (n_removals, n_params, n_earlier), the blocks of `reads` side by side.
        """
        ends = np.cumsum([len(part) for part in earlier])[:-1]

        def psi(joined: Any, presence: np.ndarray) -> Any:
            return self.psi(theta, presence, *anp.split(joined, ends))

        joined = np.concatenate(earlier)
        masks = (removals.presence(k) for k in range(len(removals)))
        return np.stack([autodiff.row_jacobian(partial(psi, presence=b), joined) for b in masks])

    def start(self, theta: np.ndarray | None) -> np.ndarray:
        """The start of a search for a root that is asked to begin at theta."""
        if theta is None:
            raise InvalidInputError(
                "The search for a root needs a start, but `start` is None and these equations "
                "know of no place; give one number for each parameter."
            )
        return theta


class Equations(EstimatingEquations):
    """Estimating equations from a plain function ``psi(theta, b)``.

    Parameters
    ----------
    psi : callable
        ``psi(theta, b)`` in autograd.numpy, shape (n_params,), with exactly 0 from objects at
        b == 0; with `reads`, ``psi(theta, b, *earlier)``.
    n_objects, n_params : int
    labels : sequence, optional
        One label per object; default 0, 1, ...
    names : sequence of str, optional
        One name per parameter.
    reads : sequence of str, optional
        Earlier blocks of a `stack` whose parameters ``psi`` reads.

    Raises
    ------
    InvalidTypeError
        If `psi` is not a function.

    References
    ----------
    Stefanski & Boos (2002), Am. Statist. 56, equation (1); docs/mathematics.md, equation (41).

    Examples
    --------
    A mean and a variance, of which the second is not a minimum of anything simple:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> def psi(t, b):
    ...     return anp.array([anp.sum(b * (t[0] - y)), anp.sum(b * (t[1] - (y - t[0]) ** 2))])
    >>> est = vs.root(Equations(psi, 3, 2, names=["mean", "variance"]), [0.0, 1.0])
    >>> est.theta.round(4)
    array([3.    , 2.6667])
    >>> vs.leave_one_out(est).params_without["variance"].round(4).to_list()
    [1.0, 4.0, 1.0]
    """

    def __init__(
        self,
        psi: EquationFunction,
        n_objects: int,
        n_params: int,
        *,
        labels: Sequence | None = None,
        names: Sequence[str] | None = None,
        reads: Sequence[str] = (),
    ) -> None:
        self.reads = checks.unique_names(reads, "reads")
        self.f = checks.function(psi, "psi", f"psi({', '.join(('theta', 'b', *self.reads))})")
        self.n_objects = checks.counting_number(n_objects, "n_objects")
        self.n_params = checks.counting_number(n_params, "n_params")
        self.labels = (
            pd.RangeIndex(n_objects) if labels is None else checks.object_labels(labels, n_objects)
        )
        self.names = None if names is None else checks.unique_names(names, "names", n_params)

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        return self.f(theta, presence, *earlier)


class RowEquations(EstimatingEquations):
    """Estimating equations sum_i b_i psi_i(theta) = 0, one row of terms per object.

    Parameters
    ----------
    psi : callable
        ``psi(theta, data) -> (n, n_params)`` in autograd.numpy; with `reads`,
        ``psi(theta, data, *earlier)``.
    data : array, DataFrame, or tuple or dict of them
        What ``psi`` reads; the first array's rows are the objects.
    labels, names : sequence, optional
        Row labels (default the index of a DataFrame) and parameter names.
    n_params : int, optional
        Default what the start, or `names`, tell.
    reads : sequence of str, optional
        Earlier blocks of a `stack` whose parameters ``psi`` reads.
    held : callable, optional
        ``held(theta)``, shape (n_params,): terms that no object owns, such as degrees of freedom.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        If `psi` is not a function, or `data` are not arrays.

    References
    ----------
    Stefanski & Boos (2002), Am. Statist. 56, equation (1); docs/mathematics.md, equation (41).

    Examples
    --------
    The ratio of two means:

    >>> import vifstats as vs
    >>> data = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    >>> ratio = RowEquations(lambda t, d: (d[:, 1] * t[0] - d[:, 0])[:, None], data)
    >>> vs.leave_one_out(vs.root(ratio, [0.0])).params_without["theta0"].to_list()
    [2.0, 1.5, 1.0]
    """

    def __init__(
        self,
        psi: ObjectEquations,
        data: RowData,
        *,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
        n_params: int | None = None,
        reads: Sequence[str] = (),
        held: ParameterFunction | None = None,
    ) -> None:
        self.reads = checks.unique_names(reads, "reads")
        call = f"psi({', '.join(('theta', 'data', *self.reads))})"
        self.f, self.data = checks.function(psi, "psi", call), data
        self.held = None if held is None else checks.function(held, "held", "held(theta)")
        self.n_objects = len(labels_of(data))
        self.labels = labels_of(data, labels)
        self.names = None if names is None else checks.unique_names(names, "names")
        if n_params is None and names is not None:
            n_params = len(self.names or ())
        self.n_params = None if n_params is None else checks.counting_number(n_params, "n_params")

    def rows(self, theta: Differentiable, *earlier: Differentiable) -> Any:
        """The terms of each object, shape (n_objects, n_params)."""
        terms = self.f(theta, self.data, *earlier)
        expected = (self.n_objects, len(autodiff.plain(theta)))
        if np.shape(terms) != expected:
            raise LossError(
                f"Row equations must return one row of terms per object, shape {expected}, but "
                f"returned {np.shape(terms)}; the sum is taken here, not in psi."
            )
        return terms

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        present = autodiff.plain(presence) > 0
        terms = anp.where(present[:, None], self.rows(theta, *earlier), 0.0)
        total = anp.dot(presence, terms)
        return total if self.held is None else total + self.held(theta)

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        terms = np.asarray(self.rows(theta), dtype=float)
        return terms if removals is None else removals.sums(terms)

    def weight_gradients(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        return self.gradient_differences(theta, removals)

    def reduced_hessians(self, theta: np.ndarray, removals: Removals | None = None) -> np.ndarray:
        own = autodiff.row_jacobian(self.rows, theta)
        full = own.sum(axis=0)
        if self.held is not None:
            full = full + autodiff.row_jacobian(self.held, theta)
        return full - self.each(removals).sums(own)

    def given(self, earlier: tuple[np.ndarray, ...]) -> "RowEquations":
        twin = copy(self)
        twin.f, twin.reads = _Held(self.f, earlier), ()
        return twin

    def crossed(
        self, theta: np.ndarray, earlier: tuple[np.ndarray, ...], removals: Removals
    ) -> np.ndarray:
        ends = np.cumsum([len(part) for part in earlier])[:-1]

        def rows(joined: Any) -> Any:
            return self.rows(theta, *anp.split(joined, ends))

        own = autodiff.row_jacobian(rows, np.concatenate(earlier))
        return own.sum(axis=0) - removals.sums(own)


@dataclass(frozen=True, eq=False)
class _Held:
    """A function with its last arguments given; unlike a lambda it can be sent to a worker."""

    f: Callable[..., Any]
    last: tuple[np.ndarray, ...]

    def __call__(self, *arguments: Any) -> Any:
        return self.f(*arguments, *self.last)


class _Given(EstimatingEquations):
    """Equations with the parameters of earlier blocks held."""

    def __init__(self, equations: EstimatingEquations, earlier: tuple[np.ndarray, ...]) -> None:
        self.equations, self.earlier = equations, earlier
        self.n_objects, self.n_params = equations.n_objects, equations.n_params
        self.labels, self.names = equations.labels, equations.names

    def psi(self, theta: Differentiable, presence: Differentiable, *earlier: Differentiable) -> Any:
        return self.equations.psi(theta, presence, *self.earlier)
