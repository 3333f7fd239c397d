"""A regression of a table: outcome and covariates checked, then fitted with statsmodels."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vifstats.datasets import require_columns
from vifstats.errors import ConvergenceError, InvalidInputError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Logistic, Poisson, RowLoss, SquaredError
from vifstats.solvers import Cholesky

__all__ = ["RegressionColumns", "checked_design", "fit_design", "fit_firth"]

LOSSES: dict[str, type[RowLoss]] = {"logit": Logistic, "poisson": Poisson, "ols": SquaredError}
INTERCEPT = "Intercept"


@dataclass(frozen=True)
class RegressionColumns:
    """Which column of a table plays which part in a regression."""

    outcome: str
    covariates: tuple[str, ...] | None = None
    groups: str | None = None
    identifier: str | None = None
    cluster: str | None = None

    def covariates_of(self, table: pd.DataFrame) -> tuple[str, ...]:
        """The covariates, found among the columns of a table if none were named.

        Raises InvalidInputError if a column is missing or plays two parts, or none is left.
        """
        taken = [self.outcome, *filter(None, (self.groups, self.identifier, self.cluster))]
        require_columns(table, [*taken, *(self.covariates or ())])
        others = tuple(name for name in table.columns if name not in taken)
        covariates = others if self.covariates is None else self.covariates
        if self.outcome in covariates:
            raise InvalidInputError(
                f"A column must play one part, but {self.outcome!r} is outcome and covariate; "
                "leave it out of --covariates."
            )
        if INTERCEPT in covariates:
            raise InvalidInputError(
                f"A covariate must not be called {INTERCEPT!r}, which is the column of ones that "
                "every regression here has; rename it, or leave it out of --covariates."
            )
        return covariates


def checked_design(table: pd.DataFrame, columns: RegressionColumns, kind: str) -> pd.DataFrame:
    """The design with its intercept first, after every check of the input.

    Raises InvalidInputError, InvalidTypeError or NotPositiveDefiniteError, with the names of the
    table, before statsmodels says so without them.
    """
    names = columns.covariates_of(table)
    X = table[list(names)].assign(**{INTERCEPT: 1.0})[[INTERCEPT, *names]]
    loss = LinearPredictor(LOSSES[kind](), X, table[columns.outcome], names=list(X.columns))
    Cholesky().factor(loss.hessian(np.zeros(X.shape[1])), tuple(X.columns))
    return pd.DataFrame(loss.designs[0], index=table.index, columns=list(X.columns))


def fit_firth(design: pd.DataFrame, outcome: pd.Series, kind: str, groups: Any) -> Estimate:
    """A `checked_design` fitted with Firth's penalty, whether or not outcomes are separated.

    `groups` (n,): what leaves whole, or None.
    """
    loss = LinearPredictor(LOSSES[kind](), design, outcome.astype(float), penalty="firth")
    return minimize(loss, np.zeros(design.shape[1]), groups=groups)


def fit_design(design: pd.DataFrame, outcome: pd.Series, kind: str) -> Any:
    """The results of statsmodels; raises ConvergenceError where the minimum was not reached."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.discrete.discrete_model import Poisson as PoissonModel
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    models = {"logit": Logit, "poisson": PoissonModel, "ols": OLS}
    model = models[kind](outcome.astype(float), design)
    if kind == "ols":
        return model.fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            return model.fit(disp=0, maxiter=200)
        except (ConvergenceWarning, PerfectSeparationWarning, np.linalg.LinAlgError) as error:
            raise ConvergenceError(
                f"The regression must have a finite optimum, but statsmodels found none ({error}); "
                "leave out covariates that separate the outcomes, or use Firth's penalty."
            ) from error
