"""A Cox model of a table: columns by the part they play, checked, then fitted with lifelines."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.datasets import require_columns
from vifstats.errors import ConvergenceError, InvalidInputError, NotAtMinimumError
from vifstats.losses import Cox
from vifstats.solvers import Cholesky

__all__ = ["FIRST_UNNAMED", "CoxColumns", "checked_frame", "finite_optimum", "fit_frame"]

# lifelines stops at a Newton decrement of `precision`: 4e-7 standard errors.
TIGHT = {"precision": 1e-13, "r_precision": 1e-16}

DROP = (
    "drop collinear columns and those that separate events from the rest, or use Firth's penalty "
    "or a penalizer."
)

# What pandas calls a column whose header is empty, and the first of them.
FIRST_UNNAMED, UNNAMED = "Unnamed: 0", re.compile(r"Unnamed: \d+")
# How columns are called that say who a row is.
IDENTIFIER = re.compile(
    r"(^|[^a-z])(id|ids|identifier|no|nr|num|number|index|idx|key|row|rows|rownames|record|"
    r"subject|patient|case|obs|observation|pid|subjid|usubjid|mrn)($|[^a-z])|(?-i:[a-z](Id|ID|No|Nr)$)",
    re.IGNORECASE,
)

# Columns that stand beside the covariates in influence.csv.
BESIDE = ("row", "cooks_distance", "exact", "status")


@dataclass(frozen=True)
class CoxColumns:
    """Which column of a table plays which part in a Cox model.

    Examples
    --------
    >>> table = pd.DataFrame({"week": [2.0, 1.0], "arrest": [1, 1], "age": [20, 30]})
    >>> CoxColumns("week", "arrest").covariates_of(table)
    ('age',)
    """

    time: str
    event: str
    # None: every column that plays no other part
    covariates: tuple[str, ...] | None = None
    strata: tuple[str, ...] = ()
    weights: str | None = None
    entry: str | None = None
    groups: str | None = None
    # What rows are called; no covariate
    identifier: str | None = None
    cluster: str | None = None

    def labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table whose rows are called by the identifier, if there is one.

        Without one, a first column that has no name and another value in each row is one: R and
        pandas write the names of rows so. Raises InvalidInputError if there is no such column, or
        it has gaps, or others have no name.
        """
        if self.covariates is None:
            table = self._by_unnamed_column(table)
        if self.identifier is None:
            return table
        require_columns(table, [self.identifier])
        labels = table[self.identifier]
        if labels.isna().any():
            raise InvalidInputError(
                f"Every row must have a name in {self.identifier!r}, but {labels.isna().sum()} "
                "have none; fill the gaps or leave out the option."
            )
        return table.set_axis(pd.Index(labels, name=None), axis=0)

    def _by_unnamed_column(self, table: pd.DataFrame) -> pd.DataFrame:
        unnamed = [name for name in table if UNNAMED.fullmatch(name) and name not in self._named]
        if not unnamed:
            return table
        first = table[unnamed[0]]
        if unnamed != [table.columns[0]] or first.isna().any() or not first.is_unique:
            raise InvalidInputError(
                "Every column must have a name, but the header has none for column "
                f"{[list(table.columns).index(name) + 1 for name in unnamed]}; name it in the "
                "file, or list the covariates with --covariates."
            )
        return table.set_axis(pd.Index(first, name=None), axis=0).drop(columns=unnamed)

    @property
    def _named(self) -> dict[str, list[str]]:
        """The options that name each column."""
        named: dict[str, list[str]] = {}
        for option, columns in self._options:
            for column in columns:
                named.setdefault(column, []).append(option)
        return named

    @property
    def _options(self) -> list[tuple[str, tuple[str, ...]]]:
        single = {
            "--time": self.time,
            "--event": self.event,
            "--weights": self.weights,
            "--entry": self.entry,
            "--groups": self.groups,
            "--id-col": self.identifier,
            "--cluster": self.cluster,
        }
        some = [(option, (name,)) for option, name in single.items() if name is not None]
        return [*some, ("--strata", self.strata), ("--covariates", self.covariates or ())]

    def like_identifiers(self, table: pd.DataFrame) -> list[str]:
        """Columns that nobody named, and that seem to say who a row is."""
        return [
            name
            for name in self.covariates_of(table)
            if name not in self._named and _identifies(name, table[name])
        ]

    def _require_one_part(self) -> None:
        """Raise unless each column is named once; --groups and --cluster may share theirs."""
        for name, options in self._named.items():
            parts = [option for option in options if option not in ("--groups", "--cluster")]
            if len(parts) > 1:
                raise InvalidInputError(
                    f"A column must play one part, but {[name]} play two, by "
                    f"{' and '.join(parts)}; name it once."
                )

    def covariates_of(self, table: pd.DataFrame) -> tuple[str, ...]:
        """The covariates, found among the columns of a table if none were named.

        Raises InvalidInputError if a column is missing, plays two parts, is called as one of the
        result, or none is left for a covariate.
        """
        optional = (self.weights, self.entry, self.groups, self.identifier, self.cluster)
        taken = [self.time, self.event, *self.strata, *filter(None, optional)]
        require_columns(table, [*taken, *(self.covariates or ())])
        others = tuple(column for column in table.columns if column not in taken)
        covariates = others if self.covariates is None else self.covariates
        if not covariates:
            raise InvalidInputError(
                "A Cox model needs a covariate, but no column is left for one; name some with "
                "--covariates."
            )
        self._require_one_part()
        if beside := [name for name in covariates if name in BESIDE]:
            raise InvalidInputError(
                f"Covariates must not be called as other columns of the result, but {beside} are; "
                "rename them in the table, or leave them out."
            )
        return covariates


def checked_frame(
    table: pd.DataFrame, columns: CoxColumns, *, penalizer: float = 0.0
) -> pd.DataFrame:
    """The columns of the model alone, covariates as numbers, after every check of the input.

    `penalizer`: ridge, as in lifelines; with it, collinear covariates are allowed. Rows are in the
    order and with the labels of the table. Raises InvalidInputError, InvalidTypeError if a column
    is missing or breaks a rule; it is named as in the table. Raises NotPositiveDefiniteError if
    covariates are constant or collinear, before lifelines says so without their names.

    Examples
    --------
    >>> table = pd.DataFrame({"week": [2.0, 1.0], "arrest": [1, 1], "age": [20, 30], "id": [7, 8]})
    >>> checked_frame(table, CoxColumns("week", "arrest", groups="id")).columns.to_list()
    ['age', 'week', 'arrest']
    """
    if not (np.isfinite(penalizer) and penalizer >= 0):
        raise InvalidInputError(f"`penalizer` must be >= 0 and finite, but is {penalizer}.")
    X = table[list(columns.covariates_of(table))]
    loss = Cox(
        X,
        table[columns.time],
        table[columns.event],
        entry=_column(table, columns.entry),
        weights=_column(table, columns.weights),
        strata=table[list(columns.strata)] if columns.strata else None,
    )
    if penalizer == 0:
        Cholesky().factor(loss.hessian(np.zeros(X.shape[1])), loss.names)
    data = loss.data
    numbers = {columns.time: data.time, columns.event: data.event.astype(int)}
    if columns.entry is not None:
        numbers[columns.entry] = data.entry
    if columns.weights is not None:
        numbers[columns.weights] = data.weights
    frame = pd.DataFrame(data.X, index=table.index, columns=list(data.names)).assign(**numbers)
    # by position, as labels may occur twice, and as values: lifelines loops over all categories
    return frame.assign(**{name: table[name].to_numpy() for name in columns.strata})


def fit_frame(frame: pd.DataFrame, columns: CoxColumns, *, penalizer: float = 0.0) -> Any:
    """Fit lifelines' CoxPHFitter, to full precision, to a `checked_frame`.

    `penalizer`: ridge, as in lifelines. Raises ConvergenceError if lifelines finds no optimum.

    Examples
    --------
    >>> from vifstats.datasets import load_rossi
    >>> rossi, columns = load_rossi(), CoxColumns("week", "arrest", covariates=("prio",))
    >>> fit_frame(checked_frame(rossi, columns), columns).params_.round(3).to_dict()
    {'prio': 0.101}
    """
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError as LifelinesConvergenceError

    try:
        fit = CoxPHFitter(penalizer=penalizer).fit(
            frame,
            columns.time,
            columns.event,
            strata=list(columns.strata) or None,
            weights_col=columns.weights,
            entry_col=columns.entry,
            fit_options=TIGHT,
        )
    except LifelinesConvergenceError as error:
        raise ConvergenceError(
            f"The Cox model must have a finite optimum, but lifelines found none ({error}); {DROP}"
        ) from error
    played = (columns.time, columns.event, columns.weights, columns.entry, *columns.strata)
    asked = [name for name in frame.columns if name not in played]
    if lost := [name for name in asked if name not in fit.params_.index]:
        raise InvalidInputError(
            f"Every covariate must be in the fit, but lifelines leaves out {lost}, which it takes "
            "for something of its own; rename them in the table."
        )
    return fit


@contextmanager
def finite_optimum() -> Iterator[None]:
    """Where a library ended without a warning that counts, but refits find no optimum there.

    Raises ConvergenceError with what a reader of the table can do about it.

    Examples
    --------
    >>> with finite_optimum():
    ...     raise NotAtMinimumError("`theta` must minimise the loss")
    Traceback (most recent call last):
    ...
    vifstats.errors.ConvergenceError: The model must have a finite optimum, but the fit stopped \
short of one; drop collinear columns and those that separate events from the rest, or use Firth's \
penalty or a penalizer.
    """
    try:
        yield
    except (ConvergenceError, NotAtMinimumError) as error:
        raise ConvergenceError(
            f"The model must have a finite optimum, but the fit stopped short of one; {DROP}"
        ) from error


def _identifies(name: str, values: pd.Series) -> bool:
    """Whether a column is called as identifiers are, with another whole number in each row."""
    if not IDENTIFIER.search(name) or not values.is_unique or len(values) < 2:
        return False
    return pd.api.types.is_numeric_dtype(values) and bool((values % 1 == 0).all())


def _column(table: pd.DataFrame, name: str | None) -> pd.Series | None:
    return None if name is None else table[name]
