"""What R's survival says about some Cox regressions: the files of validation/oracles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parents[1] / "validation" / "oracles" / "cox"
TIES = ("efron", "breslow")
FITS = pd.read_csv(FOLDER / "fits.csv", index_col=["case", "ties"], float_precision="round_trip")
CASES = tuple(dict.fromkeys(FITS.index.get_level_values("case")))
WITH_ID = tuple(name for name in CASES if "id" in pd.read_csv(FOLDER / f"{name}.csv", nrows=0))

_NOT_COVARIATES = ("time", "event", "entry", "weights", "strata", "id")


@dataclass(frozen=True, eq=False)
class OracleCase:
    """One data set, one treatment of ties, and R's answers.

    Every table has the covariates as columns; rows are numbered from 0 in the order of the data.

    Attributes
    ----------
    X : DataFrame, shape (n, p)
    time, event : ndarray, shape (n,)
    entry, weights, strata, id : ndarray, shape (n,), or None
    penalty : ndarray, shape (p,), or None
        Diagonal of P in the penalty ``0.5 theta' P theta``; R's ``theta`` of ``ridge`` with
        ``scale=FALSE``.
    coef : Series, shape (p,)
    loglik, loglik_null : float
        Log partial likelihood at `coef` and at 0, weighted, without the penalty.
    naive_cov : DataFrame, shape (p, p)
        Inverse of the (penalised) information.
    robust_cov, cluster_cov : DataFrame, shape (p, p)
        Sum of squared dfbetas over rows, or over ids (None without `id`).
    dfbeta : DataFrame, shape (n, p)
        ``residuals(fit, "dfbeta", weighted=TRUE)``: full minus leave-one-out, to first order.
    dfbeta_id : DataFrame or None
        The sums of `dfbeta` over ids, indexed by id.
    refits, refits_id : DataFrame
        Coefficients without one row (indexed by row number) or without one id (None without `id`).
    baseline : DataFrame
        Columns strata, time, cumhaz: cumulative hazard at x = 0 at the event times, Efron's for
        an Efron fit.
    """

    name: str
    ties: str
    X: pd.DataFrame
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    weights: np.ndarray | None
    strata: np.ndarray | None
    id: np.ndarray | None
    penalty: np.ndarray | None
    coef: pd.Series
    loglik: float
    loglik_null: float
    naive_cov: pd.DataFrame
    robust_cov: pd.DataFrame
    cluster_cov: pd.DataFrame | None
    dfbeta: pd.DataFrame
    dfbeta_id: pd.DataFrame | None
    refits: pd.DataFrame
    refits_id: pd.DataFrame | None
    baseline: pd.DataFrame

    @property
    def loo(self) -> pd.DataFrame:
        """Exact dfbeta of the refitted rows, shape (n_refits, p)."""
        return self.coef - self.refits

    @property
    def loo_id(self) -> pd.DataFrame | None:
        """Exact dfbeta of the refitted ids, shape (n_refits, p)."""
        return None if self.refits_id is None else self.coef - self.refits_id

    @property
    def frame(self) -> pd.DataFrame:
        """The data in one table, as a formula or lifelines wants it."""
        return _read(f"{self.name}.csv")


@cache
def load_case(name: str, ties: str) -> OracleCase:
    """Read one case of `CASES` with one of `TIES`. Cached: do not write to it."""
    data = _read(f"{name}.csv")
    fit = _read(f"{name}.{ties}.fit.csv", index=["quantity", "covariate"], keep_default_na=False)
    column: dict[str, Any] = {
        key: data[key].to_numpy() if key in data else None for key in _NOT_COVARIATES
    }
    penalty = _read_if_there(f"{name}.penalty.csv", index="covariate")
    return OracleCase(
        name=name,
        ties=ties,
        X=data.drop(columns=[key for key in _NOT_COVARIATES if key in data]).astype(float),
        **column,
        penalty=None if penalty is None else penalty["penalty"].to_numpy(float),
        coef=fit.loc[("coef", "")].rename("coef"),
        loglik=float(FITS.loc[(name, ties), "loglik"]),
        loglik_null=float(FITS.loc[(name, ties), "loglik_null"]),
        naive_cov=fit.loc["naive"],
        robust_cov=fit.loc["robust"],
        cluster_cov=fit.loc["cluster"] if "cluster" in fit.index else None,
        dfbeta=_read(f"{name}.{ties}.dfbeta.csv"),
        dfbeta_id=_read_if_there(f"{name}.{ties}.dfbeta_id.csv", index="id"),
        refits=_read(f"{name}.{ties}.refits.csv", index="row"),
        refits_id=_read_if_there(f"{name}.{ties}.refits_id.csv", index="id"),
        baseline=_read(f"{name}.{ties}.baseline.csv"),
    )


def _read(file: str, index: str | list[str] | None = None, **options) -> pd.DataFrame:
    # pandas' default parser is off in the last digit
    return pd.read_csv(FOLDER / file, index_col=index, float_precision="round_trip", **options)


def _read_if_there(file: str, index: str) -> pd.DataFrame | None:
    return _read(file, index) if (FOLDER / file).exists() else None
