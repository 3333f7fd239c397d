"""The one table of fits whose summaries say different things: covariance, groups, z or t.

Each is small enough to be fitted again without every row by the library itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lifelines
import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.duration.hazard_regression import PHReg

import vifstats as vs

TIGHT = {"precision": 1e-13, "r_precision": 1e-16}
NAMES = ["x", "arm", "z"]


def rows_of_data(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """Times with ties, events, weights, counts, clusters, outcomes of every kind."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "arm": rng.integers(0, 2, n), "z": rng.exponential(size=n)}
    ).astype(float)
    eta = 0.5 * frame.x - 0.3 * frame.arm
    frame["y"] = eta + rng.normal(size=n) * (0.5 + frame.z)
    frame["yes"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["count"] = rng.poisson(np.exp(0.5 + 0.4 * eta)).astype(float)
    frame["positive"] = np.exp(0.3 * eta) * rng.gamma(3, 1 / 3, n)
    frame["time"] = np.ceil(8 * rng.exponential(np.exp(-eta)) + 0.5)
    frame["event"] = (rng.random(n) < 0.75).astype(int)
    frame["entry"] = np.where(rng.random(n) < 0.3, np.floor(frame.time * rng.random(n)), 0.0)
    frame["weight"] = rng.uniform(0.5, 2.0, n)
    frame["times"] = rng.integers(1, 4, n).astype(float)
    frame["id"] = rng.integers(0, 10, n)
    frame["site"] = rng.integers(0, 2, n)
    return frame


@dataclass(frozen=True)
class Summary:
    """What a library's summary says of each parameter."""

    coefficients: np.ndarray
    errors: np.ndarray
    p_values: np.ndarray
    limits: np.ndarray


@dataclass(frozen=True)
class ReportedFit:
    """One kind of summary: ``fit(frame)`` is the library's fit to these rows."""

    name: str
    fit: Callable[[pd.DataFrame], Any]
    needs_frame: bool = False

    def __str__(self) -> str:
        return self.name

    def fitted(self, frame: pd.DataFrame) -> Any:
        """The fit; libraries warn of weights and of few events."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.fit(frame)

    def estimate(self, frame: pd.DataFrame) -> vs.Estimate:
        """Our reading of it."""
        return vs.from_model(self.fitted(frame), *((frame,) if self.needs_frame else ()))

    def summary(self, frame: pd.DataFrame) -> Summary:
        """The library's own."""
        fit = self.fitted(frame)
        if self.needs_frame:
            table = fit.summary
            limits = table[["coef lower 95%", "coef upper 95%"]].to_numpy()
            columns = (table[name].to_numpy() for name in ("coef", "se(coef)", "p"))
            return Summary(*columns, limits)
        said = (fit.params, fit.bse, fit.pvalues, fit.conf_int())
        return Summary(*(np.asarray(part) for part in said))


def _lifelines(name: str, *columns: str, **options: Any) -> ReportedFit:
    def fit(frame: pd.DataFrame) -> Any:
        kept = frame[[*NAMES, "time", "event", *columns]]
        return lifelines.CoxPHFitter().fit(kept, "time", "event", fit_options=TIGHT, **options)

    return ReportedFit(f"lifelines {name}", fit, needs_frame=True)


def _statsmodels(kind: str, outcome: str, name: str = "", **options: Any) -> list[ReportedFit]:
    """One model with every covariance, by z and by t."""
    own = {"weights", "family", "freq_weights", "var_weights"} & set(options)
    made = {key: options.pop(key) for key in own}

    def fit_of(settings: dict[str, Any]) -> Callable[[pd.DataFrame], Any]:
        def fit(frame: pd.DataFrame) -> Any:
            given = {
                key: frame[value] if isinstance(value, str) else value
                for key, value in made.items()
            }
            model = getattr(sm, kind)(frame[outcome], sm.add_constant(frame[NAMES]), **given)
            if "cov_kwds" in settings and "groups" in settings["cov_kwds"]:
                clusters = {**settings["cov_kwds"], "groups": frame["id"].to_numpy()}
                return model.fit(**{**options, **settings, "cov_kwds": clusters})
            return model.fit(**options, **settings)

        return fit

    found = []
    for cov in ("nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster"):
        for use_t in (False, True):
            settings = {"cov_type": cov, "use_t": use_t}
            if cov == "cluster":
                settings["cov_kwds"] = {"groups": None}
            label = f"{kind} {name} {cov} {'t' if use_t else 'z'}".replace("  ", " ")
            found.append(ReportedFit(label, fit_of(settings)))
    uncorrected = {"groups": None, "use_correction": False, "df_correction": False}
    settings = {"cov_type": "cluster", "cov_kwds": uncorrected, "use_t": True}
    found.append(
        ReportedFit(f"{kind} {name} cluster uncorrected".replace("  ", " "), fit_of(settings))
    )
    return found


def _phreg(name: str, ties: str, grouped: bool, **columns: str) -> ReportedFit:
    def fit(frame: pd.DataFrame) -> Any:
        given = {key: frame[column] for key, column in columns.items()}
        model = PHReg(frame.time, frame[NAMES], frame.event, ties=ties, **given)
        return model.fit(groups=frame["id"] if grouped else None, gtol=1e-12)

    return ReportedFit(f"PHReg {name}", fit)


IRLS = {"tol": 1e-14, "maxiter": 200}
FITS = [
    _lifelines("naive"),
    _lifelines("robust", robust=True),
    _lifelines("robust strata", "site", robust=True, strata=["site"]),
    _lifelines("robust entries", "entry", robust=True, entry_col="entry"),
    _lifelines("cluster", "id", cluster_col="id"),
    _lifelines("weights robust", "weight", weights_col="weight", robust=True),
    _lifelines("weights cluster", "weight", "id", weights_col="weight", cluster_col="id"),
    _lifelines("weights naive", "weight", weights_col="weight"),
    *_statsmodels("OLS", "y"),
    *_statsmodels("WLS", "y", weights="weight"),
    *_statsmodels("Logit", "yes", method="newton", disp=False, maxiter=100, tol=1e-14),
    *_statsmodels("GLM", "yes", "binomial", family=sm.families.Binomial(), **IRLS),
    *_statsmodels("GLM", "count", "poisson", family=sm.families.Poisson(), **IRLS),
    *_statsmodels(
        "GLM", "positive", "gamma log", family=sm.families.Gamma(sm.families.links.Log()), **IRLS
    ),
    *_statsmodels(
        "GLM", "count", "frequencies", family=sm.families.Poisson(), freq_weights="times", **IRLS
    ),
    *_statsmodels(
        "GLM", "y", "gaussian", family=sm.families.Gaussian(), var_weights="weight", **IRLS
    ),
    _phreg("breslow", "breslow", grouped=False),
    _phreg("efron", "efron", grouped=False),
    _phreg("breslow groups", "breslow", grouped=True),
    _phreg("efron groups", "efron", grouped=True),
    _phreg("efron groups strata", "efron", grouped=True, strata="site"),
]
