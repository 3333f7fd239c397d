"""Cox models of clinical data by lifelines, as estimates."""

import os

import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_lung

import vifstats as vs
from vifstats.datasets import load_metabric, load_rossi


def rossi() -> vs.Estimate:
    return _cox(load_rossi(), "week", "arrest")


def lung() -> vs.Estimate:
    """Names of columns with dots, coefficients of any size."""
    return _cox(load_lung().dropna(), "time", "status")


def metabric() -> vs.Estimate:
    if "VIFSTATS_DATA" not in os.environ:
        pytest.skip("METABRIC is not bundled: VIFSTATS_DATA names no folder with it")
    return _cox(load_metabric().drop(columns="split"), "time", "event")


def _cox(table: pd.DataFrame, time: str, event: str) -> vs.Estimate:
    return vs.from_model(CoxPHFitter().fit(table, time, event), table)
