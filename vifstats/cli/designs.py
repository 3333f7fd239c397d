"""The design of a model from a table: rows with gaps, levels, formulas."""

import warnings
from collections.abc import Iterable

import pandas as pd

from vifstats.datasets import require_columns
from vifstats.errors import InvalidInputError

__all__ = ["complete_rows", "used_in", "with_formula", "with_levels"]


def complete_rows(table: pd.DataFrame, columns: Iterable[str]) -> tuple[pd.DataFrame, str]:
    """The rows without a gap in these columns, and a note on the others.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [20.0, None, 40.0], "note": [None, "a", "b"]})
    >>> complete_rows(table, ["age"])[1]
    '--dropna leaves out 1 of 3 rows with a missing value (age: 1)'
    """
    gaps = table[list(dict.fromkeys(columns))].isna()
    lost = gaps.any(axis=1)
    if not lost.any():
        return table, ""
    if lost.all():
        raise InvalidInputError(
            "There must be rows without a missing value, but --dropna leaves none; name fewer "
            "columns with --covariates."
        )
    each = ", ".join(f"{name}: {n}" for name, n in gaps.sum().items() if n)
    text = f"--dropna leaves out {lost.sum()} of {len(table)} rows with a missing value ({each})"
    return table[~lost.to_numpy()], text


def with_levels(
    table: pd.DataFrame, covariates: tuple[str, ...], levels: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table with a column of 0 and 1 for each level but the first, and the new covariates.

    Examples
    --------
    >>> table = pd.DataFrame({"site": ["b", "a", "c"], "age": [1, 2, 3]})
    >>> with_levels(table, ("age", "site"), ("site",))[1]
    ('age', 'site[T.b]', 'site[T.c]')
    """
    require_columns(table, levels)
    if strangers := [name for name in levels if name not in covariates]:
        raise InvalidInputError(
            f"--categorical must name covariates, but {strangers} are none; name them in "
            "--covariates too."
        )
    names: list[str] = []
    for name in covariates:
        if name not in levels:
            names.append(name)
            continue
        present = sorted(table[name].dropna().unique(), key=lambda level: (str(type(level)), level))
        new = {
            f"{name}[T.{level}]": (table[name] == level).astype(float).where(table[name].notna())
            for level in present[1:]
        }
        table = table.assign(**new)
        names += new
    return table, tuple(names)


def with_formula(table: pd.DataFrame, formula: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table with the columns of a formula's right side, without the intercept; their names.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [1.0, 2.0], "site": ["a", "b"]})
    >>> with_formula(table, "age + site")[1]
    ('age', 'site[T.b]')
    """
    from formulaic import Formula

    right = formula.rpartition("~")[2]
    gaps = table[used_in(formula, table)].isna().sum()
    if gaps.any():
        raise InvalidInputError(
            "The columns of a formula must have a value in each row, but "
            f"{gaps[gaps > 0].to_dict()} have none; fill the gaps, or leave the rows out with "
            "--dropna."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, in formulaic's own code
            design = Formula(right).get_model_matrix(table, na_action="ignore", output="pandas")
    except Exception as error:  # formulaic has errors of many kinds, and so have its functions
        raise InvalidInputError(
            f"--formula must be one of the columns of the table, as in 'age + C(site)', but "
            f"{formula!r} is none ({error}); the columns are {list(table.columns)}."
        ) from error
    design = design.drop(columns="Intercept", errors="ignore")
    names = tuple(map(str, design.columns))
    others = table.drop(columns=[name for name in names if name in table.columns])
    return others.assign(**{name: design[name].to_numpy() for name in names}), names


def used_in(formula: str, table: pd.DataFrame) -> list[str]:
    """The columns of the table that a formula reads."""
    from formulaic import Formula

    try:
        required = Formula(formula.rpartition("~")[2]).required_variables
    except Exception:  # said where the design is made
        return []
    return [name for name in table.columns if name in required]
