"""What varies between groups: designs, and the relative factor of their covariance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError

__all__ = ["RandomEffects", "random_effects"]


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """The effects of one group, Lambda u with u of variance sigma^2, and their names.

    Lambda = sum_j psi_j E_j, in which psi are the entries of a lower triangle for the effects that
    are correlated, one for each component of further, independent ones. No psi has a bound: of a
    factor and its negative the covariance is the same, and a variance is 0 where psi is.
    """

    # (n, n_effects): of each row, what multiplies the effects of its group
    Z: np.ndarray
    # (n_psi, n_effects, n_effects), of 0 and 1
    basis: np.ndarray
    # of the correlated effects, and of the components
    names: tuple[str, ...]
    components: tuple[str, ...]

    @property
    def n_correlated(self) -> int:
        """Number of correlated effects."""
        return len(self.names)

    @cached_property
    def triangle(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the lower triangle of the correlated effects, by rows."""
        return np.tril_indices(self.n_correlated)

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Which psi are 0 where a variance is: the diagonal and the components, bool (n_psi,)."""
        rows, columns = self.triangle
        return np.append(rows == columns, np.ones(len(self.components), dtype=bool))

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What each psi is called: entries of the factor relative to sigma."""
        names = [
            self.names[i] if i == j else f"{self.names[i]}, {self.names[j]}"
            for i, j in zip(*self.triangle, strict=True)
        ]
        return tuple(f"factor[{name}]" for name in (*names, *self.components))

    @property
    def variance_names(self) -> tuple[str, ...]:
        """What sigma and the variances and covariances are called."""
        names = [
            f"Var({self.names[i]})" if i == j else f"Cov({self.names[i]}, {self.names[j]})"
            for i, j in zip(*self.triangle, strict=True)
        ]
        return ("sigma", *names, *(f"Var({name})" for name in self.components))

    def factor(self, psi: Any) -> Any:
        """Lambda, (n_effects, n_effects), of psi (n_psi,), in autograd.numpy."""
        return anp.tensordot(psi, self.basis, 1)

    def variances(self, psi: Any, variance: Any) -> Any:
        """Covariances and variances in units of y^2, shape (n_psi,), in autograd.numpy."""
        k, rows_columns = self.n_correlated, self.triangle
        correlated = self.factor(psi)[:k, :k]
        covariance = anp.dot(correlated, anp.transpose(correlated))[rows_columns]
        return variance * anp.concatenate([covariance, psi[len(rows_columns[0]) :] ** 2])


def random_effects(Z: Any, components: Any, groups: np.ndarray, labels: pd.Index) -> RandomEffects:
    """The random effects of a model, checked.

    `Z` (n, q) or None; `components`: by name, labels within groups (n,) or designs (n, c);
    `groups`: codes (n,). Raises InvalidInputError or InvalidTypeError for what cannot be used.
    """
    blocks, names = _correlated(Z, components, labels)
    parts = _components(components, groups, labels)
    widths = [part.shape[1] for part in parts.values()]
    q, n_effects = len(names), len(names) + sum(widths)
    rows, columns = np.tril_indices(q)
    basis = np.zeros((len(rows) + len(parts), n_effects, n_effects))
    basis[np.arange(len(rows)), rows, columns] = 1.0
    first = q
    for j, width in enumerate(widths, start=len(rows)):
        at = np.arange(first, first + width)
        basis[j, at, at] = 1.0
        first += width
    Z = np.hstack([blocks, *parts.values()])
    if not Z.any(axis=0).all():
        raise InvalidInputError(
            "A random effect must have a column that is not 0, but one of `Z` is 0 in all rows; "
            "drop it."
        )
    return RandomEffects(Z, basis, tuple(names), tuple(parts))


def _correlated(Z: Any, components: Any, labels: pd.Index) -> tuple[np.ndarray, Sequence[str]]:
    if Z is None:
        if components:
            return np.empty((len(labels), 0)), ()
        return np.ones((len(labels), 1)), ("Intercept",)
    matrix, names, _ = checks.design_matrix(Z, "Z")
    checks.arrays.require_length(len(matrix), len(labels), "Z")
    checks.arrays.require_order(Z, "Z", labels)
    if names is None:
        names = tuple(f"z{k}" for k in range(matrix.shape[1]))
    return matrix, names


def _components(components: Any, groups: np.ndarray, labels: pd.Index) -> dict[str, np.ndarray]:
    if components is None:
        return {}
    if not isinstance(components, Mapping):
        raise InvalidInputError(
            "`components` must be a dict of names to labels within groups or designs, but is "
            f"{type(components).__name__}; write {{'class': df['class']}}."
        )
    found = {}
    for name, given in components.items():
        if np.ndim(given) == 1:
            codes = checks.group_labels(given, labels)
            found[str(name)] = _within(groups, pd.factorize(pd.Series(np.asarray(codes)))[0])
        else:
            matrix = checks.design_matrix(given, f"components[{name!r}]")[0]
            checks.arrays.require_length(len(matrix), len(labels), f"components[{name!r}]")
            found[str(name)] = matrix
    return found


def _within(groups: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Labels numbered within their group, as columns of 0 and 1: (n, most labels of a group)."""
    pairs = pd.DataFrame({"group": groups, "label": codes})
    known = pairs.drop_duplicates()
    place = known.groupby("group").cumcount()
    number = pairs.merge(known.assign(place=place), how="left")["place"].to_numpy()
    return np.eye(int(number.max()) + 1)[number]
