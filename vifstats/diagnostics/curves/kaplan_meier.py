"""Curves of survival without a model: Kaplan and Meier's, and what is read off them."""

from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import ClassVar

import numpy as np
import pandas as pd

from vifstats.checks.survival import CurveInput, curves
from vifstats.checks.text import quoted
from vifstats.deletion.on_target import TargetInfluence
from vifstats.diagnostics.curves.arm import Arm
from vifstats.diagnostics.curves.product_limit import survival, when
from vifstats.diagnostics.curves.readings import Reading, read
from vifstats.losses.wording import LEFT_OUT, Wording
from vifstats.removals import Removals
from vifstats.tabular import Tabular
from vifstats.targets import Target
from vifstats.typing import ArrayLike1D

__all__ = ["CurveInfluence", "KaplanMeier", "kaplan_meier"]


def kaplan_meier(
    T: ArrayLike1D,
    E: ArrayLike1D | None = None,
    *,
    groups: ArrayLike1D | None = None,
    entry: ArrayLike1D | None = None,
    weights: ArrayLike1D | None = None,
) -> "KaplanMeier":
    """Kaplan-Meier curves, from which every row can be left out exactly.

    There is nothing to refit: what is read off a curve without one row has a closed form, so the
    influence of all rows takes about as long as the curve.

    Parameters
    ----------
    T : array_like, shape (n,)
        Times of the event or of censoring; or a structured array of both, as in scikit-survival.
    E : array_like, shape (n,), optional
        1 for an event, 0 for censored; default all events. With causes 0, 1, 2, ... the curve is
        that of an event of any cause, and `targets.CumulativeIncidence` has those of each.
    groups : array_like, shape (n,), optional
        The arm of each row: a curve for each.
    entry : array_like, shape (n,), optional
        Delayed entry: at risk after it.
    weights : array_like, shape (n,), optional
        Case weights, > 0.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    InvalidInputError
        If the columns have missing or impossible values, or several lengths.

    Notes
    -----
    All deletions take O(n log n), times the number of distinct weights.

    References
    ----------
    Kaplan & Meier (1958), J. Am. Statist. Ass. 53; Aalen & Johansen (1978), Scand. J. Statist. 5;
    docs/mathematics.md, equation (46).

    Examples
    --------
    >>> import vifstats as vs
    >>> km = vs.kaplan_meier([2.0, 3.0, 5.0, 8.0], [1, 0, 1, 1])
    >>> km.on(vs.targets.RMST(None, tau=8.0)).value_without.ravel()
    array([6.5, 5. , 6. , 4. ])
    """
    return KaplanMeier(curves(T, E, groups=groups, entry=entry, weights=weights))


@dataclass(frozen=True, eq=False, repr=False)
class KaplanMeier(Tabular):
    """Kaplan-Meier curves, one for each group; made by `kaplan_meier`.

    Attributes
    ----------
    data : CurveInput
        The checked columns, in the user's order.

    Examples
    --------
    >>> import vifstats as vs
    >>> km = vs.kaplan_meier([1, 2, 3, 4], [1, 1, 0, 1], groups=["a", "b", "a", "b"])
    >>> km.table["median"].to_list()
    [1.0, 2.0]
    """

    data: CurveInput
    # what results say of how they came about
    method: ClassVar[str] = "exact, in closed form"
    # of reading a target; the curves themselves take no time
    seconds: ClassVar[float] = 0.0

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The rows of each curve, in the order in which groups first appear."""
        n_arms = len(self.data.arm_names)
        return tuple(Arm.of(self.data, np.flatnonzero(self.data.arms == g)) for g in range(n_arms))

    @property
    def index(self) -> pd.Index:
        """The user's label of each row."""
        return self.data.labels

    @property
    def removals(self) -> Removals:
        """Every row on its own."""
        return Removals(np.arange(len(self.index)), self.index)

    @property
    def wording(self) -> Wording:
        """What the absence of a row is called."""
        return LEFT_OUT

    @property
    def table(self) -> pd.DataFrame:
        """A line for each curve: its rows, events, median and the end of its follow-up."""
        lines = [
            {
                "rows": len(arm),
                "events": int(arm.event.sum()),
                "median": when(arm, 0.5),
                "last": arm.last,
            }
            for arm in self.arms
        ]
        names = self.data.arm_names
        index = ["all"] if names == (None,) else pd.Index(names, tupleize_cols=False)
        return pd.DataFrame(lines, index=index)

    @property
    def curve(self) -> pd.DataFrame:
        """A line for each event time of each curve: group, time, at_risk, events, survival."""
        frames = []
        for name, arm in zip(self.data.arm_names, self.arms, strict=True):
            S = survival(arm, np.arange(1, len(arm.times) + 1))
            columns = {"time": arm.times, "at_risk": arm.at_risk, "events": arm.deaths}
            frames.append(pd.DataFrame({**columns, "survival": S}).assign(group=name))
        return pd.concat(frames, ignore_index=True)[
            ["group", "time", "at_risk", "events", "survival"]
        ]

    def on(self, target: Target) -> "CurveInfluence":
        """The influence of every row on a target, exactly.

        Parameters
        ----------
        target : Target
            Of `targets`: SurvivalProbability, RMST, RMSTDifference, MedianSurvival,
            SurvivalQuantile, CumulativeIncidence or LogRank. In the place of a profile ``x`` goes
            the label of a group, a list of them, or None for all.

        Returns
        -------
        CurveInfluence

        Raises
        ------
        InvalidTypeError
            If it is another target.
        InvalidInputError
            If there is no such group or cause, or a time lies beyond follow-up.

        Notes
        -----
        Without the row that was followed longest, a curve ends earlier; it is then held at its last
        value, as R and lifelines hold it. A quantile is the first time at which the curve is at or
        below it; R takes the middle where the curve runs along it.

        Examples
        --------
        >>> import vifstats as vs
        >>> km = vs.kaplan_meier([2.0, 3.0, 5.0, 8.0], [1, 0, 1, 1], groups=["a", "a", "b", "b"])
        >>> km.on(vs.targets.SurvivalProbability("b", [6.0])).value_without.ravel()
        array([0.5, 0.5, 1. , 0. ])
        """
        start = perf_counter()
        found = read(self, target)
        change = found.full - found.without
        return CurveInfluence(self, found, found.full, change, perf_counter() - start)

    def called(self, name: str, g: int) -> str:
        """The name of a value with that of its group, where there are several: S(1 | a)."""
        label = self.data.arm_names[g]
        return name if label is None else f"{name[:-1]} | {label})"

    def of_group(self, g: int) -> str:
        """The group in a sentence."""
        label = self.data.arm_names[g]
        return "" if label is None else f" in group {quoted(label)}"

    def _heading(self) -> list[str]:
        data, n = self.data, len(self.data.arm_names)
        events = int((data.cause > 0).sum())
        return [
            f"Kaplan-Meier: {n} curve{'s' * (n > 1)}, {len(data.time):,} rows, {events:,} events"
        ]


@dataclass(frozen=True, eq=False, repr=False)
class CurveInfluence(TargetInfluence):
    """The exact change of what is read off curves, when each row is removed: full minus without.

    A `TargetInfluence` with pseudo-values and jackknife errors beside.

    Attributes
    ----------
    source : KaplanMeier
    target : Target
        As it was read, with the names of its values.
    value : ndarray, shape (m,)
    influence : ndarray, shape (n, m)
    seconds : float

    Examples
    --------
    The jackknife error of a mean is s / sqrt(n):

    >>> import vifstats as vs
    >>> T = np.array([1.0, 2.0, 3.0, 6.0])
    >>> mean = vs.kaplan_meier(T).on(vs.targets.RMST(None, 6.0))
    >>> bool(np.isclose(mean.jackknife_errors.iloc[0], T.std(ddof=1) / 2))
    True
    >>> mean.pseudo_values.to_numpy().ravel().round(9)
    array([1., 2., 3., 6.])
    """

    source: "KaplanMeier"  # type: ignore[assignment]  # without parameters there is no Influence
    target: Reading
    seconds: float = float("nan")

    @property
    def value_without(self) -> np.ndarray:
        """The target without each row, shape (n, m): also where it is nan with all of them."""
        return self.target.without

    @property
    def status(self) -> pd.Series:
        """What to know of each row: "ok", "no influence", or why a value is nan."""
        status = np.full(len(self.index), "ok", dtype=object)
        status[(self.influence == 0).all(axis=1)] = "no influence"
        status[np.isnan(self.influence).any(axis=1)] = self.target.undefined
        return pd.Series(status, index=self.index, name="status")

    @property
    def pseudo_values(self) -> pd.DataFrame:
        """n f - (n - 1) f(-i), with n the rows of the group of row i: shape (n, m).

        R's ``pseudo`` is the infinitesimal jackknife, f plus n times the derivative in a weight;
        these are from true deletions.

        References
        ----------
        Andersen, Klein & Rosthoj (2003), Biometrika 90.
        """
        n = self._sizes[self.source.data.arms][:, None]
        values = self.value + (n - 1) * self.influence
        return pd.DataFrame(values, index=self.index, columns=list(self._names))

    @property
    def jackknife_errors(self) -> pd.Series:
        """Standard errors from the deletions, group by group: shape (m,).

        The root of the sum over groups of (n - 1) / n sum (f(-i) - their mean)^2. It is not
        consistent for medians and other quantiles, which move in steps.

        References
        ----------
        Efron & Stein (1981), Ann. Statist. 9; Shao & Wu (1989), Ann. Statist. 17, for quantiles.
        """
        arms, n = self.source.data.arms, self._sizes
        sums = np.zeros((len(n), self.influence.shape[1]))
        np.add.at(sums, arms, self.influence)
        apart = self.influence - (sums / n[:, None])[arms]
        weight = ((n - 1) / n)[arms][:, None]
        errors = np.sqrt(np.sum(weight * apart**2, axis=0))
        return pd.Series(errors, index=list(self._names), name="jackknife_error")

    @property
    def _sizes(self) -> np.ndarray:
        """Rows of each group."""
        return np.bincount(self.source.data.arms, minlength=len(self.source.data.arm_names))
