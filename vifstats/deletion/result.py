"""Who moves which parameter, by how much."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.deletion.display import heading, is_shown, largest_rows
from vifstats.deletion.measures import Measures
from vifstats.deletion.on_target import TargetInfluence, influence_on
from vifstats.deletion.row_status import row_status
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.estimate import Estimate
from vifstats.losses.wording import Wording
from vifstats.removals import Removals
from vifstats.tabular import largest_first
from vifstats.targets.base import Target
from vifstats.typing import Axes

__all__ = ["Influence"]


def _of_no_row() -> np.ndarray:
    """A flag that is true of no row, whatever the number of rows."""
    return np.zeros((), dtype=bool)


@dataclass(frozen=True, eq=False, repr=False)
class Influence(Measures):
    """The change of every parameter when an object, or a group of them, is removed.

    Attributes
    ----------
    estimate : Estimate
    method : {"vif", "if", "newton", "refit", "truncated"}
    values : ndarray, shape (n_removals, n_params)
        theta^ - theta(-i), in units of the parameters.
    removals : Removals
        Which objects each row takes.
    exact : ndarray of bool, shape (n_removals,)
        True where the row was refitted.
    failed : ndarray of bool, shape (n_removals,)
        True where a refit did not converge; the row is nan.
    indefinite : ndarray of bool, shape (n_removals,)
        True where a Newton step met a Hessian that is not positive definite; the row is nan,
        unless it was guarded.
    guarded : ndarray of bool, shape (n_removals,)
        True where such a step went by the absolute eigenvalues instead.
    outside : ndarray of bool, shape (n_removals,)
        True where a Newton step left the domain of the loss, such as to a negative dispersion.
    seconds : float
        Wall time of the computation.
    note : str
        What there is to say of the solve: directions left out, residuals.
    advice : str
        What exact refits would take, where they were too many for the time given.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 8.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y, names=["mean"])
    >>> influence = vs.newton_step(vs.minimize(loss, [0.0]))
    >>> influence.params_without["mean"].to_list()  # the mean of the others
    [5.5, 4.5, 2.0]
    """

    estimate: Estimate
    method: str
    values: np.ndarray
    removals: Removals
    exact: np.ndarray = field(default_factory=_of_no_row)
    failed: np.ndarray = field(default_factory=_of_no_row)
    indefinite: np.ndarray = field(default_factory=_of_no_row)
    guarded: np.ndarray = field(default_factory=_of_no_row)
    outside: np.ndarray = field(default_factory=_of_no_row)
    seconds: float = float("nan")
    note: str = ""
    advice: str = ""

    def __post_init__(self) -> None:
        for name in self._flags():
            flags = np.broadcast_to(getattr(self, name), (len(self.removals),))
            object.__setattr__(self, name, flags)
        values = self.estimate.loss.with_owned(self.values, self.removals, np.nan)
        object.__setattr__(self, "values", values)

    @classmethod
    def _flags(cls) -> list[str]:
        """The fields that say something of each row; a new one is carried along by itself."""
        return [each.name for each in fields(cls) if each.default_factory is _of_no_row]

    @property
    def index(self) -> pd.Index:
        """The user's label of each row, in the user's order."""
        return self.removals.labels

    @property
    def wording(self) -> Wording:
        """What the absence of an object is called."""
        return self.estimate.loss.wording

    @property
    def groups(self) -> np.ndarray | None:
        """The row of this result that takes each object; None where rows are single objects."""
        return None if self.removals.single else self.removals.codes

    @cached_property
    def dfbeta(self) -> pd.DataFrame:
        """theta^ - theta(-i), one row per removal and one column per parameter."""
        return self._frame(self.values)

    @property
    def params(self) -> pd.Series:
        """The parameters of the full fit."""
        return self.estimate.params

    @property
    def params_without(self) -> pd.DataFrame:
        """theta(-i): the parameters without each row."""
        return self._frame(self.estimate.theta - self.values)

    @cached_property
    def status(self) -> pd.Series:
        """What to know of each row.

        "ok", "no influence" (exactly 0), "owned" (some parameters vanish with the object: nan),
        "separation" (the estimate diverges without the row), "did not converge" (nan), "indefinite"
        (of a Newton step: the loss without the row has no minimum near; nan, or guarded),
        "outside domain" (of a Newton step: it ends where the loss is not defined; refit),
        "variance at 0 without it" (of a mixed model), "undefined" (the loss is, without the row,
        as Firth's penalty is where the information is singular: nan) or "not in fit" (the model
        had dropped the row).
        """
        return pd.Series(row_status(self), index=self.index, name="status")

    def top(self, n: int = 10, by: str = "cooks_distance") -> pd.DataFrame:
        """The n most influential rows, the largest first.

        Parameters
        ----------
        n : int
        by : str
            "cooks_distance" or a parameter name; by the absolute value.
        """
        n = checks.whole_number(n, "n")
        checks.one_of(by, ("cooks_distance", *self.estimate.names), "by")
        size = self.cooks_distance if by == "cooks_distance" else self.dfbeta[by]
        frame = self._dfbeta_beside(cooks_distance=self.cooks_distance, status=self.status)
        return frame.iloc[largest_first(size.to_numpy())[:n]]

    def on(self, target: "Target | Callable", linear: bool = False) -> TargetInfluence:
        """The influence of every row on a target.

        Parameters
        ----------
        target : Target or callable
            ``value(theta, b, loss)``; a callable is taken to be that function.
        linear : bool
            False: plug in, f(theta^, 1) - f(theta(-i), 1_-i). True: the derivative of the target
            times dfbeta, plus the direct term f(theta^, 1) - f(theta^, 1_-i) (Eq. 5 has the
            first part only; they agree where the target does not read the data).

        References
        ----------
        docs/mathematics.md, equations (12) and (13).
        """
        return influence_on(self, target, checks.flag(linear, "linear"))

    def on_each(
        self, targets: "Iterable[Target | Callable]", linear: bool = False
    ) -> Iterator[TargetInfluence]:
        """The influence of every row on one target after another: no more is in memory at a time.

        Parameters
        ----------
        targets : iterable of Target or callable
            Such as blocks of a hundred profiles each.
        linear : bool
            As in `on`.

        Yields
        ------
        TargetInfluence

        Examples
        --------
        The row that moves each of four relative risks most, two of them at a time:

        >>> import vifstats as vs
        >>> loss = vs.losses.Cox([[0.0], [1.0], [0.5], [1.0]], [4.0, 3.0, 2.0, 1.0], [1, 1, 1, 1])
        >>> blocks = [vs.targets.RelativeRisk(x) for x in ([[1.0], [2.0]], [[-1.0], [0.5]])]
        >>> changes = vs.vif(vs.minimize(loss, [0.0])).on_each(blocks)
        >>> pd.concat(change.largest(1) for change in changes).row.to_list()
        [1, 1, 0, 1]
        """
        linear = checks.flag(linear, "linear")
        if not isinstance(targets, Iterable) or isinstance(targets, str | bytes):
            raise InvalidTypeError(
                f"`targets` must be several, but is {targets!r:.60}; pass a list, or use `on`."
            )
        return (self.on(target, linear) for target in targets)

    def take(self, rows: np.ndarray) -> "Influence":
        """The same result with some of its rows.

        Parameters
        ----------
        rows : ndarray of int
            Positions here, in the order wanted.

        Returns
        -------
        Influence

        Examples
        --------
        >>> import vifstats as vs
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
        >>> vs.vif(vs.minimize(loss, [0.0])).take(np.array([2, 0])).index.to_list()
        [2, 0]
        """
        rows = checks.row_positions(rows, len(self.removals))
        taken = {name: getattr(self, name)[rows] for name in ("values", *self._flags())}
        return replace(self, removals=self.removals.take(rows), **taken)

    def with_rows(self, rows: np.ndarray, other: "Influence") -> "Influence":
        """The same result with some rows taken from another, usually refits of those rows.

        Parameters
        ----------
        rows : ndarray of int or bool
            Positions here of the rows of ``other``, in its order.
        other : Influence
            Its values and all it says of each row are taken.

        Returns
        -------
        Influence
            Of the method of this one.

        Examples
        --------
        >>> import vifstats as vs
        >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.arange(3.0))
        >>> est = vs.minimize(loss, [0.0])
        >>> vs.vif(est).with_rows(np.array([2]), vs.leave_one_out(est, objects=[2])).exact
        array([False, False,  True])
        """
        checks.instance(other, Influence, "other", "vs.leave_one_out(est)")
        rows = checks.row_positions(rows, len(self.removals))
        if len(rows) != len(other.removals):
            raise InvalidInputError(
                f"`other` must have a row for each of `rows`, {len(rows)}, but has "
                f"{len(other.removals)}; name its rows in its order."
            )
        taken = {}
        for name in ("values", *self._flags()):
            taken[name] = getattr(self, name).copy()
            taken[name][rows] = getattr(other, name)
        return replace(self, **taken, seconds=self.seconds + other.seconds)

    def plot_index(self, name: str | None = None, *, ax: Axes | None = None, **options: Any) -> Any:
        """Influence against row; see `vifstats.plots.index_plot`."""
        from vifstats import plots  # a named exception of the import order

        return plots.index_plot(self, name, ax=ax, **options)

    def plot_influence(self, *, ax: Axes | None = None, **options: Any) -> Any:
        """Residual against leverage; see `vifstats.plots.influence_plot`."""
        from vifstats import plots  # a named exception of the import order

        return plots.influence_plot(self, ax=ax, **options)

    @property
    def table(self) -> pd.DataFrame:
        """dfbeta with cooks_distance, exact and status, as which no parameter may be called."""
        return self._dfbeta_beside(
            cooks_distance=self.cooks_distance, exact=self.exact, status=self.status
        )

    def _heading(self) -> list[str]:
        return heading(self)

    def _shown(self) -> pd.DataFrame:
        return largest_rows(self) if is_shown(self) else pd.DataFrame()

    def _for_paper(self) -> pd.DataFrame:
        return self.ranges

    def _dfbeta_beside(self, **columns: Any) -> pd.DataFrame:
        """dfbeta with more columns, none in the place of a parameter's."""
        if taken := [name for name in columns if name in self.estimate.names]:
            raise InvalidInputError(
                f"Parameters must not be called as the columns beside them, but {taken} are; "
                "rename them where they come from, or use `dfbeta`."
            )
        return self.dfbeta.assign(**columns)
