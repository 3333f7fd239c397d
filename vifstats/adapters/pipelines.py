"""Pipelines of scikit-learn: the last step's model on what the steps before it make of X."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters import scikit_learn
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate

__all__ = ["pipeline"]

# The function of each model that may come last, by the name of a class of its.
LAST = {
    "LinearRegression": scikit_learn.linear,
    "Ridge": scikit_learn.ridge,
    "LogisticRegression": scikit_learn.logistic,
    "_GeneralizedLinearRegressor": scikit_learn.generalized_linear,
}


def pipeline(fit: Any, X: Any = None, y: Any = None, **options: Any) -> Estimate:
    """An estimate from a Pipeline; what the steps before the model learnt from X is held.

    Parameters are named by ``get_feature_names_out``; a profile is in the raw columns of X.
    """
    before, last = fit[:-1], fit[-1]
    adapter = next((LAST[c.__name__] for c in type(last).__mro__ if c.__name__ in LAST), None)
    if adapter is None:
        raise UnsupportedModelError(
            f"The last step of a Pipeline must be one of {', '.join(LAST)}, but is a "
            f"{type(last).__name__}; fit one of these, or write its loss."
        )
    est = adapter(last, _made(before, X), y, **options)
    names = _names(before, X)
    p = len(names) + bool(last.fit_intercept)
    columns = [*names, "intercept"][:p]
    several = len(est.names) // p
    given = est.names if several > 1 else columns

    def profile(x: Any) -> np.ndarray:
        rows = np.asarray(_made(before, x), dtype=float)
        return np.column_stack([rows, np.ones(len(rows))])[:, :p]

    return Estimate(
        est.loss,
        est.theta,
        names=given,
        labels=est.labels,
        dispersion=est.dispersion,
        profile=profile if several == 1 else None,
        groups=est.groups,
        tol=est.tol,
    )


def _made(before: Any, X: Any) -> Any:
    """X after the steps before the model, dense, with the rows' own labels."""
    if X is None or not len(before):
        return X
    made = before.transform(X)
    made = made.toarray() if hasattr(made, "toarray") else made
    index = X.index if isinstance(X, pd.DataFrame) else None
    columns = made.columns if isinstance(made, pd.DataFrame) else _names(before, X)
    return pd.DataFrame(np.asarray(made, dtype=float), index=index, columns=list(columns))


def _names(before: Any, X: Any) -> list[str]:
    if not len(before):
        return [str(name) for name in getattr(X, "columns", [f"x{k}" for k in range(X.shape[1])])]
    return [str(name) for name in before.get_feature_names_out()]
