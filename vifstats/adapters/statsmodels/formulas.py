"""Formulas of statsmodels: raw columns as design rows, by the transforms and levels of the fit."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from vifstats.errors import InvalidInputError

__all__ = ["design_rows"]

# Where statsmodels keeps what patsy or formulaic knows of the design: since 0.15, and before.
SPECS = ("model_spec", "design_info")


def design_rows(model: Any) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    """What makes design rows of raw columns; None for a model that was given its design.

    Returns a function from a DataFrame to one with the columns of the design. It raises
    `InvalidInputError` for columns that are missing, or are none of the data of the fit, and for
    levels that were not fitted.

    Examples
    --------
    >>> import statsmodels.formula.api as smf
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "arm": ["a", "b", "a", "b"]})
    >>> profile = design_rows(smf.ols("y ~ arm", data).fit().model)
    >>> profile(pd.DataFrame({"arm": ["b"]}))
       Intercept  arm[T.b]
    0        1.0       1.0
    """
    found = (getattr(holder, name, None) for holder in (model.data, model) for name in SPECS)
    spec = next((one for one in found if one is not None), None)
    # PHReg has taken the constant out
    return None if spec is None else DesignRows(spec, model.data.frame, tuple(model.exog_names))


@dataclass(frozen=True, eq=False)
class DesignRows:
    """What a formula knows of its design, the data that it was fitted to, and its columns."""

    spec: Any
    frame: pd.DataFrame
    names: tuple[str, ...]

    def __call__(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Design rows of raw columns."""
        _require_columns(raw, self.frame, set(_variables(self.spec)))
        make = _by_formulaic if _is_formulaic(self.spec) else _by_patsy
        return make(self.spec, raw)[list(self.names)]

    def __reduce__(self) -> tuple[Callable, tuple]:
        if _is_formulaic(self.spec):
            return DesignRows, (self.spec, self.frame, self.names)
        # what patsy knows does not pickle, and is found again from the same data
        used = [name for name in self.frame.columns if name in set(_variables(self.spec))]
        return _again, (self.spec.describe(), self.frame[used], self.names)


def _again(formula: str, frame: pd.DataFrame, names: tuple[str, ...]) -> Callable:
    import patsy

    try:
        known = patsy.EvalEnvironment([{"np": np}])
        spec = patsy.dmatrix(formula, frame, known).design_info
    except patsy.PatsyError:
        return partial(_unknown, formula)
    return DesignRows(spec, frame, names)


def _unknown(formula: str, raw: pd.DataFrame) -> pd.DataFrame:
    raise InvalidInputError(
        f"Functions in a formula must be those of NumPy or patsy where a fit was pickled, but "
        f"{formula!r} has others; give design rows."
    )


def _is_formulaic(spec: Any) -> bool:
    return hasattr(spec, "required_variables")


def _require_columns(raw: pd.DataFrame, fitted: pd.DataFrame, names: set[str]) -> None:
    needed = [name for name in fitted.columns if name in names]
    if unknown := [name for name in raw.columns if name not in fitted.columns]:
        raise InvalidInputError(f"A profile has the columns {needed}, not {unknown}.")
    if missing := [name for name in needed if name not in raw.columns]:
        raise InvalidInputError(f"A profile needs the columns {needed}, but lacks {missing}.")
    numeric = [name for name in needed if is_numeric_dtype(fitted[name])]
    if text := [name for name in numeric if not is_numeric_dtype(raw[name])]:
        raise InvalidInputError(
            f"A profile must have numbers in the columns {numeric}, as the data of the fit, but "
            f"has others in {text}."
        )


def _by_patsy(spec: Any, raw: pd.DataFrame) -> pd.DataFrame:
    import patsy

    try:
        return patsy.build_design_matrices([spec], raw, return_type="dataframe")[0]
    except patsy.PatsyError as error:
        raise _unlike_the_fit(error) from error


def _by_formulaic(spec: Any, raw: pd.DataFrame) -> pd.DataFrame:
    from formulaic.errors import FormulaicError

    try:
        return spec.get_model_matrix(raw, output="pandas")
    except FormulaicError as error:
        raise _unlike_the_fit(error) from error


def _unlike_the_fit(error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"A profile must have levels that were fitted, but: {str(error).splitlines()[0]}"
    )


def _variables(spec: Any) -> Iterator[str]:
    """Names in the factors of a formula, those of columns and others."""
    if _is_formulaic(spec):
        yield from spec.required_variables
        return
    for factor in spec.factor_infos:
        for node in ast.walk(ast.parse(factor.name(), mode="eval")):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Q":
                # Q("a name"), for a column whose name is none of Python
                yield from (str(ast.literal_eval(quoted)) for quoted in node.args)
