"""Four kinds of edit of rossi, each of one row, and the same by hand in the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.datasets import load_rossi

COVARIATES = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
TIGHT = {"precision": 1e-13, "r_precision": 1e-16}


def fitted() -> tuple[pd.DataFrame, vs.Estimate]:
    """The data, and our fit of them."""
    d = load_rossi()
    return d, fit_of(d, np.zeros(7))


def fit_of(d: pd.DataFrame, start: np.ndarray) -> vs.Estimate:
    """Our fit."""
    return vs.minimize(vs.losses.Cox(d[COVARIATES], d.week, d.arrest), start)


def lifelines_fit(d: pd.DataFrame) -> np.ndarray:
    """Coefficients of lifelines' fit."""
    frame = d[[*COVARIATES, "week", "arrest"]]
    return CoxPHFitter().fit(frame, "week", "arrest", fit_options=TIGHT).params_.to_numpy()


KINDS = {
    "status": {"event": "flip"},
    "ten weeks earlier": {"time": lambda week: np.maximum(week - 10, 0.5)},
    "five convictions more": {"covariates": {"prio": lambda prio: prio + 5}},
    "the other arm": {"covariates": {"fin": lambda fin: 1 - fin}},
}


def edited_frame(d: pd.DataFrame, kind: str, i: int) -> pd.DataFrame:
    """The table with one row edited, by hand."""
    d = d.astype({"week": float})
    if kind == "status":
        d.loc[i, "arrest"] = 1 - d.loc[i, "arrest"]
    elif kind == "ten weeks earlier":
        d.loc[i, "week"] = max(d.loc[i, "week"] - 10, 0.5)
    elif kind == "five convictions more":
        d.loc[i, "prio"] += 5
    else:
        d.loc[i, "fin"] = 1 - d.loc[i, "fin"]
    return d
